"""Purchases of all customers, and the state of each customer at the end of a day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.btyd.buyers import Buyers, buyers_until

if TYPE_CHECKING:
    from ckm.models.btyd.histories import Floats, Integers

YEAR = 365
"""Days over which a customer's spend rate is computed, if the history is that long."""
RECENT_PARTS = (4, 2, 1)
"""Divisors of the window's length that give the periods of recent spend and purchase days: quarter, half, whole."""


@dataclass(frozen=True)
class Purchases:
    """Purchase days of all customers, sorted by customer and day.

    Attributes
    ----------
    code, day, money
        Customer code, day number, and value of the purchases on that day. Shape (k,).
    """

    code: Integers
    day: Integers
    money: Floats

    @cached_property
    def first_day(self) -> int:
        """First day with a purchase."""
        return int(self.day.min())

    @cached_property
    def size(self) -> int:
        """Largest code plus 1."""
        return int(self.code[-1]) + 1

    def of(self, codes: Integers) -> Purchases:
        """Return the purchases of the customers ``codes``; codes do not change."""
        chosen = np.zeros(self.size, dtype=np.bool_)
        chosen[codes] = True
        rows = chosen[self.code]
        return Purchases(self.code[rows], self.day[rows], self.money[rows])

    def spent(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the spend of each of ``codes`` in the days ``(after, until]``."""
        rows = (self.day > after) & (self.day <= until)
        return np.bincount(self.code[rows], self.money[rows], minlength=self.size)[codes].astype(np.float64)

    def days(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the number of purchase days of each of ``codes`` in the days ``(after, until]``."""
        rows = (self.day > after) & (self.day <= until)
        return np.bincount(self.code[rows], minlength=self.size)[codes].astype(np.float64)


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

    purchases: Purchases
    day: int

    @cached_property
    def buyers(self) -> Buyers:
        """Customers with a purchase by the day: codes, histories and spend."""
        return buyers_until(self.purchases.code, self.purchases.day, self.purchases.money, self.day)

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
        """Return features of each customer for the trees, shape (n, f); money and counts on the log scale.

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
        return np.column_stack(columns)

    @cached_property
    def _last_value(self) -> Floats:
        """Value of each customer's last purchase day, at least 0."""
        known = np.flatnonzero(self.purchases.day <= self.day)
        code = self.purchases.code[known]
        last = np.flatnonzero(np.append(code[1:] != code[:-1], True))
        return np.maximum(0.0, self.purchases.money[known[last]])
