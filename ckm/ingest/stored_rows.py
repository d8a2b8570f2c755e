"""Convert parsed records to stored rows with column names that every reader of the store accepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ckm.schema import RESERVED_COLUMNS
from ckm.store import REPLACED_BY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ckm.schema import TableSchema

NOT_IN_DELTA = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Delta tables do not allow in column names."""


def stored_names(columns: Mapping[str, pl.DataType], table: TableSchema, stored: Iterable[str] = ()) -> dict[str, str]:
    """Return the stored name of every extra column.

    Characters that Delta does not allow become ``_``. Readers such as Spark and DuckDB ignore case in names. So a name
    that differs only in case from a stored extra column is that column, and a ``_`` is appended to one that clashes
    with a column of the schema or of the same file.

    Parameters
    ----------
    columns
        Names and types of the converted rows; columns of the schema and helper columns have their schema type.
    table
        The target table.
    stored
        Its current columns in the store.
    """
    targets = {**table.dtypes, **table.targets}
    taken = {name.casefold() for name in (*targets, *RESERVED_COLUMNS, REPLACED_BY)}
    known = {name.casefold(): name for name in stored if name.casefold() not in taken}
    names = {}
    for column, dtype in columns.items():
        if targets.get(column) == dtype:
            continue
        name = NOT_IN_DELTA.sub("_", column) or "_"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        names[column] = known.get(name.casefold(), name)
    return names


def stored(frame: pl.DataFrame, names: dict[str, str], lines: pl.Series) -> pl.DataFrame:
    """Return ``frame`` with its extra columns as text under their stored names, and ``source_row``."""
    extra = [pl.col(column).cast(pl.String).alias(name) for column, name in names.items()]
    kept = [column for column in frame.columns if column not in names]
    return frame.select(*kept, *extra, lines.cast(pl.Int64).alias("source_row"))


def as_json(records: pl.DataFrame) -> pl.Series:
    """Return every record as one JSON object of texts."""
    texts = records.select(pl.all().cast(pl.String, strict=False))
    return texts.select(pl.struct(pl.all()).struct.json_encode()).to_series()
