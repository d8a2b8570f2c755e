"""Column statistics in the footer of a Parquet file, which prove for many columns that every value is valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm.paths import openable

if TYPE_CHECKING:
    from pathlib import Path

INTEGER_TYPES = ("INT32", "INT64")
UNTRUNCATED_BYTES = 16
"""Bytes of a text bound that no writer truncates."""


@dataclass(frozen=True)
class Bounds:
    """Bounds of all values of a column.

    Attributes
    ----------
    nulls
        Number of missing values; None if the footer lacks it.
    low, high
        Bounds of the values; null if the footer lacks them. Dates and times are integers of their unit since 1970.
        Values can be NaN in spite of bounds.
    """

    nulls: int | None = None
    low: Any = None
    high: Any = None

    @property
    def only(self) -> str | None:
        """The only text in the column; None if several values or nulls are possible."""
        known = self.nulls == 0 and isinstance(self.low, str) and len(self.low.encode()) <= UNTRUNCATED_BYTES
        return self.low if known and self.low == self.high else None


@dataclass(frozen=True)
class Footer:
    """Number of rows of a file, and the bounds of its columns by name."""

    rows: int
    columns: dict[str, Bounds]

    def bounds(self, column: str) -> Bounds:
        """Return the bounds of a column; unknown if the file has no statistics."""
        return self.columns.get(column, Bounds())


def read_footer(path: Path) -> Footer:
    """Read the statistics of every column of a Parquet file, over all its row groups."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(openable(path)) as file:
        metadata = file.metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        groups = [group for group in groups if group.num_rows]
        names = {metadata.schema.column(number).path: number for number in range(metadata.num_columns)}
        columns = {
            name: _over_groups([group.column(number).statistics for group in groups]) for name, number in names.items()
        }
        return Footer(metadata.num_rows, columns)


def _over_groups(statistics: list[Any]) -> Bounds:
    if not statistics or any(each is None for each in statistics):
        return Bounds()
    nulls = sum(each.null_count for each in statistics) if all(each.has_null_count for each in statistics) else None
    if not all(each.has_min_max for each in statistics):
        return Bounds(nulls)
    # Use the raw numbers: pyarrow would import pandas for half a second to convert one to a time.
    raw = statistics[0].physical_type in INTEGER_TYPES
    low = min(each.min_raw if raw else each.min for each in statistics)
    high = max(each.max_raw if raw else each.max for each in statistics)
    return Bounds(nulls, low, high)
