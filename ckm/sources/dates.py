"""Dates as people write them: the order of day and month, and what a text means."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache
from typing import Literal

import polars as pl

from ckm.sources.calendars import BUDDHIST_YEARS, JALALI_YEARS, buddhist_to_common, jalali_to_days
from ckm.sources.data_files import load_data
from ckm.sources.scripts import DIGITS, INVISIBLE, SPACES

Order = Literal["dmy", "mdy"]

SERIAL_DAYS = (20_000, 80_000)
"""Excel serials that pass for dates: October 1954 to January 2119."""
EXCEL_EPOCH_DAYS = 25_569
"""Excel's serial of 1970-01-01; its day 0 is 1899-12-30, as it takes 1900 for a leap year."""
CENTURY_PIVOT = 69
"""Two-digit years from here on are of the 20th century, those before of the 21st (POSIX strptime)."""

SEPARATOR = r"[-/.]\s?"
CLOCK = (
    r"(?:[t,\s]*(?P<half1>[ap]m)?\s*(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})"
    r"(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?P<half2>[ap]m)?)?"
    r"\s*(?P<zone>z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
SHAPES = {
    "ymd": rf"^(?P<year>\d{{4}}){SEPARATOR}(?P<month>\d{{1,2}}){SEPARATOR}(?P<day>\d{{1,2}})(?:\b|t|\s){CLOCK}",
    "compact": r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:[t\s]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?)?(?P<zone>z|[+-]\d{2}:?\d{2})?$",
    "dmy": rf"^(?P<day>\d{{1,2}}){SEPARATOR}(?P<month>\d{{1,2}}){SEPARATOR}(?P<year>\d{{4}}|\d{{2}})\b{CLOCK}",
    "mdy": rf"^(?P<month>\d{{1,2}}){SEPARATOR}(?P<day>\d{{1,2}}){SEPARATOR}(?P<year>\d{{4}}|\d{{2}})\b{CLOCK}",
    "day-name": r"^(?P<day>\d{1,2})(?:st|nd|rd|th)?[-/.,\s]*(?:of |de )?m(?P<month>\d{2})[-/.,\s]*(?:de )?"
    rf"(?P<year>\d{{4}}|\d{{2}})\b{CLOCK}",
    "name-day": rf"^m(?P<month>\d{{2}})[-.\s]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-,\s]+(?P<year>\d{{4}})\b{CLOCK}",
    "year-name": rf"^(?P<year>\d{{4}})[-/\s]m(?P<month>\d{{2}})[-/\s](?P<day>\d{{1,2}})\b{CLOCK}",
}
"""How the parts of a date stand in a text that :func:`_bare` has simplified; ``mNN`` stands for a month's name."""
PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction", "half1", "half2", "zone")


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
    serial
        Numbers in the range of Excel's dates.
    buddhist, jalali
        Dates whose four-digit years are of these calendars.
    short
        Dates with two-digit years.
    other
        Texts that are no date.
    """

    clear: int = 0
    dmy: int = 0
    mdy: int = 0
    open: int = 0
    serial: int = 0
    buddhist: int = 0
    jalali: int = 0
    short: int = 0
    other: int = 0

    def __add__(self, other: DateEvidence) -> DateEvidence:
        return DateEvidence(*(getattr(self, spec.name) + getattr(other, spec.name) for spec in fields(self)))

    @property
    def order(self) -> Order | None:
        """The order that most numeric dates speak for; None when none do or they are at odds."""
        if self.dmy == self.mdy:
            return None
        return "dmy" if self.dmy > self.mdy else "mdy"

    @property
    def dates(self) -> int:
        """Values that are dates in some way."""
        return self.clear + self.dmy + self.mdy + self.open

    @property
    def is_open(self) -> bool:
        """Whether day and month can be swapped in most of the column, and nothing settles it."""
        return self.order is None and self.open + self.dmy + self.mdy > self.clear

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
        Of day and month in numeric dates; None where such a date is not to be read.
    pattern
        A strptime format that most values have; tried first, at full speed.
    zoned
        Whether ``pattern`` gives moments in UTC rather than local times.
    calendar
        ``common``, ``buddhist`` (Thailand) or ``jalali`` (Iran).
    number
        What a bare number counts: days since Excel's epoch, or seconds or milliseconds since 1970 UTC.
    """

    order: Order | None = None
    pattern: str | None = None
    zoned: bool = False
    calendar: Literal["common", "buddhist", "jalali"] = "common"
    number: Literal["serial", "epoch_s", "epoch_ms"] | None = None

    @property
    def label(self) -> str:
        """The style as it is reported."""
        named = {"serial": "excel serial", "epoch_s": "epoch_s", "epoch_ms": "epoch_ms"}
        base = named[self.number] if self.number else self.pattern or self.order or "iso"
        return base if self.calendar == "common" else f"{base} ({self.calendar})"


