"""A checked table: its key, date column, schema, and the rows up to the as-of date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.schema import RESERVED_COLUMNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm.schema import TableSchema

DAY = "__day"
"""Name of the temporary column of calendar days; it cannot clash with a source column."""
TEXT = (pl.String, pl.Categorical, pl.Enum)
"""Types of label columns."""
SALES = ("sale", "subscription")
"""Transaction types that show that the shop was open."""


DATED_BY = {
    "customers": "created_on",
    "transactions": "ordered_at",
    "interactions": "at",
    "consents": "at",
    "memberships": "on",
}
"""Date column of each table. The rows of relationships and billing_fields are valid for a period and have no date."""


@dataclass(frozen=True)
class CheckedTable:
    """A table prepared for the checks.

    Attributes
    ----------
    name
        Name of the table.
    frame
        Rows up to the as-of date and rows without a date, with their day in :data:`DAY`.
    whole
        All rows, including those after the as-of date.
    dtypes
        Columns with their types, without :data:`DAY`.
    contract
        Schema; None for an unknown table.
    dated_by
        Date column; None if missing, and then :data:`DAY` is null in all rows.
    """

    name: str
    frame: pl.LazyFrame
    whole: pl.LazyFrame
    dtypes: Mapping[str, pl.DataType]
    contract: TableSchema | None
    dated_by: str | None

    @property
    def own_columns(self) -> list[str]:
        """Columns of the table without lineage."""
        return [name for name in self.dtypes if name not in RESERVED_COLUMNS]

    def has(self, *columns: str) -> bool:
        """Return whether the table has all ``columns``."""
        return all(column in self.dtypes for column in columns)

    def lacks(self, column: str) -> str | None:
        """Return why rows cannot be counted by ``column``: it is missing or has the wrong type."""
        if column not in self.dtypes:
            return f"no column '{column}'"
        declared = self.contract.dtypes.get(column) if self.contract else None
        numbers = declared is not None and declared.is_numeric()
        fits = self.dtypes[column].is_numeric() if numbers else isinstance(self.dtypes[column], TEXT)
        return None if fits else f"'{column}' is {self.dtypes[column]}"


def prepare(name: str, frame: pl.LazyFrame, *, as_of: date | None, time_zone: str) -> CheckedTable:
    """Add each row's calendar day in ``time_zone`` and exclude days after ``as_of``.

    A null ``as_of`` excludes nothing. Timestamps without a zone are read as UTC, as the store writes them.
    """
    dtypes = frame.collect_schema()
    dated_by = DATED_BY.get(name)
    day = _day(dated_by, dtypes.get(dated_by), time_zone) if dated_by else None
    whole = frame.with_columns((pl.lit(None, pl.Date) if day is None else day).alias(DAY))
    cut = whole if as_of is None or day is None else whole.filter(pl.col(DAY).is_null() | (pl.col(DAY) <= as_of))
    return CheckedTable(name, cut, whole, dict(dtypes), TABLES.get(name), dated_by if day is not None else None)


def _day(column: str, dtype: pl.DataType | None, time_zone: str) -> pl.Expr | None:
    if isinstance(dtype, pl.Date):
        return pl.col(column)
    if not isinstance(dtype, pl.Datetime):
        return None
    moment = pl.col(column) if dtype.time_zone else pl.col(column).dt.replace_time_zone("UTC")
    return moment.dt.convert_time_zone(time_zone).dt.date()
