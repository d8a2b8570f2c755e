"""From records as read to rows as stored, under names that every reader of the store accepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ckm.schema import RESERVED_COLUMNS

if TYPE_CHECKING:
    from ckm.schema import Table

NOT_IN_DELTA = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Delta tables do not allow in the name of a column."""


def stored_names(columns: list[str], table: Table) -> dict[str, str]:
    """Return the name in the store for every extra column.

    Characters that Delta forbids become ``_``; names that differ only in case from another get one appended, because
    readers such as Spark and DuckDB do not tell them apart.
    """
    taken = {name.casefold() for name in (*table.targets, *RESERVED_COLUMNS)}
    names = {}
    for column in columns:
        if column in table.targets:
            continue
        name = NOT_IN_DELTA.sub("_", column) or "_"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        names[column] = name
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
