"""Orders: each distinct order id of a customer counts once, on the day of its first purchase line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm.customers.day_totals import DAY_BITS
from ckm.customers.register import SPREAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Words = NDArray[np.uint64]

MOST_PENDING = 2**24
"""Number of collected purchase lines at which the lines of each order are merged."""


class CustomerOrders:
    """Collector of purchase lines, from which the first day of each order is found.

    An order id is stored as a 64-bit word (:func:`ckm.customers.register.id_words`): a text of at most eight bytes as
    it is, a longer one as its hash. Words need to differ only among the orders of one customer: for a customer with a
    thousand orders, the probability of two equal hashes is below one in 10 ** 13.

    Parameters
    ----------
    with_value
        Whether lines have the number of a value, and orders are also counted by value.
    """

    def __init__(self, *, with_value: bool) -> None:
        self._by = ["customer", "word", *(["value"] if with_value else [])]
        self._kept: list[dict[str, NDArray[Any]]] = []
        self._pending = 0

    def add(self, customer: Integers, word: Words, day: NDArray[np.int32], value: Integers | None) -> None:
        """Add purchase lines, in any sequence; an order may have several lines."""
        lines: dict[str, NDArray[Any]] = {"customer": customer.astype(np.int32), "word": word, "day": day}
        if value is not None:
            lines["value"] = value.astype(np.int32)
        self._kept.append(lines)
        self._pending += len(customer)
        if self._pending >= MOST_PENDING:
            self._kept = [self._distinct(self._by)]
            self._pending = 0

    def first_days(self, codes: Integers) -> Integers:
        """Return the first day of every order, as ascending keys of :func:`ckm.customers.day_totals.pack_day`.

        ``codes`` are the customer codes by customer number.
        """
        found = self._distinct(["customer", "word"])
        if "value" not in self._by:  # `by_value` will not be called, so the lines can be freed
            self._kept = []
        keys: Integers = codes[found["customer"]]
        keys <<= DAY_BITS
        keys |= found["day"]
        return pl.Series(keys).sort().to_numpy()

    def by_value(self, codes: Integers) -> pl.DataFrame:
        """Return one row per order and value: ``customer`` (code), ``word``, ``value``, ``day`` (the first)."""
        found = self._distinct(self._by)
        return pl.DataFrame(found | {"customer": codes[found["customer"]]})

    def _distinct(self, by: list[str]) -> dict[str, NDArray[Any]]:
        """Return one row per distinct combination of the columns ``by``, with the first day of its lines."""
        names = [*self._by, "day"]
        empty = {"customer": np.int32, "word": np.uint64, "value": np.int32, "day": np.int32}
        lines = {
            name: np.concatenate([np.zeros(0, empty[name]), *(each[name] for each in self._kept)]) for name in names
        }
        repeated = _may_repeat(lines, by)
        if repeated is None:
            return lines
        some = pl.DataFrame({name: lines[name][repeated] for name in [*by, "day"]})
        first_days = some.group_by(by).agg(pl.col("day").min())
        once = ~repeated
        return {name: np.concatenate([lines[name][once], first_days[name].to_numpy()]) for name in [*by, "day"]}


def _may_repeat(lines: dict[str, NDArray[Any]], by: list[str]) -> NDArray[np.bool_] | None:
    """Return a mask of the lines that may equal another line in the columns ``by``; None if no two lines do.

    Hashes are compared: sorting integers takes a tenth of the time of grouping rows.
    """
    mixed = np.zeros(len(lines["day"]), dtype=np.uint64)
    for name in by:
        mixed ^= lines[name].astype(np.uint64, copy=False)
        mixed *= SPREAD
        mixed ^= mixed >> np.uint64(29)
    ordered = pl.Series(mixed).sort().to_numpy()
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return None
    return pl.Series(mixed).is_in(pl.Series(twice).implode()).to_numpy()


def first_days_of(orders: pl.DataFrame) -> Integers:
    """Return the first day of each order of :meth:`CustomerOrders.by_value`, ascending."""
    days = orders.group_by("customer", "word").agg(pl.col("day").min())
    return days.select(pl.col("customer") * (1 << DAY_BITS) + pl.col("day")).to_series().sort().to_numpy()


def orders_at(keys: Integers, first_days: Integers) -> Integers:
    """Return the number of orders that begin on each purchase day of each customer, shape (keys,).

    Parameters
    ----------
    keys
        Keys of the purchase days, ascending and distinct.
    first_days
        Key of each order's first day, ascending; each is in ``keys``.
    """
    return np.bincount(np.searchsorted(keys, first_days), minlength=len(keys)).astype(np.int64)
