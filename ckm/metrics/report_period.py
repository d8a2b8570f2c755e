"""Period of a report: the requested length, or the longest shorter length for which the data cover a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.customers.period import MONTHS_OF_A_YEAR, Comparison, compared_with, period_until, previous_days
from ckm.metrics.context import NO_COMPARISON

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext

SHORTER: dict[Comparison, tuple[tuple[Comparison, int], ...]] = {
    "previous": (("year-ago", 6), ("year-ago", 3), ("previous", 6), ("previous", 3), ("year-ago", 1), ("previous", 1)),
    "year-ago": (
        ("year-ago", 6),
        ("year-ago", 3),
        ("year-ago", 1),
        ("previous", MONTHS_OF_A_YEAR),
        ("previous", 6),
        ("previous", 3),
        ("previous", 1),
    ),
}
"""Comparisons and lengths in months that are tried, in this order, where the data have no year before the last one.

The same months of last year come first: they have the same season."""


def report_period(
    of: Callable[[Period, Period], ReportContext], as_of: date, months: int | None, comparison: Comparison
) -> tuple[ReportContext, Comparison]:
    """Return the context of a report, and the comparison that was used.

    Parameters
    ----------
    of
        Function that returns the context of a period and a comparison period.
    as_of
        Last day of the period.
    months
        Requested length; None means 12, or where the data cover a year and none before it, the first of
        :data:`SHORTER` that can be compared.
    comparison
        Requested comparison.
    """
    period = period_until(as_of, MONTHS_OF_A_YEAR if months is None else months)
    first = of(period, compared_with(period, months or MONTHS_OF_A_YEAR, comparison))
    has_no_year_before = first.incomparable is not None and first.incomparable[0] == NO_COMPARISON
    if months is not None or not has_no_year_before or not first.covers(period):
        return first, comparison  # the report of a young shop is of all that it has sold
    for used, length in SHORTER[comparison]:
        shorter = period_until(as_of, length)
        before = previous_days(shorter) if used == "previous" else compared_with(shorter, length, used)
        found = of(shorter, before)
        if found.is_comparable:
            return found, used
    return first, comparison
