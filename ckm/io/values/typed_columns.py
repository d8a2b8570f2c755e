"""Convert typed columns, such as those of Parquet, to the schema type or to text."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ckm.io.values.zones import to_utc

UTC = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class NativeReader:
    """Convert a typed column to the schema type.

    Attributes
    ----------
    dtype
        Type of the schema.
    source
        Type of the column.
    reason
        Rule that an out-of-range value violates.
    zone
        Time zone of timestamps without one.
    """

    dtype: pl.DataType
    source: pl.DataType
    reason: str
    zone: str = "UTC"

    def quick(self, value: pl.Expr) -> pl.Expr:
        """Convert values; null if out of range."""
        if self.dtype.is_numeric():
            number = value.cast(pl.Float64)
            number = pl.when(number.is_finite()).then(number)
            if self.dtype.is_integer():
                return pl.when(number == number.floor()).then(number).cast(self.dtype, strict=False)
            return number if self.dtype == pl.Float64 else number.cast(self.dtype, strict=False)
        if self.dtype == pl.Boolean:
            return value
        if self.dtype == pl.Date:
            return (value if self.is_local else value.dt.convert_time_zone(self.zone)).cast(pl.Date)
        return to_utc(value.cast(pl.Datetime("us")), self.zone) if self.is_local else value.cast(UTC)

    @property
    def is_local(self) -> bool:
        """Return whether the column has dates, or timestamps without a time zone."""
        return not (isinstance(self.source, pl.Datetime) and self.source.time_zone is not None)

    def careful(self, values: pl.Series) -> pl.Series:
        """Return nulls: typed values have no careful path."""
        return pl.Series(values.name, [None] * len(values), dtype=self.dtype)


def fits(source: pl.DataType, target: pl.DataType) -> bool:
    """Return whether a column of type ``source`` converts to ``target`` without parsing text."""
    if target.is_numeric():
        return source.is_numeric()
    if target == pl.Boolean:
        return source == pl.Boolean
    return isinstance(target, pl.Date | pl.Datetime) and isinstance(source, pl.Date | pl.Datetime)


def as_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a column as text, whole numbers without decimals: 13085, not 13085.0.

    Raises
    ------
    TypeError
        The column has lists or structs.
    """
    if dtype == pl.String:
        return column
    if dtype.is_nested():
        raise TypeError("a nested column is not text")
    if isinstance(dtype, pl.Duration):
        return column.dt.to_string("iso")
    if dtype.is_float():
        whole = (column == column.floor()) & (column.abs() < 2.0**63)
        number = (
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        )
        return pl.when(column.is_not_nan()).then(number)
    return column.cast(pl.String, strict=False)


def storable(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return an unmapped column in a type that the store supports: unchanged if possible, else as text."""
    if dtype in (pl.UInt8, pl.UInt16, pl.UInt32):
        return column.cast(pl.Int64)
    if isinstance(dtype, pl.Datetime):
        return column.cast(pl.Datetime("us", dtype.time_zone))
    kept = dtype.is_signed_integer() or dtype.is_float() or dtype.is_decimal() or dtype.is_nested()
    return (
        column if kept or dtype in (pl.String, pl.Boolean, pl.Date, pl.Binary) else column.cast(pl.String, strict=False)
    )
