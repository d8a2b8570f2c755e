"""Convert timestamps without a zone to UTC."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from ckm.io.values.word_lists import load_data

_OFFSET_BEFORE = re.compile(r"^\((?:UTC|GMT)[^)]*\)\s*", re.IGNORECASE)
"""Offset prefix of a zone name in selection lists: ``(GMT-05:00) Eastern Time (US & Canada)``."""
_WHOLE_HOURS = re.compile(r"(?:UTC|GMT)\s*(?P<sign>[+\-−])\s*0?(?P<hours>\d{1,2})(?::?00)?", re.IGNORECASE)
_MOST_HOURS = {"+": 14, "-": 12}
GAPS = ("3h", "27h")
"""Steps back in time to a local time that is not skipped: the first step is longer than any daylight saving change, the
second longer than any change of the date line."""


def zone_named(word: str) -> str | None:
    """Return the time zone of an IANA, Rails, Windows or short name; None if unknown.

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
    """Return the zones by case-folded name."""
    short = {word: str(known["zone"]) for word, known in load_data("date_words.yaml")["zones"].items()}
    data = load_data("time_zones.yaml")
    named = (pair for program in ("rails", "windows") for pair in data[program].items())
    return {name.casefold(): zone for name, zone in named} | short


def _fixed_offset(sign: str, hours: int) -> str | None:
    """Return the zone with a fixed offset from UTC; the sign of IANA names is reversed."""
    if hours > _MOST_HOURS[sign]:
        return None
    return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}" if hours else "UTC"


def in_row_zones(moments: pl.Series, words: pl.Series, assumed_zone: str) -> pl.Series:
    """Return timestamps in UTC, converted again with the time zone that each row names.

    Parameters
    ----------
    moments
        Timestamps in UTC, converted from local time as if all were in ``assumed_zone``.
    words
        Zone name of each row; rows with unknown names are unchanged.
    assumed_zone
        The assumed zone.
    """
    words = words.cast(pl.String)
    zones = {word: zone for word in words.drop_nulls().unique().to_list() if (zone := zone_named(word))}
    others = {zone for zone in zones.values() if zone != assumed_zone}
    if not others:
        return moments
    local = moments.dt.convert_time_zone(assumed_zone).dt.replace_time_zone(None)
    named = words.replace_strict(zones, default=None, return_dtype=pl.String)
    for zone in sorted(others):
        there = local.to_frame("local").select(to_utc(pl.col("local"), zone)).to_series()
        moments = moments.zip_with((named != zone).fill_null(value=True), there)
    return moments


def to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """Convert local time in ``zone`` to UTC; no timestamp is lost.

    An ambiguous time (clocks set back) is the earlier one. A nonexistent time (clocks set forward) is moved by the
    gap: 02:30 becomes 03:30.
    """
    if zone == "UTC":
        return local.dt.replace_time_zone("UTC")
    skipped = (_localise(local.dt.offset_by(f"-{gap}"), zone).dt.offset_by(gap) for gap in GAPS)
    return pl.coalesce(_localise(local, zone), *skipped)


def to_utc_quick(local: pl.Expr, zone: str) -> pl.Expr:
    """Convert local time in ``zone`` to UTC like :func:`to_utc`, but faster; nonexistent times become null."""
    return local.dt.replace_time_zone("UTC") if zone == "UTC" else _localise(local, zone)


def _localise(local: pl.Expr, zone: str) -> pl.Expr:
    known = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return known.dt.convert_time_zone("UTC")
