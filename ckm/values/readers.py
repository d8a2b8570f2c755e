"""How one column becomes typed: at full speed where its values are plain, with care where they are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

from ckm.values.dates import DateStyle, parse_dates
from ckm.values.numbers import NumberStyle, parse_numbers
from ckm.values.vocabulary import fold, null_words
from ckm.values.zones import to_utc, to_utc_quick

MOMENT = pl.Datetime("us", "UTC")
FIRST_TIME = datetime(1000, 1, 1)
"""strptime takes the 25 of 01.02.25 for the year 25: what is before this is read again with care."""


REMEMBERED = 1000
"""Texts that cannot be read and are kept in mind; a file with more different ones is read at the cost of reading them.
"""


class Reader(Protocol):
    """Reads the texts of a column.

    Attributes
    ----------
    dtype
        What it makes of them.
    reason
        What is broken when a text cannot be read: ``number``, ``integer`` or ``date``.
    """

    @property
    def dtype(self) -> pl.DataType:
        """What it makes of texts."""
        ...

    @property
    def reason(self) -> str:
        """What a text that it cannot read breaks."""
        ...

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Read plain texts; null where care is needed."""
        ...

    def careful(self, texts: pl.Series) -> pl.Series:
        """Read any text; null where it cannot be read."""
        ...


@dataclass(frozen=True)
class TextReader:
    """Text as it came, but for the mapping's null words; ids without surrounding blanks."""

    trim: bool = False
    nulls: tuple[str, ...] = ()

    dtype = pl.String()
    reason = "text"

    def quick(self, text: pl.Expr, *, may_be_blank: bool = True) -> pl.Expr:
        """Trim, and make null what is blank; every text is plain."""
        if not self.trim:
            return text
        trimmed = text.str.strip_chars()
        return pl.when(trimmed != "").then(trimmed) if may_be_blank else trimmed

    def careful(self, texts: pl.Series) -> pl.Series:
        """Make texts that mean no value null."""
        void = texts.is_in(list(self.nulls)) if self.nulls else None
        return texts if void is None or not void.any() else texts.set(void, None)


@dataclass(frozen=True)
class NumberReader:
    """Numbers in one style."""

    style: NumberStyle
    wanted: pl.DataType = field(default_factory=pl.Float64)

    @property
    def dtype(self) -> pl.DataType:
        """The contract's type."""
        return self.wanted

    @property
    def reason(self) -> str:
        """What a text that is none breaks."""
        return "integer" if self.wanted.is_integer() else "number"

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Read plain numbers."""
        return self._whole(self.style.quick(text))

    def careful(self, texts: pl.Series) -> pl.Series:
        """Read numbers in any dress."""
        return parse_numbers(texts, self.style).to_frame("value").select(self._whole(pl.col("value"))).to_series()

    def _whole(self, value: pl.Expr) -> pl.Expr:
        if self.wanted.is_integer():
            return whole_number(value, self.wanted)
        return value if self.wanted == pl.Float64 else value.cast(self.wanted, strict=False)


@dataclass(frozen=True)
class DateReader:
    """Dates in one style: as days, or as moments in UTC.

    Attributes
    ----------
    zone
        Of times that name none.
    day
        Whether only the date, as written, is kept.
    """

    style: DateStyle
    zone: str
    day: bool = False

    reason = "date"

    @property
    def dtype(self) -> pl.DataType:
        """Date, or microseconds in UTC."""
        return pl.Date() if self.day else MOMENT

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Read what has the column's usual layout."""
        style = self.style
        if style.pattern is None or style.calendar != "common" or (self.day and style.pattern.endswith("%z")):
            # A bare literal would be one value, not one per row.
            return pl.when(text.is_null()).then(pl.lit(None, dtype=self.dtype))
        aware = style.pattern.endswith("%z")
        read = MOMENT if aware else pl.Datetime("us")
        time = text.str.strptime(read, style.pattern, strict=False, cache=self.day)
        time = pl.when(time >= (FIRST_TIME.replace(tzinfo=UTC) if aware else FIRST_TIME)).then(time)
        if self.day:
            return time.dt.date()
        if style.zoned:
            return time.dt.replace_time_zone("UTC")
        return to_utc_quick(time, self.zone)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Read every layout that the style allows."""
        found = parse_dates(texts, self.style)
        if self.day:
            return found["local"].dt.date()
        moment = pl.coalesce(pl.col("instant").dt.replace_time_zone("UTC"), to_utc(pl.col("local"), self.zone))
        return found.select(moment).to_series()


class Remembering:
    """A reader of texts that remembers those that it cannot read: the same few come in every batch of a file.

    Parameters
    ----------
    reader
        What reads.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._unreadable: set[str] = set()

    @property
    def dtype(self) -> pl.DataType:
        """What it makes of texts."""
        return self._reader.dtype

    @property
    def reason(self) -> str:
        """What a text that it cannot read breaks."""
        return self._reader.reason

    def quick(self, text: pl.Expr) -> pl.Expr:
        """Read plain texts; null where care is needed."""
        return self._reader.quick(text)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Read any text; null where it cannot be read."""
        if len(texts) <= REMEMBERED and self._unreadable.issuperset(texts):
            return pl.Series(texts.name, [None] * len(texts), dtype=self.dtype)
        read = self._reader.careful(texts)
        room = REMEMBERED - len(self._unreadable)
        self._unreadable.update(texts.filter(read.is_null()).head(room))
        return read


def whole_number(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return numbers as whole ones of a type; null for those with a fraction or out of range."""
    return pl.when(value == value.floor()).then(value).cast(dtype, strict=False)


def complete_reading(values: pl.Series, quick: pl.Series, reader: Reader) -> tuple[pl.Series, pl.Series | None]:
    """Read with care what :meth:`Reader.quick` left open.

    Parameters
    ----------
    values
        The column as read; null means no value.
    quick
        What the quick way made of it.
    reader
        Reads the rest, each distinct text once.

    Returns
    -------
    tuple
        The typed column, and a Boolean mask of the values that are present and cannot be read; None without any.
    """
    if isinstance(reader, TextReader):
        return reader.careful(quick), None
    if quick.null_count() == values.null_count():
        return quick, None
    open_rows = (quick.is_null() & values.is_not_null()).arg_true()
    rest = values.gather(open_rows)
    distinct = rest.unique()
    answers = pl.DataFrame({"value": distinct, "meaning": reader.careful(distinct), "void": _means_nothing(distinct)})
    answers = answers.with_columns(
        meaning=pl.when(~pl.col("void")).then("meaning"), broken=pl.col("meaning").is_null() & ~pl.col("void")
    )
    found = rest.to_frame("value").join(answers, on="value", how="left", maintain_order="left")
    typed = quick.scatter(open_rows, found["meaning"])
    broken = found["broken"]
    if not broken.any():
        return typed, None
    fine = pl.select(pl.repeat(value=False, n=len(values), dtype=pl.Boolean)).to_series()
    return typed, fine.scatter(open_rows.filter(broken), True)


def _means_nothing(values: pl.Series) -> pl.Series:
    if values.dtype != pl.String:
        return values.is_null()
    words = null_words()
    return pl.Series([not text.strip() or fold(text) in words for text in values], dtype=pl.Boolean)
