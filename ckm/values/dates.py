"""Dates as people write them: the order of day and month, and what a text means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm.values.calendars import BUDDHIST_YEARS, JALALI_YEARS
from ckm.values.date_parts import SHAPES, assemble, may_begin_with_year, simplify, split
from ckm.values.distinct import distinct_texts
from ckm.values.short_years import ShortYears, weigh_short_years

if TYPE_CHECKING:
    from collections.abc import Mapping

Order = Literal["dmy", "mdy", "ymd"]
Unit = Literal["serial", "serial_1904", "epoch_s", "epoch_ms", "epoch_us"]

SERIAL_DAYS = (20_000, 80_000)
"""Excel serials that pass for dates: October 1954 to January 2119."""
EXCEL_EPOCH_DAYS = 25_569
"""Excel's serial of 1970-01-01; its day 0 is 1899-12-30, as it takes 1900 for a leap year."""
EPOCH_RANGES: dict[Unit, tuple[float, float]] = {
    "epoch_s": (3e8, 4e9),
    "epoch_ms": (3e11, 4e12),
    "epoch_us": (3e14, 4e15),
}
"""Numbers that pass for seconds, milliseconds or microseconds since 1970: July 1979 to October 2096."""
MICROSECONDS = {"epoch_s": 1e6, "epoch_ms": 1e3, "epoch_us": 1.0}
"""In a unit that counts from 1970."""
DAYS_TO_1904 = 1_462
"""By how much less a workbook that counts from 1904 numbers the same day."""
TRAITS = (
    "clear", "dmy", "mdy", "open", "same", "serial", "buddhist", "jalali", "short", "epoch_s", "epoch_ms",
    "epoch_us", "other",
)  # fmt: skip
"""What a text can be as a date; see :class:`DateEvidence`."""
OUTNUMBERED = 10
"""How many times more values must speak for an order than against it, for these to be taken for slips."""


@dataclass(frozen=True)
class DateEvidence:
    """How many distinct values of a column are written in which way.

    Attributes
    ----------
    clear
        Dates that can be read one way only: ISO, compact, with the month's name.
    dmy, mdy
        Numeric dates that must be day first, or month first.
    open
        Numeric dates that can be either.
    same
        Numeric dates that mean the same either way: 01/01/2025.
    serial
        Numbers in the range of Excel's dates.
    buddhist, jalali
        Dates whose four-digit years are of these calendars.
    short
        Dates with two-digit years.
    epoch_s, epoch_ms, epoch_us
        Numbers that pass for seconds, milliseconds or microseconds since 1970; they count as ``other`` too.
    other
        Texts that are no date.
    years
        What the dates with two-digit years say about the place and the calendar of the year.
    """

    clear: int = 0
    dmy: int = 0
    mdy: int = 0
    open: int = 0
    same: int = 0
    serial: int = 0
    buddhist: int = 0
    jalali: int = 0
    short: int = 0
    epoch_s: int = 0
    epoch_ms: int = 0
    epoch_us: int = 0
    other: int = 0
    years: ShortYears = field(default_factory=ShortYears)

    def __add__(self, other: DateEvidence) -> DateEvidence:
        return DateEvidence(*(getattr(self, spec.name) + getattr(other, spec.name) for spec in fields(self)))

    @property
    def order(self) -> Order | None:
        """The order that numeric dates speak for; None when none do, or when they are at odds."""
        if self.years.begin:
            return "ymd"
        if self.is_year_unclear:
            return None
        most, least = max(self.dmy, self.mdy), min(self.dmy, self.mdy)
        if most <= least * OUTNUMBERED:
            return None
        return "dmy" if self.dmy == most else "mdy"

    @property
    def is_year_unclear(self) -> bool:
        """Whether most numeric dates have two-digit years that may stand first as well as last."""
        return 2 * self.years.numeric > self.dates - self.clear and self.years.are_unclear

    @property
    def epoch(self) -> Unit | None:
        """The unit in which most values count from 1970, where hardly any is a date."""
        return next((unit for unit in EPOCH_RANGES if getattr(self, unit) * 2 > self.other + self.dates), None)

    @property
    def dates(self) -> int:
        """Values that are dates in some way."""
        return self.clear + self.dmy + self.mdy + self.open + self.same

    @property
    def is_open(self) -> bool:
        """Whether most of the column is numeric dates, and nothing settles the order."""
        return self.order is None and self.dates > 2 * self.clear

    @property
    def is_serial(self) -> bool:
        """Whether the column holds Excel's day numbers."""
        return self.serial > 0 and self.serial >= self.dates + self.other

    @property
    def is_buddhist(self) -> bool:
        """Whether most years are of the Buddhist era."""
        return self.buddhist * 2 > self.dates

    @property
    def is_jalali(self) -> bool:
        """Whether most years look like those of the Persian calendar."""
        return self.jalali * 2 > self.dates


