"""Side tables of a table: the quarantine, and replaced rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.io.parquet_file import read_file
from ckm.store.data_files import DataFileWriter
from ckm.store.staging import drop_from_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckm.store.delta import StoredTable

REPLACED = "_replaced"
"""Suffix of the table of replaced rows, which allows a load to be undone."""
REPLACED_BY = "replaced_by"
"""Column of the table of replaced rows: the load whose row replaced this row."""
QUARANTINE = "quarantine"
SCHEMA = pl.Schema(
    {
        "load_id": pl.String(),
        "table": pl.String(),
        "source": pl.String(),
        "file_id": pl.String(),
        "source_file": pl.String(),
        "source_row": pl.Int64(),
        "customer_id": pl.String(),
        "reasons": pl.List(pl.String),
        "raw": pl.String(),
    }
)
"""Columns of the quarantine. ``file_id`` is the SHA-256 of the file; ``raw`` is the record as JSON, or its text if it
could not be parsed."""


class Appender:
    """Add rows to a side table, frame by frame, in one commit at the end."""

    def __init__(self, table: StoredTable, prefix: str) -> None:
        self.rows = 0
        self.table = table
        self._prefix = prefix
        self._writer: DataFileWriter | None = None
        self._schema = pl.Schema()

    def add(self, frame: pl.DataFrame) -> None:
        """Write the rows of ``frame`` beside the table."""
        if frame.is_empty():
            return
        if self._writer is None:
            self.table.folder.mkdir(parents=True, exist_ok=True)
            self._writer = DataFileWriter(self.table.folder, self._prefix)
            self._schema = frame.schema
        self._writer.write(frame)
        self.rows += len(frame)

    def commit(self) -> None:
        """Commit the rows."""
        if self._writer is not None:
            self.table.commit(schema=self._schema, add=self._writer.close())

    def abandon(self) -> None:
        """Stop writing; written files are left for :func:`ckm.store.journal.sweep`."""
        if self._writer is not None:
            self._writer.abandon()


def append(table: StoredTable, frame: pl.DataFrame, prefix: str) -> None:
    """Add the rows of ``frame`` to a side table in one commit."""
    appender = Appender(table, prefix)
    appender.add(frame)
    appender.commit()


def remove(table: StoredTable, condition: pl.Expr, prefix: str) -> int:
    """Remove the rows of a side table that meet ``condition``, in one commit; return their number."""
    columns = list(dict.fromkeys(condition.meta.root_names()))
    return remove_rows(table, columns, lambda rows: rows.filter(condition), prefix)


def remove_rows(
    table: StoredTable, columns: list[str], chosen: Callable[[pl.DataFrame], pl.DataFrame], prefix: str
) -> int:
    """Remove the rows of a side table that ``chosen`` selects from frames of ``columns``; return their number."""
    drops = {}
    for file in table.files:
        frame = read_file(table.folder / file.name, columns).with_row_index(" row")
        positions = chosen(frame)[" row"].cast(pl.Int64).to_numpy()
        if len(positions):
            drops[file.name] = [positions]
    if drops:
        _, rewritten = drop_from_files(table.folder, table.files, drops, prefix)
        table.commit(schema=table.schema, add=rewritten, remove=list(drops))
    return sum(len(positions) for [positions] in drops.values())
