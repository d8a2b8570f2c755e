"""Purchase histories of customers in whole days, with order values, grouped by equal history."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.btyd.histories import Floats, Histories, Integers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

TIME_BITS = 20
"""Bits of a time in the key of a history (x, t_x, T): enough for 2,800 years of days, and 8 million purchases."""


@dataclass(frozen=True)
class Buyers:
    """Customers with a purchase by the end of a day.

    Attributes
    ----------
    codes
        Customer codes, ascending. Shape (n,), like all other attributes.
    x
        Repeat purchases: purchase days less one.
    t_x, T
        Days from the first purchase to the last, and to the end of observation.
    spent
        Total value of the repeat purchases; the first purchase day is excluded, as in the papers.
    """

    codes: Integers
    x: Integers
    t_x: Integers
    T: Integers
    spent: Floats

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def order_value(self) -> Floats:
        """Mean value of each customer's repeat purchases; 0 without repeat purchases. Shape (n,)."""
        return np.divide(self.spent, self.x, out=np.zeros(len(self)), where=self.x > 0)

    @cached_property
    def mean_order_value(self) -> float:
        """Mean value of the repeat purchases of all customers; 0 without repeat purchases."""
        orders = int(self.x.sum())
        return float(self.spent.sum()) / orders if orders else 0.0

    @cached_property
    def groups(self) -> Groups:
        """Customers grouped by equal history."""
        keys = (self.x << (2 * TIME_BITS)) | (self.t_x << TIME_BITS) | self.T
        distinct, position, count = np.unique(keys, return_inverse=True, return_counts=True)
        time = (1 << TIME_BITS) - 1
        parts = (distinct >> (2 * TIME_BITS), (distinct >> TIME_BITS) & time, distinct & time, count)
        return Groups(Histories(*(part.astype(np.float64) for part in parts)), position.astype(np.int64))


@dataclass(frozen=True)
class Groups:
    """Distinct histories, and the index of each customer's history.

    Attributes
    ----------
    histories
        Distinct histories, ascending; ``weights`` are numbers of customers. Shape (m,).
    position
        Index of each customer's history in ``histories``. Shape (n,).
    """

    histories: Histories
    position: Integers

    @cached_property
    def frequencies(self) -> tuple[Floats, Floats, Integers]:
        """Distinct pairs of ``x`` and ``T`` (two arrays), and the index of each history's pair (shape (m,))."""
        x, T = self.histories.x.astype(np.int64), self.histories.T.astype(np.int64)  # noqa: N806
        distinct, position = np.unique((x << TIME_BITS) | T, return_inverse=True)
        pairs = (distinct >> TIME_BITS, distinct & ((1 << TIME_BITS) - 1))
        return pairs[0].astype(np.float64), pairs[1].astype(np.float64), position.astype(np.int64)


def buyers_until(codes: ArrayLike, days: ArrayLike, money: ArrayLike, last_day: int) -> Buyers:
    """Return the customers with a purchase by the end of a day.

    Parameters
    ----------
    codes, days, money
        One entry per purchase day of a customer, sorted by customer and day: the customer's code, the day as a whole
        number, and the value of the purchases on it. Shape (k,).
    last_day
        End of observation; later purchases are ignored.
    """
    code, day, value = np.asarray(codes), np.asarray(days), np.asarray(money, dtype=np.float64)
    known = day <= last_day
    if not known.all():
        code, day, value = code[known], day[known], value[known]
    if not len(code):
        none = np.zeros(0, dtype=np.int64)
        return Buyers(none, none, none, none, np.zeros(0))
    first = np.flatnonzero(np.concatenate(([True], code[1:] != code[:-1])))
    last = np.append(first[1:], len(code)) - 1
    begun, latest = (day[these].astype(np.int64) for these in (first, last))
    spent = np.add.reduceat(value, first) - value[first]
    return Buyers(code[first].astype(np.int64), last - first, latest - begun, last_day - begun, spent)
