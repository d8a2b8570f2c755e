"""State of each customer at the end of a day, for the spend forecast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ckm.models.btyd.buyers import Buyers
    from ckm.models.btyd.histories import Floats
    from ckm.models.btyd.purchases import PurchaseHistory

YEAR = 365
"""Days over which a customer's spend rate is computed, if the history is that long."""
RECENT_PARTS = (4, 2, 1)
"""Divisors of the window's length that give the periods of recent spend and purchase days: quarter, half, whole."""


@dataclass(frozen=True)
class SpendSnapshot:
    """All customers with a purchase by the end of a day. Arrays have shape (n,), in the order of ``buyers.codes``.

    Attributes
    ----------
    purchases
        Purchases of all days; purchases after the day are ignored.
    day
        As-of day, as a day number.
    """

    purchases: PurchaseHistory
    day: int

    @cached_property
    def buyers(self) -> Buyers:
        """Customers with a purchase by the day: codes, histories and spend."""
        return self.purchases.buyers(self.day)

    @cached_property
    def orders(self) -> Floats:
        """Number of purchase days of each customer by the day."""
        return self.buyers.x.astype(np.float64) + 1.0

    @cached_property
    def spent(self) -> Floats:
        """Spend of each customer by the day."""
        return self.purchases.spent(self.buyers.codes, self.purchases.first_day - 1, self.day)

    @cached_property
    def mean_value(self) -> Floats:
        """Mean spend per purchase day of each customer, at least 0."""
        return np.asarray(np.maximum(0.0, self.spent) / self.orders, dtype=np.float64)

    @cached_property
    def rate(self) -> Floats:
        """Spend per day of each customer in the last :data:`YEAR` days, or since the first day of the data."""
        days = max(1, min(YEAR, self.day - self.purchases.first_day + 1))
        spent = self.purchases.spent(self.buyers.codes, self.day - days, self.day)
        return np.asarray(spent / days, dtype=np.float64)

    def features(self, window: int) -> Floats:
        """Return features of each customer for the trees, shape (n, f): :meth:`columns`."""
        return np.column_stack(self.columns(window))

    def columns(self, window: int) -> list[Floats]:
        """Return the features of each customer for the trees, shape (n,) each; money and counts on the log scale.

        Recency, tenure, frequency, mean interpurchase time and spend, over the whole and over the recent history. Each
        row depends on one customer only.

        Parameters
        ----------
        window
            Length of the predicted window in days.
        """
        buyers, known = self.buyers, self.purchases
        recency = (buyers.T - buyers.t_x).astype(np.float64)
        gap = np.divide(buyers.t_x, buyers.x, out=np.full(len(buyers), np.nan), where=buyers.x > 0)
        columns = [recency, buyers.T, np.log1p(self.orders), gap, recency / np.maximum(gap, 1.0)]
        columns += [np.log1p(np.maximum(0.0, self.spent)), np.log1p(self.mean_value), np.log1p(self._last_value)]
        for part in RECENT_PARTS:
            since = self.day - -(-window // part)
            columns.append(np.log1p(known.days(buyers.codes, since, self.day)))
            columns.append(np.log1p(known.spent(buyers.codes, since, self.day)))
        return columns

    @cached_property
    def _last_value(self) -> Floats:
        """Value of each customer's last purchase day, at least 0."""
        return np.maximum(0.0, self.purchases.last_value(self.buyers.codes, self.day))
