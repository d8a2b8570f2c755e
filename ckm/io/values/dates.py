"""Parse dates, and detect the order of day and month."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm.io.values.calendars import BUDDHIST_YEARS, JALALI_YEARS
from ckm.io.values.date_parts import SHAPES, assemble, may_begin_with_year, simplify, split
from ckm.io.values.distinct_texts import distinct_texts
from ckm.io.values.two_digit_years import TwoDigitYears, two_digit_years_evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

Order = Literal["dmy", "mdy", "ymd"]
Unit = Literal["serial", "serial_1904", "epoch_s", "epoch_ms", "epoch_us"]

SERIAL_DAYS = (20_000, 80_000)
"""Range of Excel serials read as dates: October 1954 to January 2119."""
EXCEL_EPOCH_DAYS = 25_569
"""Excel's serial of 1970-01-01; its day 0 is 1899-12-30, because Excel treats 1900 as a leap year."""
EPOCH_RANGES: dict[Unit, tuple[float, float]] = {
    "epoch_s": (3e8, 4e9),
    "epoch_ms": (3e11, 4e12),
    "epoch_us": (3e14, 4e15),
}
"""Range of numbers read as seconds, milliseconds or microseconds since 1970: July 1979 to October 2096."""
MICROSECONDS = {"epoch_s": 1e6, "epoch_ms": 1e3, "epoch_us": 1.0}
"""Microseconds per unit of Unix time."""
DAYS_TO_1904 = 1_462
"""Offset in days of the 1904 date system."""
TRAITS = (
    "clear", "dmy", "mdy", "open", "same", "serial", "buddhist", "jalali", "short", "epoch_s", "epoch_ms",
    "epoch_us", "other",
)  # fmt: skip
"""Possible interpretations of a text as a date; see :class:`DateEvidence`."""
OUTNUMBERED = 10
"""Ratio of values with one date order to values with the other above which the latter are treated as errors."""


