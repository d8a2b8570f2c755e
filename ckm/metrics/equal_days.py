"""Compare periods of unequal length over the same number of days.

Sums are scaled by the number of days. The number of customers with at least one (or two) purchase days is not
proportional to the days, so it is the mean over windows of the shorter length: March is compared with February by
windows of 28 days. At most five windows are used, evenly spaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.period import Period

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MOST_WINDOWS = 5
"""Maximum number of windows in a period. Months differ by at most three days, which is four windows."""


@dataclass(frozen=True)
class EqualDays:
    """Orders, purchases and returns of a period, scaled to fewer days.

    Arrays have one element per customer of the ledger, in the order of their codes.

    Attributes
    ----------
    ledger
        Ledger of the customers.
    period
        Days of the period that the data cover.
    days
        Number of days to scale to, at most the number of days of the period.
    """

    ledger: Ledger
    period: Period
    days: int

    @property
    def share(self) -> float:
        """Factor for sums: :attr:`days` divided by the number of days of the period."""
        return self.days / self.period.days

    @cached_property
    def windows(self) -> tuple[Period, ...]:
        """Evenly spaced windows of ``days`` days, at most :data:`MOST_WINDOWS`, including the first and the last."""
        spare = self.period.days - self.days
        shifts = np.unique(np.linspace(0, spare, min(spare + 1, MOST_WINDOWS)).round().astype(int)).tolist()
        starts = [self.period.first + timedelta(shift) for shift in shifts]
        return tuple(Period(start, start + timedelta(self.days - 1)) for start in starts)

    def bought_on(self, days: int) -> Floats:
        """Return, for each customer, the share of windows with at least ``days`` purchase days (not :attr:`days`)."""
        return self._mean(lambda window: (self.ledger.purchase_days_between(window) >= days).astype(np.float64))

    @cached_property
    def active(self) -> Floats:
        """Share of windows in which each customer bought."""
        return self.bought_on(1)

    @property
    def all_orders(self) -> NDArray[np.int32]:
        """Orders of each customer in the whole period."""
        return self.ledger.orders_between(self.period)

    @cached_property
    def all_purchases(self) -> Integers:
        """Value of each customer's purchases in the whole period, zero or more."""
        return self.ledger.net_between(self.period) + self.all_returns

    @cached_property
    def all_returns(self) -> Integers:
        """Value of each customer's returns in the whole period, zero or more."""
        return -self.ledger.returns_between(self.period)

    @property
    def columns(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Share of windows with a purchase; orders, purchases and returns, multiplied by :attr:`share`."""
        orders, purchases, returns = (
            each.astype(np.float64) * self.share for each in (self.all_orders, self.all_purchases, self.all_returns)
        )
        return self.active, orders, purchases, returns

    def _mean(self, of: Callable[[Period], Floats]) -> Floats:
        total = np.zeros(len(self.ledger.customers))
        for window in self.windows:
            total += of(window)
        return total / len(self.windows)
