"""Times without a zone, made moments."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from ckm.values.data_files import load_data

GAPS = ("3h", "27h")
"""How far back a time that a clock skipped is looked up: longer than any change to summer time, then than any change of
the date line."""


def zone_named(word: str) -> str | None:
    """Return the time zone that a word names (``Europe/Berlin``, ``PST``); null where it names none.

    >>> zone_named("CEST"), zone_named("Asia/Tokyo"), zone_named("noon")
    ('Europe/Berlin', 'Asia/Tokyo', None)
    """
    known = load_data("date_words.yaml")["zones"].get(word.casefold())
    if known is not None:
        return str(known["zone"])
    try:
        return ZoneInfo(word).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


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
