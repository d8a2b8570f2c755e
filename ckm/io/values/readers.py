"""Parse columns of text: plain values on a fast path, others on a careful path."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

from ckm.io.values.dates import DateStyle, parse_dates
from ckm.io.values.numbers import NumberStyle, parse_numbers
from ckm.io.values.vocabulary import fold, null_words
from ckm.io.values.zones import to_utc, to_utc_quick

MOMENT = pl.Datetime("us", "UTC")
FIRST_TIME = datetime(1000, 1, 1)
"""strptime reads 01.02.25 as the year 25: earlier dates are parsed again on the careful path."""


MOST_CACHED = 1000
"""Maximum number of cached invalid texts; further ones are parsed again in each batch."""


class Reader(Protocol):
    """Interface of a parser for the texts of a column.

    Attributes
    ----------
    dtype
        Type of the parsed values.
    reason
        Rule that an invalid text violates: ``number``, ``integer`` or ``date``.
    """

    @property
    def dtype(self) -> pl.DataType:
        """The type of parsed values."""
        ...

    @property
    def reason(self) -> str:
        """The rule that an invalid text violates."""
        ...

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Parse plain texts; null for others."""
        ...

    def careful(self, texts: pl.Series) -> pl.Series:
        """Parse any text; null if invalid."""
        ...


@dataclass(frozen=True)
class TextReader:
    """Parser of text: unchanged, except null words of the mapping, which become null.

    Attributes
    ----------
    trim
        Whether surrounding spaces are removed, and blank texts become null.
    nulls
        The null words.
    """

    trim: bool = False
    nulls: tuple[str, ...] = ()

    dtype = pl.String()
    reason = "text"

    def quick(self, text: pl.Expr, *, may_be_blank: bool = True) -> pl.Expr:
        """Return texts, trimmed and with null for blank ones if ``trim``."""
        if not self.trim:
            return text
        trimmed = text.str.strip_chars()
        return pl.when(trimmed != "").then(trimmed) if may_be_blank else trimmed

    def careful(self, texts: pl.Series) -> pl.Series:
        """Replace null words by null."""
        missing = texts.is_in(list(self.nulls)) if self.nulls else None
        return texts if missing is None or not missing.any() else texts.set(missing, None)