def weigh_dates(texts: pl.Series) -> DateEvidence:
    """Count how the distinct values of a text column are written."""
    bare = _bare(texts.drop_nulls().unique())
    found = _split(bare, [shape for shape in SHAPES if shape != "mdy"])
    shape, first, second, year = (pl.col(name) for name in ("shape", "day", "month", "year"))
    numeric = (shape == "dmy").fill_null(value=False)
    number = pl.lit(bare).cast(pl.Float64, strict=False)
    four = year.str.len_chars() == 4
    value = year.cast(pl.Int32)
    first, second = first.cast(pl.Int32), second.cast(pl.Int32)
    counts = found.select(
        clear=(shape.is_not_null() & ~numeric).sum(),
        dmy=(numeric & first.is_between(13, 31) & (second <= 12)).sum(),
        mdy=(numeric & second.is_between(13, 31) & (first <= 12)).sum(),
        open=(numeric & (first <= 12) & (second <= 12) & (first != second)).sum(),
        serial=(shape.is_null() & number.is_between(*SERIAL_DAYS)).sum(),
        buddhist=(four & value.is_between(*BUDDHIST_YEARS)).sum(),
        jalali=(four & value.is_between(*JALALI_YEARS)).sum(),
        short=(year.str.len_chars() == 2).sum(),
        other=(shape.is_null() & number.is_between(*SERIAL_DAYS).not_().fill_null(value=True)).sum(),
    )
    return DateEvidence(**counts.row(0, named=True))


def find_pattern(texts: pl.Series, order: Order | None) -> tuple[str | None, bool]:
    """Return the strptime format of the most frequent layout, if it is a plain one, and whether it carries a zone."""
    layouts = (
        texts.drop_nulls()
        .to_frame("text")
        .select(pl.col("text").str.replace_all(r"\d", "0"))
        .to_series()
        .value_counts()
    )
    if layouts.is_empty():
        return None, False
    layout = str(layouts.sort("count", "text", descending=True)["text"][0])
    found = re.fullmatch(
        r"(?P<day>0000(?P<a>[-/.])00(?P=a)00|00(?P<b>[-/.])00(?P=b)0000|00000000)"
        r"(?:(?P<gap>[T ])(?P<time>00:00(?::00)?)(?P<fraction>\.0+)?(?P<zone>Z|[+-]00:00)?)?",
        layout,
    )
    if found is None:
        return None, False
    if found["a"]:
        day = found["a"].join(("%Y", "%m", "%d"))
    elif found["b"]:
        if order is None:
            return None, False
        day = found["b"].join(("%d", "%m", "%Y") if order == "dmy" else ("%m", "%d", "%Y"))
    else:
        day = "%Y%m%d"
    if not found["time"]:
        return day, False
    clock = "%H:%M:%S" if len(found["time"]) == 8 else "%H:%M"
    zone = {None: "", "Z": "Z"}.get(found["zone"], "%z")
    return f"{day}{found['gap']}{clock}{'%.f' if found['fraction'] else ''}{zone}", bool(zone)


def parse_dates(texts: pl.Series, style: DateStyle) -> pl.DataFrame:
    """Return what texts mean as dates.

    Returns
    -------
    pl.DataFrame
        One row per text: ``local``, the time as written (microseconds, no zone), and ``instant``, the same in UTC where
        the text names an offset. Both null where the text is no date in this style.
    """
    bare = _bare(texts)
    if style.number is not None:
        return _count(bare, style.number)
    order = [style.order] if style.order else []
    parts = _split(bare, ["ymd", *order, "compact", "day-name", "name-day", "year-name"])
    return _assemble(parts, style.calendar)


def _split(bare: pl.Series, shapes: list[str]) -> pl.DataFrame:
    """The parts of each date, by the first shape that fits; what fits none is null."""
    rows = bare.to_frame("text").with_row_index("row")
    found = []
    for shape in shapes:
        if rows.is_empty():
            break
        parts = rows.select("row", "text", parts=pl.col("text").str.extract_groups(SHAPES[shape])).unnest("parts")
        fits = parts["day"].is_not_null()
        found.append(parts.filter(fits).with_columns(shape=pl.lit(shape)))
        rows = rows.filter(~fits)
    found.append(rows.with_columns(shape=pl.lit(None, dtype=pl.String)))
    whole = pl.concat(found, how="diagonal").sort("row")
    absent = [pl.lit(None, dtype=pl.String).alias(part) for part in PARTS if part not in whole.columns]
    return whole.with_columns(absent).select("shape", *PARTS)


