"""Period of a report, and the period that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

from ckm.customers.calendar import months_before
from ckm.errors import UnknownNameError, UsageError

Comparison = Literal["previous", "year-ago"]
COMPARISONS = get_args(Comparison)
MONTHS_OF_A_YEAR = 12
MOST_MONTHS = 1_200
"""Longest period in months: a century."""


@dataclass(frozen=True)
class Period:
    """Consecutive days.

    Attributes
    ----------
    first, last
        First and last day, both included.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UsageError(f"a period cannot end on {self.last} before it begins on {self.first}")

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def period_until(last: date, months: int) -> Period:
    """Return the period of ``months`` months that ends on ``last``; it begins on the day after :func:`months_before`.

    Raises
    ------
    UsageError
        The period is shorter than a month or longer than a century.

    >>> str(period_until(date(2026, 6, 30), 12))
    '2025-07-01 to 2026-06-30'
    """
    if not 1 <= months <= MOST_MONTHS:
        raise UsageError(f"invalid period of {months} months", hint=f"give 1 to {MOST_MONTHS} months")
    return Period(months_before(last, months) + timedelta(1), last)


def previous_days(period: Period) -> Period:
    """Return the period with as many days directly before ``period``.

    >>> str(previous_days(period_until(date(2026, 6, 30), 1)))
    '2026-05-02 to 2026-05-31'
    """
    return Period(period.first - timedelta(period.days), period.first - timedelta(1))


def compared_with(period: Period, months: int, comparison: Comparison) -> Period:
    """Return the previous period, or the same period of the previous year.

    Raises
    ------
    UsageError
        The comparison is unknown, or the period is longer than a year, so that it would overlap with the same period of
        the previous year.

    >>> str(compared_with(period_until(date(2026, 6, 30), 3), 3, "year-ago"))
    '2025-04-01 to 2025-06-30'
    """
    if comparison not in COMPARISONS:
        raise UnknownNameError("comparison", str(comparison), COMPARISONS)
    if comparison == "previous":
        return period_until(period.first - timedelta(1), months)
    if months > MONTHS_OF_A_YEAR:
        raise UsageError(
            f"a period of {months} months overlaps with itself a year earlier",
            hint="compare it with the previous period",
        )
    before, last = (months_before(day, MONTHS_OF_A_YEAR) for day in (period.first - timedelta(1), period.last))
    return Period(before + timedelta(1), last)
