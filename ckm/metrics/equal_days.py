"""Periods of unequal length side by side: what happens in as many days of either.

A sum goes with the number of days. How many customers buy at least once, or twice, does not: that is the mean over the
windows of so many days that the longer period has (February beside the four windows of 28 days of March).
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
    Whole = NDArray[np.int64]

MOST_WINDOWS = 5
"""Windows of a period, evenly apart: two months are at most three days longer than two others."""


@dataclass(frozen=True)
class EqualDays:
    """A period, measured in so many days of it; arrays are by code.

    Attributes
    ----------
    ledger
        Of the customers.
    period
        Days that the data cover.
    days
        At most those of the period.
    """

    ledger: Ledger
    period: Period
    days: int

    @property
    def share(self) -> float:
        """The days as a share of the period's."""
        return self.days / self.period.days

    @cached_property
    def windows(self) -> tuple[Period, ...]:
        """At most :data:`MOST_WINDOWS` windows of so many days, the first and the last of the period among them."""
        spare = self.period.days - self.days
        shifts = np.unique(np.linspace(0, spare, min(spare + 1, MOST_WINDOWS)).round().astype(int)).tolist()
        starts = [self.period.first + timedelta(shift) for shift in shifts]
        return tuple(Period(start, start + timedelta(self.days - 1)) for start in starts)

    def bought_on(self, days: int) -> Floats:
        """Share of the windows in which a customer has so many purchase days or more."""
        return self._mean(lambda window: (self.ledger.purchase_days_between(window) >= days).astype(np.float64))

    @cached_property
    def active(self) -> Floats:
        """Share of the windows in which a customer bought."""
        return self.bought_on(1)

    @property
    def all_orders(self) -> Whole:
        """Orders of the whole period."""
        return self.ledger.orders_between(self.period)

    @cached_property
    def all_purchases(self) -> Whole:
        """Money of the purchases of the whole period, zero or more."""
        return self.ledger.net_between(self.period) + self.all_returns

    @cached_property
    def all_returns(self) -> Whole:
        """Money given back in the whole period, zero or more."""
        return -self.ledger.returns.sums("net", self.period)

    @cached_property
    def columns(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Active (share of the windows), orders, money of purchases and money given back, in so many days."""
        orders, purchases, returns = (
            each.astype(np.float64) * self.share for each in (self.all_orders, self.all_purchases, self.all_returns)
        )
        return self.active, orders, purchases, returns

    def _mean(self, of: Callable[[Period], Floats]) -> Floats:
        total = np.zeros(len(self.ledger.customers))
        for window in self.windows:
            total += of(window)
        return total / len(self.windows)
