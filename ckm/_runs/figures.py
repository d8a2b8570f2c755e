"""Figures of a result file: number of rows, sums and counts of its columns, by which two runs are compared."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_SUM = ("_id", "_no", "_row", "_year", "version", "number")
"""Endings of the names of numeric columns whose sum has no meaning."""
COUNTED = frozenset({"segment", "level", "stage", "status", "severity", "kind", "reason"})
"""Columns whose values are counted: names of groups that ckm defines."""
MOST_VALUES = 40
READERS: dict[str, Callable[[BytesIO], pl.DataFrame]] = {
    ".csv": lambda file: pl.read_csv(file, infer_schema_length=None),
    ".tsv": lambda file: pl.read_csv(file, separator="\t", infer_schema_length=None),
    ".parquet": lambda file: pl.read_parquet(file),
    ".ndjson": lambda file: pl.read_ndjson(file, infer_schema_length=None),
    ".json": lambda file: pl.read_json(file, infer_schema_length=None),
}
"""Reader by suffix. They get bytes, because polars cannot open every name that a file system has."""


def figures_of(path: Path) -> dict[str, float]:
    """Return the figures of a result file by name; empty for a page, a workbook, or a file that is not a table.

    ``rows`` is the number of rows, ``sum of COLUMN`` the sum of a numeric column, ``COLUMN VALUE`` the number of rows
    with a value of a column of groups, and ``METRIC`` the value of a metric of a report without a slice.
    """
    if path.suffix not in READERS:
        return {}
    try:
        frame = READERS[path.suffix](BytesIO(path.read_bytes()))
    except (OSError, pl.exceptions.PolarsError):
        return {}
    if not frame.width:
        return {"rows": 0.0}
    found = {"rows": float(frame.height)}
    if {"metric", "slice", "value"} <= set(frame.columns) and frame["value"].dtype.is_numeric():
        whole = frame.filter(pl.col("slice").is_null() & pl.col("value").is_not_null())
        return found | dict(whole.select("metric", pl.col("value").cast(pl.Float64)).rows())
    for name, dtype in frame.schema.items():
        if dtype.is_numeric() and not name.endswith(NO_SUM):
            found[f"sum of {name}"] = float(frame[name].sum() or 0)
        elif name in COUNTED and dtype == pl.String and frame[name].n_unique() <= MOST_VALUES:
            counts = frame[name].drop_nulls().value_counts().sort(name)
            found |= {f"{name} {value}": float(count) for value, count in counts.rows()}
    return found
