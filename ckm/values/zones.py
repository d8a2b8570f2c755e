"""Times without a zone, made moments."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from ckm.values.data_files import load_data

_OFFSET_BEFORE = re.compile(r"^\((?:UTC|GMT)[^)]*\)\s*", re.IGNORECASE)
"""Before the name of a zone in lists to choose from: ``(GMT-05:00) Eastern Time (US & Canada)``."""
_WHOLE_HOURS = re.compile(r"(?:UTC|GMT)\s*(?P<sign>[+\-−])\s*0?(?P<hours>\d{1,2})(?::?00)?", re.IGNORECASE)
_MOST_HOURS = {"+": 14, "-": 12}
GAPS = ("3h", "27h")
"""How far back a time that a clock skipped is looked up: longer than any change to summer time, then than any change of
the date line."""


def zone_named(word: str) -> str | None:
    """Return the time zone that a word names, as of IANA, Rails, Windows or in short; null where it names none.

    >>> zone_named("CEST"), zone_named("Eastern Time (US & Canada)"), zone_named("noon")
    ('Europe/Berlin', 'America/New_York', None)
    >>> zone_named("Romance Standard Time"), zone_named("UTC+02:00")
    ('Europe/Paris', 'Etc/GMT-2')
    """
    name = _OFFSET_BEFORE.sub("", word.strip())
    known = _names().get(name.casefold())
    if known is not None:
        return known
    if (hours := _WHOLE_HOURS.fullmatch(name)) is not None:
        return _fixed_offset("+" if hours["sign"] == "+" else "-", int(hours["hours"]))
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@cache
def _names() -> dict[str, str]:
    """Return the zones by what they are called, without case."""
    short = {word: str(known["zone"]) for word, known in load_data("date_words.yaml")["zones"].items()}
    data = load_data("time_zones.yaml")
    named = (pair for program in ("rails", "windows") for pair in data[program].items())
    return {name.casefold(): zone for name, zone in named} | short


def _fixed_offset(sign: str, hours: int) -> str | None:
    """Return the zone that is always so many hours from UTC; IANA counts them the other way round."""
    if hours > _MOST_HOURS[sign]:
        return None
    return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}" if hours else "UTC"


def in_own_zones(moments: pl.Series, words: pl.Series, taken_for: str) -> pl.Series:
    """Return moments as of the zones that their rows name.

    Parameters
    ----------
    moments
        In UTC, of times that were taken for those of one zone.
    words
        What names each row's zone; a row whose word names none stays as it is.
    taken_for
        That zone.
    """
    words = words.cast(pl.String)
    zones = {word: zone for word in words.drop_nulls().unique().to_list() if (zone := zone_named(word))}
    others = {zone for zone in zones.values() if zone != taken_for}
    if not others:
        return moments
    local = moments.dt.convert_time_zone(taken_for).dt.replace_time_zone(None)
    named = words.replace_strict(zones, default=None, return_dtype=pl.String)
    for zone in sorted(others):
        there = local.to_frame("local").select(to_utc(pl.col("local"), zone)).to_series()
        moments = moments.zip_with((named != zone).fill_null(value=True), there)
    return moments


def to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """Return the moment, in UTC, at which clocks in ``zone`` showed ``local``; no time is lost.

    A time that came twice (clocks set back) is the earlier moment. One that never came (clocks set forward) is as long
    after the change as it claims to be after the hour before: 02:30 becomes 03:30.
    """
    if zone == "UTC":
        return local.dt.replace_time_zone("UTC")
    skipped = (_localise(local.dt.offset_by(f"-{gap}"), zone).dt.offset_by(gap) for gap in GAPS)
    return pl.coalesce(_localise(local, zone), *skipped)


def to_utc_quick(local: pl.Expr, zone: str) -> pl.Expr:
    """Return :func:`to_utc`, but null for times that never came."""
    return local.dt.replace_time_zone("UTC") if zone == "UTC" else _localise(local, zone)


def _localise(local: pl.Expr, zone: str) -> pl.Expr:
    known = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return known.dt.convert_time_zone("UTC")