@dataclass(frozen=True)
class DateStyle:
    """How the dates of a column are written.

    Attributes
    ----------
    order
        Of numeric dates; ``ymd`` is for two-digit years. None: each must speak for itself, as 13/04/2025 does, and
        03/04/2025 is refused.
    pattern
        A strptime format that most values have; tried first, at full speed.
    zoned
        Whether ``pattern`` gives moments in UTC rather than local times.
    calendar
        ``common``, ``buddhist`` (Thailand) or ``jalali`` (Iran).
    number
        What a bare number counts: days since Excel's epoch, or seconds, milliseconds or microseconds since 1970 UTC.
    """

    order: Order | None = None
    pattern: str | None = None
    zoned: bool = False
    calendar: Literal["common", "buddhist", "jalali"] = "common"
    number: Unit | None = None

    @property
    def label(self) -> str:
        """The style as it is reported."""
        named = {
            "serial": "excel serial",
            "serial_1904": "excel serial from 1904",
            "epoch_s": "epoch_s",
            "epoch_ms": "epoch_ms",
            "epoch_us": "epoch_us",
        }
        base = named[self.number] if self.number else self.pattern or self.order or "iso"
        return base if self.calendar == "common" else f"{base} ({self.calendar})"


def weigh_dates(texts: pl.Series) -> DateEvidence:
    """Count how the distinct values of a text column are written."""
    return weigh_all_dates({"": texts})[""]


def weigh_all_dates(columns: Mapping[str, pl.Series]) -> dict[str, DateEvidence]:
    """Count the same for many columns at once: each distinct text is looked at once, whatever columns it stands in."""
    evidence = dict.fromkeys(columns, DateEvidence())
    for stacked in distinct_texts(columns):
        texts = stacked["text"].unique()
        traits, parts = date_traits(texts)
        counts = stacked.join(traits, on="text").group_by("column", maintain_order=True).agg(pl.col(TRAITS).sum())
        for row in counts.iter_rows(named=True):
            name = row.pop("column")
            years = ShortYears()
            if row["short"]:
                written = stacked.filter(pl.col("column") == name)["text"]
                places = (
                    pl.DataFrame({"text": texts})
                    .with_row_index("at")
                    .join(written.to_frame(), on="text", maintain_order="right")["at"]
                )
                years = weigh_short_years(written, parts[places])
            evidence[name] = DateEvidence(**row, years=years)
    return evidence


