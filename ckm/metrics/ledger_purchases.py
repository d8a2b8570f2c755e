"""Purchases of a ledger as the models of purchases and spend read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.models.btyd.buyers import Buyers
from ckm.models.btyd.purchases import PurchaseHistory, Purchases

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


def purchases_of(ledger: Ledger) -> PurchaseHistory:
    """Return the purchases of all customers of a ledger, whose codes are used; money is in the currency's unit."""
    return PartitionedPurchases(ledger) if ledger.is_partitioned else _entries(ledger)


class PartitionedPurchases(PurchaseHistory):
    """Purchases of a ledger in partitions.

    Parameters
    ----------
    ledger
        The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @property
    def first_day(self) -> int:
        """First day with a purchase."""
        return int(self._ledger.days_with_purchases[0][0])

    def of(self, codes: Integers) -> Purchases:
        """Return the purchases of the customers ``codes``; codes do not change."""
        chosen = np.zeros(len(self._ledger.customers), dtype=np.bool_)
        chosen[codes] = True
        own = _entries(self._ledger.only(chosen))
        return Purchases(np.flatnonzero(chosen)[own.code], own.day, own.money)

    def buyers(self, day: int) -> Buyers:
        """Return the customers with a purchase by the end of ``day``."""
        found = self._ledger.by_customer(lambda part: _histories(part, day))
        codes = np.flatnonzero((found["x"] >= 0).to_numpy())
        x, t_x, T, spent = (found[name].to_numpy()[codes] for name in ("x", "t_x", "T", "spent"))  # noqa: N806
        return Buyers(codes, x, t_x, T, spent)

    def spent(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the spend of each of ``codes`` in the days ``(after, until]``."""
        return self._sums(lambda own, every: own.spent(every, after, until))[codes]

    def days(self, codes: Integers, after: int, until: int) -> Floats:
        """Return the number of purchase days of each of ``codes`` in the days ``(after, until]``."""
        return self._sums(lambda own, every: own.days(every, after, until))[codes]

    def last_value(self, codes: Integers, day: int) -> Floats:
        """Return the value of the last purchase day up to ``day`` of each of ``codes``; 0 without one."""
        return self._sums(lambda own, every: own.last_value(every, day))[codes]

    def _sums(self, function: Callable[[Purchases, Integers], Floats]) -> Floats:
        """Return a sum of each customer, by code."""

        def sums(part: Ledger) -> Floats:
            own, found = _entries(part), np.zeros(len(part.customers))
            if len(own.code):
                found[: own.size] = function(own, np.arange(own.size))
            return found

        return self._ledger.by_customer(sums)


def _entries(ledger: Ledger) -> Purchases:
    visits = ledger.purchases
    return Purchases(visits.code.astype(np.int64), visits.day.astype(np.int64), visits.of("net") / ledger.scale)


def _histories(ledger: Ledger, day: int) -> pl.DataFrame:
    """Return the columns of :class:`Buyers` by code; ``x`` is -1 without a purchase by the day."""
    found = _entries(ledger).buyers(day)
    columns = {name: np.full(len(ledger.customers), -1, dtype=np.int64) for name in ("x", "t_x", "T")}
    for name, column in columns.items():
        column[found.codes] = getattr(found, name)
    spent = np.zeros(len(ledger.customers))
    spent[found.codes] = found.spent
    return pl.DataFrame({**columns, "spent": spent})