@dataclass(frozen=True)
class NumberReader:
    """Parser of numbers in one style.

    Attributes
    ----------
    style
        The number format.
    wanted
        The type of the schema; fractions are invalid for an integer type.
    """

    style: NumberStyle
    wanted: pl.DataType = field(default_factory=pl.Float64)

    @property
    def dtype(self) -> pl.DataType:
        """The type of parsed values."""
        return self.wanted

    @property
    def reason(self) -> str:
        """The rule that an invalid text violates."""
        return "integer" if self.wanted.is_integer() else "number"

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Parse plain numbers."""
        return self._whole(self.style.quick(text))

    def careful(self, texts: pl.Series) -> pl.Series:
        """Parse numbers in any format."""
        return parse_numbers(texts, self.style).to_frame("value").select(self._whole(pl.col("value"))).to_series()

    def _whole(self, value: pl.Expr) -> pl.Expr:
        if self.wanted.is_integer():
            return whole_number(value, self.wanted)
        return value if self.wanted == pl.Float64 else value.cast(self.wanted, strict=False)


@dataclass(frozen=True)
class DateReader:
    """Parser of dates in one style: as dates, or as timestamps in UTC.

    Attributes
    ----------
    style
        The date format.
    zone
        Time zone of texts without an offset from UTC.
    day
        Whether values are dates, as written, without time and zone.
    """

    style: DateStyle
    zone: str
    day: bool = False

    reason = "date"

    @property
    def dtype(self) -> pl.DataType:
        """The type of parsed values: date, or timestamp in microseconds UTC."""
        return pl.Date() if self.day else MOMENT

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Parse texts that have the ``pattern`` of the style; null for others.

        A pattern with ``%z`` yields UTC from the offset in each text; a pattern with a final ``Z`` yields local times
        that are UTC (``style.zoned``); any other pattern yields local times in ``zone``.
        """
        style = self.style
        has_offset = style.pattern is not None and style.pattern.endswith("%z")
        if style.pattern is None or style.calendar != "common" or (self.day and has_offset):
            # A literal alone would give one value, not one per row.
            return pl.when(text.is_null()).then(pl.lit(None, dtype=self.dtype))
        dtype = MOMENT if has_offset else pl.Datetime("us")
        time = text.str.strptime(dtype, style.pattern, strict=False, cache=self.day)
        time = pl.when(time >= (FIRST_TIME.replace(tzinfo=UTC) if has_offset else FIRST_TIME)).then(time)
        if self.day:
            return time.dt.date()
        if style.zoned:  # in UTC already: this only attaches the zone
            return time.dt.replace_time_zone("UTC")
        return to_utc_quick(time, self.zone)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Parse any format that the style allows; null if invalid."""
        found = parse_dates(texts, self.style)
        if self.day:
            return found["local"].dt.date()
        moment = pl.coalesce(pl.col("instant").dt.replace_time_zone("UTC"), to_utc(pl.col("local"), self.zone))
        return found.select(moment).to_series()


class CachingReader:
    """A parser that caches invalid texts, which often recur in every batch of a file.

    Parameters
    ----------
    reader
        The parser.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._invalid: set[str] = set()

    @property
    def dtype(self) -> pl.DataType:
        """The type of parsed values."""
        return self._reader.dtype

    @property
    def reason(self) -> str:
        """The rule that an invalid text violates."""
        return self._reader.reason

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Parse plain texts; null for others."""
        return self._reader.quick(text)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Parse any text; null if invalid."""
        if len(texts) <= MOST_CACHED and self._invalid.issuperset(texts):
            return pl.Series(texts.name, [None] * len(texts), dtype=self.dtype)
        read = self._reader.careful(texts)
        free = MOST_CACHED - len(self._invalid)
        self._invalid.update(texts.filter(read.is_null()).head(free))
        return read


def whole_number(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return numbers as an integer type; null for fractions and out-of-range numbers."""
    return pl.when(value == value.floor()).then(value).cast(dtype, strict=False)


def complete_reading(values: pl.Series, quick: pl.Series, reader: Reader) -> tuple[pl.Series, pl.Series | None]:
    """Parse the values of a column that the fast path did not parse.

    Parameters
    ----------
    values
        The column as read; null means no value.
    quick
        The values parsed by the fast path.
    reader
        Parses the others, each distinct text once.

    Returns
    -------
    tuple
        The typed column, and a Boolean mask of invalid values; None without any.
    """
    if isinstance(reader, TextReader):
        return reader.careful(quick), None
    if quick.null_count() == values.null_count():
        return quick, None
    open_rows = (quick.is_null() & values.is_not_null()).arg_true()
    rest = values.gather(open_rows)
    distinct = rest.unique()
    answers = pl.DataFrame({"value": distinct, "meaning": reader.careful(distinct), "missing": _is_missing(distinct)})
    answers = answers.with_columns(
        meaning=pl.when(~pl.col("missing")).then("meaning"), invalid=pl.col("meaning").is_null() & ~pl.col("missing")
    )
    found = rest.to_frame("value").join(answers, on="value", how="left", maintain_order="left")
    typed = quick.scatter(open_rows, found["meaning"])
    invalid = found["invalid"]
    if not invalid.any():
        return typed, None
    fine = pl.select(pl.repeat(value=False, n=len(values), dtype=pl.Boolean)).to_series()
    return typed, fine.scatter(open_rows.filter(invalid), True)


def _is_missing(values: pl.Series) -> pl.Series:
    if values.dtype != pl.String:
        return values.is_null()
    words = null_words()
    return pl.Series([not text.strip() or fold(text) in words for text in values], dtype=pl.Boolean)
