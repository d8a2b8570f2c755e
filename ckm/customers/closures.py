"""Closures: periods without sales although sales were expected, because the shop was closed or data are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import calendar_day
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

SHORTEST = 28
"""Shortest closure in days; holidays are shorter."""
LEAST_PAUSE_RATIO = 2.0
"""Smallest ratio of a closure to the median pause between two days with purchases: a club that bills once a month is
not closed in between."""
EXPECTED = 20.0
"""Smallest number of purchases that the usual rate predicts for a closure. If 20 are expected, the probability of none
is one in 500 million (Poisson)."""
FEWEST_DAYS = 30
"""Fewest days with rows to compute the usual pause of a shop."""
SHORTEST_SILENCE = 7
"""Days without rows at the end of the data that are never unusual: the last week may not be loaded yet."""
UNUSUAL_RATIO = 3
"""Smallest ratio of an unusual silence at the end to the 95th percentile of the pauses between days with rows."""
YEAR = 365
"""Days after which a season recurs."""
YEARLY_SHARE = 0.5
"""Smallest share of a closure's days on which the shop was also closed a year earlier or later, for a yearly
closure."""
RATE_DAYS = 90
"""Days before, and days after, a closure over which the purchase rate is computed; the lower rate is the usual one."""


@dataclass(frozen=True)
class Closure:
    """A period without any purchase, in days since 1970-01-01.

    Attributes
    ----------
    first, last
        First and last day of the closure.
    """

    first: int
    last: int

    @property
    def days(self) -> int:
        """Number of days."""
        return self.last - self.first + 1

    @property
    def sentence(self) -> str:
        """Remark with the days of the closure and its possible causes."""
        return (
            f"no sale from {calendar_day(self.first)} to {calendar_day(self.last)} ({counted(self.days, 'day')}): the "
            "shop was closed, or data are missing"
        )


def closures(
    purchases: tuple[NDArray[np.integer], NDArray[np.integer]], days: NDArray[np.integer]
) -> tuple[Closure, ...]:
    """Return the closures of a shop, earliest first.

    A pause between two days with rows is a closure if three conditions hold: it is longer than 28 days; it is longer
    than twice the median pause; and at least 20 purchases were expected in it, at the lower of the purchase rates in
    the 90 days before and the 90 days after.

    Parameters
    ----------
    purchases
        Days with purchases of known customers, in days since 1970-01-01, distinct, and the number on each
        (:attr:`ckm.customers.ledger.Ledger.days_with_purchases`).
    days
        Days with any row, also of guests or returns; the shop was open on these days.
    """
    active_days = np.union1d(purchases[0], days)
    counts = np.zeros(len(active_days), dtype=np.int64)
    counts[np.searchsorted(active_days, purchases[0])] = purchases[1]
    before = np.concatenate([[0], np.cumsum(counts)])
    pauses = np.diff(active_days)
    usual = float(np.median(pauses)) if len(pauses) else 0.0
    found = []
    for position in np.flatnonzero(pauses > max(SHORTEST, LEAST_PAUSE_RATIO * usual)):
        first, last = int(active_days[position]) + 1, int(active_days[position + 1]) - 1
        since = before[np.searchsorted(active_days, first - RATE_DAYS)]
        until = before[np.searchsorted(active_days, last + RATE_DAYS, side="right")]
        mid = before[position + 1]
        rate = min(
            (mid - since) / min(RATE_DAYS, first - int(active_days[0])),
            (until - mid) / min(RATE_DAYS, int(active_days[-1]) - last),
        )
        if rate * (last - first + 1) >= EXPECTED:
            found.append(Closure(first, last))
    return tuple(found)


def closures_ahead(closed: Sequence[Closure], day: int, horizon: int) -> int:
    """Return how many of the ``horizon`` days after ``day`` were days of a closure in an earlier year."""
    ahead = np.arange(day + 1, day + horizon + 1)
    found = np.zeros(len(ahead), dtype=np.bool_)
    for each in closed:
        years = (ahead - each.first) // YEAR
        since = (ahead - each.first) - years * YEAR
        found |= (years > 0) & (since < each.days)
    return int(found.sum())


def yearly_closures(closed: Sequence[Closure]) -> tuple[Closure, ...]:
    """Return the yearly closures: a year earlier or later, the shop was closed too on half of their days or more.

    An example is a beach bar that closes each winter, so that every period of a year contains a closure.
    """
    days = [np.arange(each.first, each.last + 1) for each in closed]
    found = []
    for each in days:
        others = [other for other in days if other is not each]
        around = [np.isin(each + shift, other).mean() for other in others for shift in (-YEAR, YEAR)]
        found.append(max(around, default=0.0) >= YEARLY_SHARE)
    return tuple(each for each, back in zip(closed, found, strict=True) if back)


def silence_at_end(days: NDArray[np.int64], as_of: int) -> Closure | None:
    """Return the unusually long silence from the last row to the as-of date; None if it is usual.

    A silence is usual up to a week, or up to three times the 95th percentile of the pauses between days with rows. With
    fewer than 30 days with rows, every silence is usual. This function finds the days of a period that have no data;
    :func:`ckm.customers.data_end.data_end`, which decides about a warning, allows longer silences.

    Parameters
    ----------
    days
        Days with any row, as numbers, ascending, distinct and none after ``as_of``.
    as_of
        As-of date.

    >>> silence_at_end(np.arange(100), 110)
    Closure(first=100, last=110)
    """
    if len(days) < FEWEST_DAYS:
        return None
    usual = UNUSUAL_RATIO * float(np.quantile(np.diff(days), 0.95))
    last = int(days[-1])
    return Closure(last + 1, as_of) if as_of - last > max(SHORTEST_SILENCE, usual) else None


def silences(ledger: Ledger) -> tuple[Closure, ...]:
    """Return the closures within the data, and the silence at the end of the data if it is unusually long."""
    coverage = ledger.coverage
    usual = coverage.usual_days
    if usual is None:
        return ()
    days = coverage.days[(coverage.days >= usual.first) & (coverage.days <= usual.last)]
    end = silence_at_end(days, coverage.as_of)
    return (*closures(ledger.days_with_purchases, days), *([end] if end is not None else []))
