"""Far fewer purchases of known customers in the last weeks than before: data are missing, or the shop was half closed.

Customers who seem silent at the end of such data may only be absent from them, and no past window shows it: its outcome
is known, and it ends a horizon earlier.
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
"""Days at the end that are compared with as many before them; whole weeks, so that each has the same weekdays."""
DROP = 0.6
"""Of the smallest usual step from one such time to the next: below that it is a drop."""
FEWEST_STEPS = 3
"""Steps from one time to the next before anybody knows what is usual."""
EXPECTED = 60.0
"""Purchases to expect of the time, so that a fall to so few is not chance."""


@dataclass(frozen=True)
class RecentDrop:
    """Repeat purchases of the last days, and how many their customers made before.

    Attributes
    ----------
    first
        First of the days (since 1970-01-01); the last is the as-of date.
    days
        How many there are.
    share
        Purchases, as a share of those that as many known customers made in as many days before.
    """

    first: int
    days: int
    share: float

    @property
    def sentence(self) -> str:
        """What a reader should know."""
        return (
            f"since {calendar_day(self.first)} known customers bought {self.share:.0%} as often as in the {self.days} "
            "days before: data may be missing, or the shop was closed in part; then probabilities of churn are too high"
        )


def recent_drop(ledger: Ledger) -> RecentDrop | None:
    """Return the drop at the end of a history, None where its last weeks are like the others.

    The repeat purchases of the last 28 (or 14) days per known customer are compared with those of the days before. It
    is a drop where the step is below 60 % of the smallest one between earlier times of that length. So a January after
    a Christmas is none where the data have an earlier one, nor is anything where customers buy on few days: a month
    without a billing day falls to 0.
    """
    first, last = int(ledger.purchases.day.min(initial=ledger.today)), ledger.today
    bought = np.bincount(ledger.purchases.day - first, minlength=last - first + 1)
    came = np.bincount(ledger.purchases.first_days() - first, minlength=last - first + 1)
    return next((drop for days in LENGTHS if (drop := _drop(bought - came, np.cumsum(came) - came, last, days))), None)


def _drop(repeated: NDArray[np.int64], known: NDArray[np.int64], last: int, days: int) -> RecentDrop | None:
    """Return the drop of the last ``days``; the arrays are by day, of repeat purchases and of customers known."""
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
