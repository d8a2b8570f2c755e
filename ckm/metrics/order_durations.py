"""Days from the first to the second order of each customer, for estimates of when second orders come."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ckm.customers.day_totals import NO_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

    Codes = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FEWEST_SECOND_ORDERS = 30
"""Fewest second orders for an estimate: six of 30 come before the interval, and six after it."""


class OrderDurations(NamedTuple):
    """Days from the first to the second order, of customers whose first purchase day has one order.

    ``first`` is the day of the first order; without a second order (``came_back`` is false) ``days`` end today.
    """

    codes: Codes
    first: Codes
    days: Codes
    came_back: Mask

    def follow_up(self, today: int) -> tuple[int, Mask]:
        """Return the follow-up in days, and a mask of customers whose second order is within the follow-up."""
        observed = np.sort(today - self.first)
        days = int(observed[-FEWEST_SECOND_ORDERS]) if len(observed) >= FEWEST_SECOND_ORDERS else 0
        return days, self.came_back & (self.days <= days)


def order_durations(ledger: Ledger) -> OrderDurations:
    """Return the days from the first to the second order of the customers whose first purchase day has one order."""
    codes = np.flatnonzero(ledger.by_customer(first_orders) == 1)
    first, second = (each[codes].astype(np.int64) for each in (ledger.first_day, ledger.second_day))
    came_back = second != NO_DAY
    return OrderDurations(codes, first, np.where(came_back, second, ledger.today) - first, came_back)


def first_orders(ledger: Ledger) -> Codes:
    """Return the number of orders on each customer's first purchase day, by code; 0 without a purchase."""
    purchases, orders = ledger.purchases, np.zeros(len(ledger.customers), dtype=np.int64)
    some = np.flatnonzero(purchases.has_any)
    orders[some] = purchases.of("orders")[purchases.bounds[some]]
    return orders
