"""Retention rate of windows as long as the period, one at the end of each calendar month."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import day_number, months_before
from ckm.metrics.metric import Metric
from ckm.metrics.monthly import FIRST_DAYS, MONTHS
from ckm.models.intervals import wilson

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext

MOST_MONTHS = 63
"""Calendar months that a mask of 64 bits has a bit for."""


def monthly_retention(context: ReportContext) -> tuple[Metric, ...]:
    """Return ``monthly_retention_rate`` of the last 13 calendar months that are over; fewer where the data are short.

    The window of a month is as long as the period and ends with the month; the window that it is compared with is as
    far before it as the comparison period is before the period. ``n`` is the number of customers of that window.
    """
    length = _months_between(context.period.first - timedelta(1), context.period.last)
    lag = _months_between(context.compared.last, context.period.last)
    end = (context.covered(context.period).last + timedelta(1)).replace(day=1)
    newest = range(MONTHS - 1, -1, -1)
    reached = [back for back in newest if _is_covered(context.ledger, months_before(end, back + lag + length))]
    if not reached or reached[0] + lag + length > MOST_MONTHS:
        return ()
    begin = reached[0] + lag + length
    bought = _months_bought(context.ledger, [months_before(end, back) for back in range(begin, -1, -1)])

    def active(last_back: int) -> NDArray[np.bool_]:
        """Return whether each customer bought in the window that ends ``last_back`` months before the newest month."""
        window = ((1 << length) - 1) << (begin - last_back - length)
        found: NDArray[np.bool_] = (bought & np.uint64(window)) != 0
        return found

    metrics = []
    for back in reached:
        before = active(back + lag)
        count, retained = int(before.sum()), int((before & active(back)).sum())
        month = ("month", f"{months_before(end, back + 1):%Y-%m}")
        share = retained / count if count else None
        metrics.append(Metric("monthly_retention_rate", share, (month,), count, *wilson(retained, count)))
    return tuple(metrics)


def _months_between(earlier: date, later: date) -> int:
    return 12 * (later.year - earlier.year) + later.month - earlier.month


def _is_covered(ledger: Ledger, first: date) -> bool:
    return (ledger.begins - first).days <= FIRST_DAYS


def _months_bought(ledger: Ledger, first_days: list[date]) -> NDArray[np.uint64]:
    """Return the months with a purchase of each customer code, as a bit mask: bit 0 is the first month.

    Parameters
    ----------
    ledger
        Purchases.
    first_days
        First day of each month, and the day after the last month.
    """
    edges = np.array([day_number(first) for first in first_days])

    def months(part: Ledger) -> NDArray[np.uint64]:
        visits = part.purchases
        month = np.searchsorted(edges, visits.day, side="right") - 1
        inside = (month >= 0) & (month < len(first_days) - 1)
        bought = np.zeros(len(part.customers), dtype=np.uint64)
        np.bitwise_or.at(bought, visits.code[inside], np.uint64(1) << month[inside].astype(np.uint64))
        return bought

    return ledger.by_customer(months)
