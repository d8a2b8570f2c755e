"""Convert Buddhist years and Persian dates to the Gregorian calendar, as polars expressions."""

from __future__ import annotations

import polars as pl

BUDDHIST_YEARS = (2400, 2650)
"""Years read as Buddhist era: 1857 to 2107 CE."""
BUDDHIST_OFFSET = 543
"""Offset of the Thai (Buddhist) era to the common era (both start on 1 January since 1941)."""
JALALI_YEARS = (1300, 1499)
"""Years read as Persian calendar: 1921 to 2120 CE."""


def buddhist_to_common(year: pl.Expr) -> pl.Expr:
    """Return the Gregorian year; years outside :data:`BUDDHIST_YEARS` are unchanged."""
    return pl.when(year.is_between(*BUDDHIST_YEARS)).then(year - BUDDHIST_OFFSET).otherwise(year)


def jalali_to_days(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return days since 1970-01-01 of a date of the Persian (solar Hijri) calendar; null for invalid dates.

    Uses the 33-year cycle of leap years, which equals the astronomical calendar for the years 1178 to 1633
    (Borkowski 1996, "The Persian calendar for 3000 years", Earth, Moon and Planets 74).
    """
    leap = ((25 * year + 11) % 33) < 8
    length = pl.when(month <= 6).then(31).when(month <= 11).then(30).otherwise(29 + leap.cast(pl.Int32))
    cycle = year + 1595
    days_before_year = 365 * cycle + cycle // 33 * 8 + (cycle % 33 + 3) // 4
    days_before_month = pl.when(month <= 7).then((month - 1) * 31).otherwise((month - 7) * 30 + 186)
    # 355,668 days before the cycle's year 0 the proleptic Gregorian year 0 begins; 719,528 days later it is 1970.
    days = days_before_year + days_before_month + day - 355_668 - 719_528
    legal = month.is_between(1, 12) & day.is_between(1, length)
    return pl.when(legal).then(days)
