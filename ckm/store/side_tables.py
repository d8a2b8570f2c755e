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


def append(table: StoredTable, frame: pl.DataFrame, prefix: str) -> None:
    """Add the rows of ``frame`` to a side table in one commit."""
    if len(frame):
        writer = DataFileWriter(table.folder, prefix)
        writer.write(frame)
        table.commit(schema=frame.schema, add=writer.close())


def remove(table: StoredTable, condition: pl.Expr, prefix: str) -> int:
    """Remove the rows of a side table that meet ``condition``, in one commit; return their number."""
    columns = list(dict.fromkeys(condition.meta.root_names()))
    return remove_rows(table, columns, lambda rows: rows.filter(condition), prefix)


def remove_rows(
    table: StoredTable, columns: list[str], chosen: Callable[[pl.DataFrame], pl.DataFrame], prefix: str
) -> int:
    """Remove rows from a side table and return their number; ``chosen`` selects them from a frame of ``columns``."""
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
