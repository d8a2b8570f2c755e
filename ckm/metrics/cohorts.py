"""Retention by cohort: customers by month of their first purchase, and how many bought in each later month."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ckm.customers.calendar import day_number, months_before
from ckm.metrics.metric import Metric
from ckm.models.intervals import wilson

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.metric import Missing

MONTHS = 13
"""Number of cohorts. The oldest is observed for twelve later months, the newest for none."""


class Cohorts(NamedTuple):
    """Customers by the month of their first purchase.

    Attributes
    ----------
    months
        First day of each cohort's month, ascending; all months are complete.
    sizes
        Number of customers with their first purchase in it (int64).
    bought
        ``[cohort, k]``: how many of them bought in the k-th calendar month after it (int64, square). Only cells with
        ``cohort + k < len(months)`` are complete; ``[cohort, 0]`` is the size.
    """

    months: tuple[date, ...]
    sizes: NDArray[np.int64]
    bought: NDArray[np.int64]


def cohorts(ledger: Ledger, last: date) -> Cohorts:
    """Return the cohorts of the last 13 calendar months that were complete at the end of ``last``, within the data."""
    end = (last + timedelta(1)).replace(day=1)
    starts = [months_before(end, back) for back in range(MONTHS, -1, -1)]
    starts = [start for start in starts if start >= ledger.begins.replace(day=1)]
    count = len(starts) - 1
    if count < 1:
        return Cohorts((), np.zeros(0, np.int64), np.zeros((0, 0), np.int64))
    edges = np.array([day_number(start) for start in starts])
    bought = ledger.summed(lambda part: _bought(part, edges))
    return Cohorts(tuple(starts[:-1]), bought[:, 0].copy(), bought)


def _bought(ledger: Ledger, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return :attr:`Cohorts.bought`; ``edges`` are the first days of the months, and the day after the last one."""
    count, visits = len(edges) - 1, ledger.purchases
    # index of the month; -1 before the first one, `count` after the last one
    cohort = np.searchsorted(edges, visits.first_days(), side="right") - 1
    inside = (visits.day >= edges[0]) & (visits.day < edges[-1])
    inside &= ((cohort >= 0) & (cohort < count))[visits.code]
    code, month = visits.code[inside], np.searchsorted(edges, visits.day[inside], side="right") - 1
    once = np.ones(len(code), dtype=bool)
    once[1:] = (code[1:] != code[:-1]) | (month[1:] != month[:-1])
    cells = cohort[code[once]] * count + month[once] - cohort[code[once]]
    return np.bincount(cells, minlength=count * count).reshape(count, count)


def cohort_metrics(context: ReportContext) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return ``cohort_size`` and ``retention_cohort`` of the cohorts with customers, for complete months."""
    found = cohorts(context.ledger, context.period.last)
    sizes, cells = [], []
    for row, (month, size) in enumerate(zip(found.months, found.sizes.tolist(), strict=True)):
        cohort = ("cohort", f"{month:%Y-%m}")
        sizes.append(Metric("cohort_size", size, (cohort,)))
        for later in range(1, len(found.months) - row if size else 1):
            part = int(found.bought[row, later])
            ends = wilson(part, size)
            cells.append(Metric("retention_cohort", part / size, (cohort, ("month", str(later))), size, *ends))
    return (*cells, *sizes), ()