def _assemble(parts: pl.DataFrame, calendar: str) -> pl.DataFrame:
    short = pl.col("year").str.len_chars() == 2
    number = {name: pl.col(name).cast(pl.Int32) for name in PARTS[:6]}
    year = (
        pl.when(short)
        .then(number["year"] + pl.when(number["year"] < CENTURY_PIVOT).then(2000).otherwise(1900))
        .otherwise(number["year"])
    )
    if calendar == "buddhist":
        year = buddhist_to_common(year)
    half = pl.coalesce("half1", "half2")
    hour = (
        pl.when(half.is_null())
        .then(number["hour"])
        # "0 pm" and "13 pm" are no times of a twelve-hour clock.
        .when(number["hour"].is_between(1, 12))
        .then(number["hour"] % 12 + pl.when(half == "pm").then(12).otherwise(0))
        .otherwise(99)
    )
    whole = parts.with_columns(
        year=year,
        month=number["month"],
        day=number["day"],
        hour=hour.fill_null(0),
        minute=number["minute"].fill_null(0),
        second=number["second"].fill_null(0),
        micro=pl.col("fraction").fill_null("0").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64),
        offset=_offset_minutes(pl.col("zone")),
    )
    if calendar == "jalali":
        days = jalali_to_days(pl.col("year"), pl.col("month"), pl.col("day"))
        date = pl.from_epoch(days, time_unit="d").cast(pl.String)
    else:
        date = pl.format(
            "{}-{}-{}",
            *(pl.col(name).cast(pl.String).str.zfill(width) for name, width in (("year", 4), ("month", 2), ("day", 2))),
        )
    clock = pl.format("{}:{}:{}", *(pl.col(name).cast(pl.String).str.zfill(2) for name in ("hour", "minute", "second")))
    local = pl.format("{} {}", date, clock).str.strptime(pl.Datetime("us"), "%Y-%m-%d %H:%M:%S", strict=False)
    return whole.select(local=local + pl.duration(microseconds="micro"), offset="offset").select(
        "local", instant=pl.col("local") - pl.duration(minutes="offset")
    )


def _offset_minutes(zone: pl.Expr) -> pl.Expr:
    """Minutes east of UTC; null where no zone is written."""
    digits = zone.str.replace(":", "", literal=True)
    sign = pl.when(digits.str.starts_with("-")).then(-1).otherwise(1)
    hours = digits.str.slice(1, 2).cast(pl.Int32, strict=False)
    minutes = digits.str.slice(3, 2).replace("", "0").cast(pl.Int32, strict=False)
    return pl.when(zone.is_in(["z", "utc", "gmt"])).then(0).otherwise(sign * (hours * 60 + minutes))


def _count(bare: pl.Series, unit: str) -> pl.DataFrame:
    number = bare.cast(pl.Float64, strict=False)
    frame = number.to_frame("number")
    value = pl.col("number")
    if unit == "serial":
        # Excel keeps times as fractions of a day that are off by microseconds: its own display rounds to the second.
        seconds = ((value - EXCEL_EPOCH_DAYS) * 86_400).round()
        moment = pl.when(value.is_between(*SERIAL_DAYS)).then(
            pl.from_epoch((seconds * 1e6).cast(pl.Int64), time_unit="us")
        )
        return frame.select(local=moment, instant=pl.lit(None, dtype=pl.Datetime("us")))
    scale = 1e6 if unit == "epoch_s" else 1e3
    moment = pl.from_epoch((value * scale).round().cast(pl.Int64, strict=False), time_unit="us")
    return frame.select(local=moment, instant=moment)


def _bare(texts: pl.Series) -> pl.Series:
    """Digits, separators, ``mNN`` for month names and am/pm: what words say is taken away."""
    text = pl.col("text").str.replace_many(DIGITS | SPACES | INVISIBLE).str.strip_chars().str.to_lowercase()
    frame = texts.to_frame("text").select(text)
    if not frame["text"].str.contains(r"[^\d\s.,:/+\-tz]").any():
        return frame["text"]
    words = _words()
    return frame.select(
        pl.col("text")
        .str.replace_many(words.halves, leftmost=True)
        .str.replace(words.weekday, "")
        .str.replace_many(words.months, leftmost=True)
        .str.replace_many(words.noise, leftmost=True)
        .str.replace(r"^(\d{4})年(\d{1,2})月(\d{1,2})[日号號]?", "${1}-${2}-${3} ")
        .str.replace(r"(\d{1,2})[时時点點](\d{1,2})分?(?:(\d{1,2})秒)?$", "${1}:${2}:${3}")
        .str.strip_chars()
        .str.strip_chars_end(":")
    )["text"]


@dataclass(frozen=True)
class _Words:
    months: dict[str, str]
    halves: dict[str, str]
    noise: dict[str, str]
    weekday: str


@cache
def _words() -> _Words:
    data = load_data("date_words.yaml")
    months = {name: f"m{number:02}" for number, names in data["months"].items() for name in names}
    halves = {word: half for half in ("am", "pm") for word in data[half]}
    weekdays = "|".join(map(re.escape, sorted(data["weekdays"], key=len, reverse=True)))

    def longest_first(words: dict[str, str]) -> dict[str, str]:
        return dict(sorted(words.items(), key=lambda word: -len(word[0])))

    return _Words(
        longest_first(months), longest_first(halves), dict.fromkeys(data["noise"], ""), rf"^(?:{weekdays})[.,]*\s+"
    )