def date_traits(texts: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``text`` and the :data:`TRAITS` of each, and its parts (:func:`ckm.values.date_parts.split`)."""
    bare = simplify(texts)
    found = split(bare, [shape for shape in SHAPES if shape not in ("mdy", "short-ymd")])
    shape, first, second, year = (pl.col(name) for name in ("shape", "day", "month", "year"))
    numeric = (shape == "dmy").fill_null(value=False)
    number = pl.lit(bare).cast(pl.Float64, strict=False)
    four = year.str.len_chars() == 4
    value = year.cast(pl.Int32)
    first, second = first.cast(pl.Int32), second.cast(pl.Int32)
    traits = found.select(
        clear=shape.is_not_null() & ~numeric,
        dmy=numeric & first.is_between(13, 31) & (second <= 12),
        mdy=numeric & second.is_between(13, 31) & (first <= 12),
        open=numeric & (first <= 12) & (second <= 12) & (first != second),
        same=numeric & (first <= 12) & (first == second),
        serial=shape.is_null() & number.is_between(*SERIAL_DAYS),
        buddhist=four & value.is_between(*BUDDHIST_YEARS),
        jalali=four & value.is_between(*JALALI_YEARS),
        short=year.str.len_chars() == 2,
        **{unit: shape.is_null() & number.is_between(*known) for unit, known in EPOCH_RANGES.items()},
        other=shape.is_null() & number.is_between(*SERIAL_DAYS).not_().fill_null(value=True),
    )
    return traits.insert_column(0, texts.alias("text")), found


def find_pattern(texts: pl.Series, order: Order | None) -> tuple[str | None, bool]:
    """Return the strptime format of the most frequent layout, if it is a plain one, and whether it carries a zone."""
    layouts = (
        texts.to_frame("text")
        .lazy()
        .drop_nulls()
        .group_by(pl.col("text").str.replace_all(r"\d", "0"))
        .len("count")
        .sort("count", "text", descending=True)
        .head(1)
        .collect()
    )
    if layouts.is_empty():
        return None, False
    layout = str(layouts["text"][0])
    found = re.fullmatch(
        r"(?P<day>0000(?P<a>[-/.])0?0(?P=a)0?0|0?0(?P<b>[-/.])0?0(?P=b)0000|00000000)"
        r"(?:(?P<gap>[T ])(?P<time>0?0:00(?P<seconds>:00)?)(?P<fraction>\.0+)?(?P<half> ?[AaPp][Mm])?"
        r"(?P<zone>Z|[+-]00:00)?)?",
        layout,
    )
    if found is None:
        return None, False
    if found["a"]:
        day = found["a"].join(("%Y", "%m", "%d"))
    elif found["b"]:
        if order not in ("dmy", "mdy"):
            return None, False
        day = found["b"].join(("%d", "%m", "%Y") if order == "dmy" else ("%m", "%d", "%Y"))
    else:
        day = "%Y%m%d"
    if not found["time"]:
        return day, False
    clock = ("%I:%M" if found["half"] else "%H:%M") + (":%S" if found["seconds"] else "")
    fraction, half = "%.f" if found["fraction"] else "", " %p" if found["half"] else ""
    zone = {None: "", "Z": "Z"}.get(found["zone"], "%z")
    return f"{day}{found['gap']}{clock}{fraction}{half}{zone}", bool(zone)


def parse_dates(texts: pl.Series, style: DateStyle) -> pl.DataFrame:
    """Return what texts mean as dates.

    Returns
    -------
    pl.DataFrame
        One row per text: ``local``, the time as written (microseconds, no zone), and ``instant``, the same in UTC where
        the text names an offset. Both null where the text is no date in this style.
    """
    bare = simplify(texts)
    if style.number is not None:
        return _count(bare, style.number)
    numeric = ["short-ymd"] if style.order == "ymd" else [style.order or "dmy"]
    if style.calendar == "jalali":
        # Persian dates are written year first, and a year of two digits is no exception.
        numeric = ["short-ymd", *numeric]
    parts = split(bare, ["ymd", *numeric, "compact", "day-name", "name-day", "year-name"])
    if style.order is None:
        parts = _speaking_for_themselves(parts)
    return assemble(parts, style.calendar)


def _speaking_for_themselves(parts: pl.DataFrame) -> pl.DataFrame:
    """Numeric dates, split day first, turned where the month must be first, and emptied where either may be."""
    first, second = pl.col("day").cast(pl.Int32), pl.col("month").cast(pl.Int32)
    numeric = (pl.col("shape") == "dmy").fill_null(value=False)
    turned = numeric & (second > 12)
    unclear = numeric & (((first <= 12) & (second <= 12) & (first != second)) | may_begin_with_year())
    return parts.with_columns(
        day=pl.when(turned).then("month").when(~unclear).then("day"),
        month=pl.when(turned).then("day").when(~unclear).then("month"),
    )


def _count(bare: pl.Series, unit: str) -> pl.DataFrame:
    number = bare.cast(pl.Float64, strict=False)
    frame = number.to_frame("number")
    value = pl.col("number")
    if unit in ("serial", "serial_1904"):
        value = value + (DAYS_TO_1904 if unit == "serial_1904" else 0)
        # Excel keeps times as fractions of a day that are off by microseconds: its own display rounds to the second.
        seconds = ((value - EXCEL_EPOCH_DAYS) * 86_400).round()
        moment = pl.from_epoch((seconds * 1e6).cast(pl.Int64), time_unit="us")
        return frame.select(
            local=pl.when(value.is_between(*SERIAL_DAYS)).then(moment), instant=pl.lit(None, dtype=pl.Datetime("us"))
        )
    moment = pl.from_epoch((value * MICROSECONDS[unit]).round().cast(pl.Int64, strict=False), time_unit="us")
    return frame.select(local=moment, instant=moment)
