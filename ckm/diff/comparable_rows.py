"""Rows of two files in a form in which equal values have equal texts, whatever their format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.diff.compared_file import LINE
from ckm.io.values.readers import complete_reading

if TYPE_CHECKING:
    from ckm.diff.compared_file import ComparedFile

KEY, CONTENT, COPY = "ckm:key", "ckm:content", "ckm:copy"
"""Helper columns: hashes of key and content, and the number among equal rows."""
NUMBERS = ("number", "integer")
"""Types of columns that are compared as numbers."""


def comparable(one: ComparedFile, other: ComparedFile, common: list[str], key: list[str]) -> pl.DataFrame:
    """Return the common columns as texts that are equal for equal values, and the key hashes."""
    columns = [canonical(one, name, _same_kind(one, other, name)) for name in common]
    frame = pl.DataFrame([*columns, one.records[LINE]])
    content = frame.select(common).hash_rows().alias(CONTENT)
    by_key = frame.select(key).hash_rows().alias(KEY) if key else content.alias(KEY)
    return numbered(frame.with_columns(content, by_key), CONTENT)


def _same_kind(one: ComparedFile, other: ComparedFile, column: str) -> str:
    kinds = {one.kind(column), other.kind(column)}
    if len(kinds) == 1:
        return kinds.pop()
    return "number" if kinds <= set(NUMBERS) else "text"


def canonical(one: ComparedFile, column: str, kind: str) -> pl.Series:
    """Return a column as text, with normalised numbers and dates; other values are unchanged."""
    values, reader = one.records[column], one.profiles[column].reader
    if values.dtype.is_nested():
        values = pl.Series(column, [None if each is None else str(each) for each in values.to_list()], dtype=pl.String)
    if kind not in {"number", "date"}:
        return values.cast(pl.String, strict=False).str.strip_chars()
    typed = values
    if values.dtype == pl.String:
        if reader is None:
            return values.str.strip_chars()
        quick = values.to_frame("value").with_columns(reader.quick(pl.col("value")).alias("value"))["value"]
        typed, _ = complete_reading(values, quick, reader)
    if kind == "number":
        typed = typed.cast(pl.Float64, strict=False)
    elif isinstance(typed.dtype, pl.Datetime) and typed.dtype.time_zone:
        typed = typed.dt.convert_time_zone("UTC").dt.replace_time_zone(None).dt.cast_time_unit("us")
    elif typed.dtype in (pl.Date, pl.Datetime):
        typed = typed.cast(pl.Datetime("us"))
    text = typed.cast(pl.String, strict=False)
    return (
        pl.select(pl.coalesce(text, values.cast(pl.String, strict=False).str.strip_chars())).to_series().alias(column)
    )


def numbered(frame: pl.DataFrame, of: str) -> pl.DataFrame:
    """Number equal rows: first, second, and so on."""
    return frame.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over(of).alias(COPY))
