"""Drop of purchases in the last weeks of the data, because data are missing or the shop was partly closed.

Customers then seem inactive only because their purchases are missing. Backtests do not show this error, because their
cut-offs are at least a horizon earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import calendar_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

LENGTHS = (28, 14)
"""Lengths of the compared periods in days; whole weeks, so that both have the same weekdays."""
DROP = 0.6
"""Rate of a period ÷ rate of the period before is a drop if it is below this share of the smallest earlier ratio."""
FEWEST_STEPS = 3
"""Fewest earlier ratios to compare the last ratio with."""
EXPECTED = 60.0
"""Fewest purchases expected in a period for its ratio to count; with fewer, a drop could be due to chance."""


@dataclass(frozen=True)
class RecentDrop:
    """Repeat purchases of the last days, compared with the days before.

    Attributes
    ----------
    first
        First day of the last period (since 1970-01-01); the period ends with the as-of date.
    days
        Length of the period in days.
    share
        Purchases per known customer in the last period, divided by the same figure for the period before.
    """

    first: int
    days: int
    share: float

    @property
    def sentence(self) -> str:
        """Remark on the drop, with its period and its size."""
        return (
            f"since {calendar_day(self.first)} known customers bought {self.share:.0%} as often as in the {self.days} "
            "days before: data may be missing, or the shop was closed in part; then probabilities of churn are too high"
        )


def recent_drop(ledger: Ledger) -> RecentDrop | None:
    """Return the drop at the end of a history; None if the last weeks are usual.

    The rate of a period is its repeat purchases per known customer. The rate of the last 28 (or 14) days is divided by
    that of the 28 (or 14) days before. There is a drop if this ratio is below 0.6 and below 60 % of each earlier ratio
    of consecutive periods. So a January after Christmas is no drop if the data contain an earlier January, and a shop
    that bills on few days has no drop, because its earlier ratios include 0.
    """
    days, _ = ledger.days_with_purchases
    first, last = int(days.min(initial=ledger.today)), ledger.today
    repeated, known = ledger.summed(lambda part: np.stack(part.purchases.repeats_by_day(first, last)))
    return next((drop for days in LENGTHS if (drop := _drop(repeated, known, last, days))), None)


def _drop(repeated: NDArray[np.int64], known: NDArray[np.int64], last: int, days: int) -> RecentDrop | None:
    """Return the drop of the last ``days`` days; ``repeated`` and ``known`` are :meth:`DayTotals.repeats_by_day`."""
    times = len(repeated) // days
    if times < FEWEST_STEPS + 2:
        return None
    end = len(repeated) - times * days
    purchases, customers = (each[end:].reshape(times, days).sum(axis=1) for each in (repeated, known))
    rates = purchases / np.maximum(customers, 1)
    expected = rates[:-1] * customers[1:]
    steps = (purchases[1:] / np.maximum(expected, 1))[expected >= EXPECTED]
    if len(steps) <= FEWEST_STEPS or expected[-1] < EXPECTED:
        return None
    *usual, share = steps
    if share >= DROP * min(1.0, *usual):
        return None
    return RecentDrop(last - days + 1, days, float(share))
