"""Split dates into parts: day, month, year, time and zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import polars as pl

from ckm.io.values.calendars import buddhist_to_common, jalali_to_days
from ckm.io.values.scripts import DIGITS, INVISIBLE, SPACES
from ckm.io.values.word_lists import load_data

CENTURIES = {"common": (1900, 69), "buddhist": (2500, 12), "jalali": (1300, 48)}
"""Per calendar, the century of two-digit years and the smallest such year in it; smaller ones are in the next century.

POSIX strptime has the limit 69 (years 1969 to 2068); the limits of the other calendars are the same year.
"""

SEPARATOR = r"[-/.]\s?"
CLOCK = (
    r"(?:[t,\s]*(?P<half1>[ap]m)?\s*(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})"
    r"(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?P<half2>[ap]m)?"
    r"\s*(?P<zone>z|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?|utc|gmt)?)?$"
)
SHAPES = {
    "ymd": rf"^(?P<year>\d{{4}}){SEPARATOR}(?P<month>\d{{1,2}}){SEPARATOR}(?P<day>\d{{1,2}})(?:\b|t|\s){CLOCK}",
    "compact": r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:[t\s]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?)?(?P<zone>z|[+-]\d{2}:?\d{2})?$",
    "dmy": rf"^(?P<day>\d{{1,2}}){SEPARATOR}(?P<month>\d{{1,2}}){SEPARATOR}(?P<year>\d{{4}}|\d{{2}})\b{CLOCK}",
    "mdy": rf"^(?P<month>\d{{1,2}}){SEPARATOR}(?P<day>\d{{1,2}}){SEPARATOR}(?P<year>\d{{4}}|\d{{2}})\b{CLOCK}",
    "short-ymd": rf"^(?P<year>\d{{2}}){SEPARATOR}(?P<month>\d{{1,2}}){SEPARATOR}(?P<day>\d{{1,2}})\b{CLOCK}",
    "day-name": r"^(?P<day>\d{1,2})(?:st|nd|rd|th)?[-/.,\s]*(?:of |de )?m(?P<month>\d{2})[-/.,\s]*(?:de )?"
    rf"(?P<year>\d{{4}}|\d{{2}})\b{CLOCK}",
    "name-day": rf"^m(?P<month>\d{{2}})[-.\s]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-,\s]+"
    rf"(?P<year>\d{{4}}|\d{{2}})\b{CLOCK}",
    "year-name": rf"^(?P<year>\d{{4}})[-/\s]m(?P<month>\d{{2}})[-/\s](?P<day>\d{{1,2}})\b{CLOCK}",
}
"""Patterns of dates simplified by :func:`simplify`; ``mNN`` is a month name."""
WEEK = r"^(?P<year>\d{4})-?w(?P<week>\d{2})(?:-?(?P<weekday>[1-7]))?$"
CLOCK_FIRST = r"^((?:[ap]m\s*)?\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]m)?)[,\s-]+(\S.*)$"
"""A time before its date: ``14:05 13/01/2025``, ``02:05 pm, 01/13/2025``."""
PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction", "half1", "half2", "zone")


def simplify(texts: pl.Series) -> pl.Series:
    """Return texts reduced to digits, separators, ``mNN`` for month names, ``am``, ``pm`` and UTC offsets.

    Other words are removed, and a time before its date is moved after it.
    """
    text = pl.col("text").str.replace_many(DIGITS | SPACES | INVISIBLE).str.strip_chars().str.to_lowercase()
    frame = texts.to_frame("text").select(text)
    if not frame["text"].str.contains(r"[^\d\s.,:/+\-tz]").any():
        return _with_clock_last(frame["text"])
    frame = _without_weeks(frame)
    words = _words()
    simple = frame.select(
        pl.col("text")
        .str.replace_many(words.zones, leftmost=True)
        .str.replace_many(words.halves, leftmost=True)
        .str.replace(words.weekday, "")
        .str.replace_many(words.months, leftmost=True)
        .str.replace_many(words.noise, leftmost=True)
        .str.replace(r"^(\d{4})年(\d{1,2})月(\d{1,2})[日号號]?", "${1}-${2}-${3} ")
        .str.replace(r"(\d{1,2})[时時点點](\d{1,2})分?(?:(\d{1,2})秒)?$", "${1}:${2}:${3}")
        .str.strip_chars()
        .str.strip_chars_end(":")
    )["text"]
    return _with_clock_last(simple)


def _with_clock_last(texts: pl.Series) -> pl.Series:
    return texts.str.replace(CLOCK_FIRST, "${2} ${1}") if texts.str.contains(CLOCK_FIRST).any() else texts


def _without_weeks(frame: pl.DataFrame) -> pl.DataFrame:
    """Return texts with each ISO 8601 week replaced by a date: its Monday, or the given day (``2025w10-3``)."""
    parts = pl.col("text").str.extract_groups(WEEK).struct
    day = pl.format("{}-W{}-{}", parts.field("year"), parts.field("week"), parts.field("weekday").fill_null("1"))
    date = day.str.strptime(pl.Date, "%G-W%V-%u", strict=False).dt.to_string("%Y-%m-%d")
    return frame.with_columns(pl.coalesce(date, "text").alias("text"))


@dataclass(frozen=True)
class _Words:
    months: dict[str, str]
    halves: dict[str, str]
    noise: dict[str, str]
    weekday: str
    zones: dict[str, str]


@cache
def _words() -> _Words:
    data = load_data("date_words.yaml")
    months = {name: f"m{number:02}" for number, names in data["months"].items() for name in names}
    halves = {word: half for half in ("am", "pm") for word in data[half]}
    weekdays = "|".join(map(re.escape, sorted(data["weekdays"], key=len, reverse=True)))

    def longest_first(words: dict[str, str]) -> dict[str, str]:
        return dict(sorted(words.items(), key=lambda word: -len(word[0])))

    return _Words(
        longest_first(months),
        longest_first(halves),
        dict.fromkeys(data["noise"], ""),
        rf"^(?:{weekdays})[.,]*\s+",
        longest_first({f" {word}": f" {zone['offset']}" for word, zone in data["zones"].items()}),
    )


def split(bare: pl.Series, shapes: list[str]) -> pl.DataFrame:
    """Return the parts of each simplified text by the first of ``shapes`` whose pattern matches; else nulls."""
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


def may_begin_with_year() -> pl.Expr:
    """Return whether a date split as day, month and two-digit year can also be year, month and day."""
    first, month, last = pl.col("day"), pl.col("month").cast(pl.Int32), pl.col("year")
    two_digits = (first.str.len_chars() == 2) & (last.str.len_chars() == 2)
    return two_digits & month.is_between(1, 12) & last.cast(pl.Int32).is_between(1, 31)


def assemble(parts: pl.DataFrame, calendar: str) -> pl.DataFrame:
    """Return the timestamps of date parts, as ``local`` time and, if there is an offset, ``instant`` in UTC.

    Both are microseconds without a zone, and null for invalid dates or times.
    """
    short = pl.col("year").str.len_chars() == 2
    number = {name: pl.col(name).cast(pl.Int32) for name in PARTS[:6]}
    century, pivot = CENTURIES[calendar]
    year: pl.Expr = (
        pl.when(short)
        .then(number["year"] + pl.when(number["year"] < pivot).then(century + 100).otherwise(century))
        .otherwise(number["year"])
    )
    if calendar == "buddhist":
        year = buddhist_to_common(year)
    half = pl.coalesce("half1", "half2")
    hour = (
        pl.when(half.is_null())
        .then(number["hour"])
        # "0 pm" and "13 pm" are invalid in a twelve-hour clock.
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
    """Return the UTC offset in minutes, positive east of Greenwich; null without an offset."""
    # "GMT+1" and "+1:30" have a single digit of hours.
    digits = zone.str.replace_all("[a-z:]", "").str.replace(r"^([+-])(\d|\d\d\d)$", "${1}0${2}")
    sign = pl.when(digits.str.starts_with("-")).then(-1).otherwise(1)
    hours = digits.str.slice(1, 2).cast(pl.Int32, strict=False)
    minutes = digits.str.slice(3, 2).replace("", "0").cast(pl.Int32, strict=False)
    return pl.when(zone.is_in(["z", "utc", "gmt"])).then(0).otherwise(sign * (hours * 60 + minutes))