@dataclass(frozen=True)
class DateEvidence:
    """Counts of distinct values of a column by date format.

    Attributes
    ----------
    clear
        Unambiguous dates: ISO, compact, or with a month name.
    dmy, mdy
        Numeric dates that are valid only day first, or only month first.
    open
        Ambiguous numeric dates.
    same
        Numeric dates with the same meaning in both orders: 01/01/2025.
    serial
        Numbers in the range of Excel dates.
    buddhist, jalali
        Dates whose four-digit years are of these calendars.
    short
        Dates with two-digit years.
    epoch_s, epoch_ms, epoch_us
        Numbers in the range of seconds, milliseconds or microseconds since 1970; also counted in ``other``.
    other
        Texts that are not dates.
    years
        Evidence of two-digit years for the position and calendar of the year.
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
    years: TwoDigitYears = field(default_factory=TwoDigitYears)

    def __add__(self, other: DateEvidence) -> DateEvidence:
        return DateEvidence(*(getattr(self, spec.name) + getattr(other, spec.name) for spec in fields(self)))

    @property
    def order(self) -> Order | None:
        """Return the order supported by numeric dates; None without evidence or with conflicting evidence."""
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
        """Return whether most numeric dates have two-digit years that can be first or last."""
        return 2 * self.years.numeric > self.dates - self.clear and self.years.are_unclear

    @property
    def epoch(self) -> Unit | None:
        """Return the Unix time unit in whose range most values are; None without one."""
        return next((unit for unit in EPOCH_RANGES if getattr(self, unit) * 2 > self.other + self.dates), None)

    @property
    def dates(self) -> int:
        """Return the number of values that are dates in any format."""
        return self.clear + self.dmy + self.mdy + self.open + self.same

    @property
    def is_open(self) -> bool:
        """Return whether most values are numeric dates of ambiguous order."""
        return self.order is None and self.dates > 2 * self.clear

    @property
    def is_serial(self) -> bool:
        """Return whether at least half of the values are in the range of Excel day numbers."""
        return self.serial > 0 and self.serial >= self.dates + self.other

    @property
    def is_buddhist(self) -> bool:
        """Return whether most years are of the Buddhist era."""
        return self.buddhist * 2 > self.dates

    @property
    def is_jalali(self) -> bool:
        """Return whether most years are in the range of the Persian calendar."""
        return self.jalali * 2 > self.dates


@dataclass(frozen=True)
class DateStyle:
    """Date format of a column.

    Attributes
    ----------
    order
        Order of numeric dates; ``ymd`` is for two-digit years. None: only unambiguous dates such as 13/04/2025 are
        parsed, and 03/04/2025 is rejected.
    pattern
        The strptime format of most values, tried first because it is fast; None if most have another format.
    zoned
        Whether ``pattern`` gives moments in UTC rather than local times.
    calendar
        ``common``, ``buddhist`` (Thailand) or ``jalali`` (Iran).
    number
        Meaning of plain numbers: Excel days, or seconds, milliseconds or microseconds since 1970 UTC.
    """

    order: Order | None = None
    pattern: str | None = None
    zoned: bool = False
    calendar: Literal["common", "buddhist", "jalali"] = "common"
    number: Unit | None = None

    @property
    def label(self) -> str:
        """Return the name of the date format in reports."""
        named = {
            "serial": "excel serial",
            "serial_1904": "excel serial from 1904",
            "epoch_s": "epoch_s",
            "epoch_ms": "epoch_ms",
            "epoch_us": "epoch_us",
        }
        base = named[self.number] if self.number else self.pattern or self.order or "iso"
        return base if self.calendar == "common" else f"{base} ({self.calendar})"


def date_evidence(texts: pl.Series) -> DateEvidence:
    """Count the date formats of the distinct values of a text column."""
    return dates_evidence({"": texts})[""]


def dates_evidence(columns: Mapping[str, pl.Series]) -> dict[str, DateEvidence]:
    """Count the date formats of many columns at once; each distinct text is parsed once."""
    evidence = dict.fromkeys(columns, DateEvidence())
    for stacked in distinct_texts(columns):
        texts = stacked["text"].unique()
        traits, parts = date_traits(texts)
        counts = stacked.join(traits, on="text").group_by("column", maintain_order=True).agg(pl.col(TRAITS).sum())
        for row in counts.iter_rows(named=True):
            name = row.pop("column")
            years = TwoDigitYears()
            if row["short"]:
                written = stacked.filter(pl.col("column") == name)["text"]
                places = (
                    pl.DataFrame({"text": texts})
                    .with_row_index("at")
                    .join(written.to_frame(), on="text", maintain_order="right")["at"]
                )
                years = two_digit_years_evidence(written, parts[places])
            evidence[name] = DateEvidence(**row, years=years)
    return evidence


def date_traits(texts: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return two frames with a row per text: ``text`` with its :data:`TRAITS` (Boolean), and the parts of the date.

    :func:`ckm.io.values.date_parts.split` describes the parts.
    """
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
    """Return the strptime format of most texts, and whether it has a zone; None if there is no such format."""
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
    """Parse texts as dates.

    Returns
    -------
    pl.DataFrame
        One row per text: ``local``, the time as written (microseconds, no zone), and ``instant``, the same in UTC if
        the text has an offset. Both are null if the text is not a valid date of this style.
    """
    bare = simplify(texts)
    if style.number is not None:
        return _numbers_as_dates(bare, style.number)
    numeric = ["short-ymd"] if style.order == "ymd" else [style.order or "dmy"]
    if style.calendar == "jalali":
        # Persian dates are year first, also with two-digit years.
        numeric = ["short-ymd", *numeric]
    parts = split(bare, ["ymd", *numeric, "compact", "day-name", "name-day", "year-name"])
    if style.order is None:
        parts = _without_ambiguous(parts)
    return assemble(parts, style.calendar)


def _without_ambiguous(parts: pl.DataFrame) -> pl.DataFrame:
    """Return date parts with day and month swapped where only month first is valid; ambiguous dates become null."""
    first, second = pl.col("day").cast(pl.Int32), pl.col("month").cast(pl.Int32)
    numeric = (pl.col("shape") == "dmy").fill_null(value=False)
    turned = numeric & (second > 12)
    unclear = numeric & (((first <= 12) & (second <= 12) & (first != second)) | may_begin_with_year())
    return parts.with_columns(
        day=pl.when(turned).then("month").when(~unclear).then("day"),
        month=pl.when(turned).then("day").when(~unclear).then("month"),
    )


def _numbers_as_dates(bare: pl.Series, unit: str) -> pl.DataFrame:
    number = bare.cast(pl.Float64, strict=False)
    frame = number.to_frame("number")
    value = pl.col("number")
    if unit in ("serial", "serial_1904"):
        value = value + (DAYS_TO_1904 if unit == "serial_1904" else 0)
        # Excel stores times as fractions of a day with errors of microseconds; its display rounds to seconds.
        seconds = ((value - EXCEL_EPOCH_DAYS) * 86_400).round()
        moment = pl.from_epoch((seconds * 1e6).cast(pl.Int64), time_unit="us")
        return frame.select(
            local=pl.when(value.is_between(*SERIAL_DAYS)).then(moment), instant=pl.lit(None, dtype=pl.Datetime("us"))
        )
    moment = pl.from_epoch((value * MICROSECONDS[unit]).round().cast(pl.Int64, strict=False), time_unit="us")
    return frame.select(local=moment, instant=moment)
