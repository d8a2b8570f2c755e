"""Day numbers: days of the simulation as integers, from 0 (1 January 2024) to ``LAST`` (30 June 2026)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

FIRST_DATE = date(2024, 1, 1)
LAST_DATE = date(2026, 6, 30)
LAST = (LAST_DATE - FIRST_DATE).days
BERLIN = ZoneInfo("Europe/Berlin")
BANGKOK = ZoneInfo("Asia/Bangkok")


def number(day: date) -> int:
    """Return the day number of a date."""
    return (day - FIRST_DATE).days


def as_date(day: int) -> date:
    """Return the date of a day number."""
    return FIRST_DATE + timedelta(days=day)


def moment(day: int, minute: int, zone: ZoneInfo) -> datetime:
    """Return the local time of a day number and a minute of the day (0 to 1439), with its time zone."""
    local = as_date(day)
    return datetime(local.year, local.month, local.day, minute // 60, minute % 60, tzinfo=zone)


def in_utc(day: int, minute: int, zone: ZoneInfo) -> datetime:
    """Return the time in UTC of a day number and a minute of the local day (0 to 1439) in a time zone."""
    return moment(day, minute, zone).astimezone(UTC)
