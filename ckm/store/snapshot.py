"""Data files of a table in one version, and the files added and removed since an earlier version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

from ckm.io.parquet_file import scan_files
from ckm.store.data_files import CLUSTER_COLUMN, DataFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ckm.store.delta import StoredTable

Mark = tuple[str, int, int, int]
"""Name, rows, bytes and modification time of a data file, which identify it within a table."""


@dataclass(frozen=True)
class TableSnapshot:
    """The data files of a table in one version.

    Attributes
    ----------
    folder
        Folder of the table.
    schema
        Columns of the table.
    files
        Data files by :data:`Mark`.
    """

    folder: Path
    schema: pl.Schema
    files: dict[Mark, DataFile]

    @classmethod
    def of(cls, table: StoredTable) -> TableSnapshot | None:
        """Return the snapshot of a table.

        None if the table is partitioned or has files outside its folder (:attr:`StoredTable.is_plain`).
        """
        if not table.is_plain:
            return None
        return cls(table.folder, table.schema, {_mark(file): file for file in table.files})

    @property
    def rows(self) -> int:
        """Number of rows of the table."""
        return sum(file.rows for file in self.files.values())

    def since(self, marks: Iterable[Sequence[Any]]) -> tuple[list[Mark], list[Mark]]:
        """Return the files added, and the files removed, since an earlier version with the files ``marks``."""
        earlier = {(str(name), int(rows), int(size), int(modified)) for name, rows, size, modified in marks}
        return sorted(self.files.keys() - earlier), sorted(earlier - self.files.keys())

    def scan(self, marks: Iterable[Mark]) -> pl.LazyFrame:
        """Return the rows of the files ``marks`` as a lazy frame; files of an earlier version are allowed."""
        return scan_files([self.folder / unquote(name) for name, *_ in marks], self.schema)

    def lacks(self, mark: Mark) -> bool:
        """Return whether the file of ``mark``, also of an earlier version, is missing or has another size on disk."""
        path = self.folder / unquote(mark[0])
        return not path.is_file() or path.stat().st_size != mark[2]

    def scan_customers(self, customers: pl.Series) -> pl.LazyFrame:
        """Return the rows of some customers (sorted ids) as a lazy frame, from the files that may contain them."""
        near = [mark for mark, file in self.files.items() if _may_hold_any(file, customers)]
        return self.scan(near).filter(pl.col(CLUSTER_COLUMN).is_in(customers.implode()))


def _mark(file: DataFile) -> Mark:
    return file.name, file.rows, file.size, file.modified


def _may_hold_any(file: DataFile, customers: pl.Series) -> bool:
    low, high = file.bounds(CLUSTER_COLUMN)
    if low is None or high is None:
        return True
    first, after = customers.search_sorted(low, side="left"), customers.search_sorted(high, side="right")
    return int(first) < int(after)
