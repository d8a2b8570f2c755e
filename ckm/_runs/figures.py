"""Figures of a result file, by which two runs are compared: number of rows, sums and value counts of columns."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_SUM = ("_id", "_no", "_row", "_year", "version", "number")
"""Suffixes of names of numeric columns that are not summed: ids, numbers of rows and years."""
COUNTED = frozenset({"segment", "level", "stage", "status", "severity", "kind", "reason"})
"""Columns whose values are counted: categories that ckm defines, without personal data."""
MOST_VALUES = 40
READERS: dict[str, Callable[[BytesIO], pl.DataFrame]] = {
    ".csv": lambda file: pl.read_csv(file, infer_schema_length=None),
    ".tsv": lambda file: pl.read_csv(file, separator="\t", infer_schema_length=None),
    ".parquet": lambda file: pl.read_parquet(file),
    ".ndjson": lambda file: pl.read_ndjson(file, infer_schema_length=None),
    ".json": lambda file: pl.read_json(file, infer_schema_length=None),
}
"""Reader by file suffix. Readers get the bytes of a file, because polars cannot open every file name."""


def figures_of(path: Path) -> dict[str, float]:
    """Return the figures of a result file by name; empty for HTML, Markdown, Excel, or a file that is not a table.

    Names are ``rows`` (number of rows), ``sum of COLUMN`` (sum of a numeric column) and ``COLUMN VALUE`` (number of
    rows with this value, for the columns of :data:`COUNTED`). A file with the columns metric, slice and value (a
    report) has instead of sums and counts the value of each metric whose slice is null, by name of the metric.
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
