"""Read columns from folder names as Hive and Spark write them: ``currency=USD/month=3/part-0.parquet``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.io.readers.format import Batch, FileFormat
    from ckm.io.readers.remarks import Remarks

FOLDER = re.compile(r"^(?P<column>[A-Za-z_][\w.-]*)=(?P<value>.*)$", re.DOTALL)
NOTHING = "__HIVE_DEFAULT_PARTITION__"
"""Folder name that Hive and Spark use for null."""


class TableReader(Protocol):
    """Interface of the readers of all file formats."""

    @property
    def format(self) -> FileFormat:
        """The detected format."""
        ...

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield the records in file order."""
        ...


def partition_of(path: Path) -> dict[str, str | None]:
    """Return columns and values from the names of a file's parent folders; empty if these are no partitions.

    >>> partition_of(Path("/data/currency=USD/month=3/part-0.parquet"))
    {'currency': 'USD', 'month': '3'}
    """
    found: dict[str, str | None] = {}
    for folder in Path(os.path.abspath(path)).parents:  # noqa: PTH100  # without following links, whose names count
        pair = FOLDER.match(folder.name)
        if pair is None:
            break
        value = unquote(pair["value"])
        found.setdefault(unquote(pair["column"]), None if value in {NOTHING, ""} else value)
    return dict(reversed(found.items()))


def is_partition(folder: Path) -> bool:
    """Return whether a folder is named ``COLUMN=VALUE`` and is not a link, which could lead to a loop."""
    return FOLDER.match(folder.name) is not None and not folder.is_symlink()


@dataclass(frozen=True)
class PartitionedTable:
    """A file with the columns of its partition folders; columns of the file take precedence."""

    table: TableReader
    partition: dict[str, str | None]

    @property
    def format(self) -> FileFormat:
        """The file's format, with the partition columns added at the end."""
        return replace(self.table.format, columns=(*self.table.format.columns, *self.partition))

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield the records of the file; a partition column has the same value in all records."""
        added = [pl.lit(value, dtype=pl.String).alias(name) for name, value in self.partition.items()]
        for batch in self.table.batches(remarks, small=small):
            yield batch._replace(records=batch.records.with_columns(added))


def with_partition(table: TableReader, path: Path) -> TableReader:
    """Return a table with the partition columns that the file itself does not have."""
    missing = {name: value for name, value in partition_of(path).items() if name not in table.format.columns}
    return PartitionedTable(table, missing) if missing and table.format.columns else table
