"""Orders: each distinct order id of a customer once, on the day of its first purchase line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.day_totals import DAY_BITS
from ckm.customers.register import SPREAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]
    Words = NDArray[np.uint64]

MOST_PENDING = 2**24
"""Purchase lines collected before those of one order become one."""


class Orders:
    """Purchase lines as they come; now and then those of one order become one.

    An order id is a 64-bit word (:func:`ckm.customers.register.id_words`): a text of at most eight bytes as it is, a
    longer one as its hash. Only the orders of one customer are told apart by it: of a customer with a thousand orders,
    two share a word with a probability of one in 10 ** 13.

    Parameters
    ----------
    with_value
        Whether an order counts once for each value of a column.
    """

    def __init__(self, *, with_value: bool) -> None:
        self._by = ["customer", "word", *(["value"] if with_value else [])]
        self._columns = [*self._by, "day"]
        self._kept: list[pl.DataFrame] = []
        self._pending = 0

    def add(self, customer: Whole, word: Words, day: NDArray[np.int32], value: Whole | None) -> None:
        """Take purchase lines, in any order and as many of an order as there are."""
        columns = {"customer": customer, "word": word, "day": day}
        if value is not None:
            columns["value"] = value.astype(np.int32)
        self._kept.append(pl.DataFrame(columns).select(self._columns))
        self._pending += len(customer)
        if self._pending >= MOST_PENDING:
            self._kept = [self._distinct()]
            self._pending = 0

    def collected(self, codes: Whole) -> pl.DataFrame:
        """Return a row per order, and value where there is one: ``customer`` (code), ``word``, ``value``, ``day``.

        ``codes`` by number of the customer.
        """
        found = self._distinct()
        return found.with_columns(customer=pl.Series(codes[found["customer"].to_numpy()]))

    def _distinct(self) -> pl.DataFrame:
        if not self._kept:
            schema = {"customer": pl.Int64, "word": pl.UInt64, "day": pl.Int32, "value": pl.Int32}
            return pl.DataFrame(schema={name: dtype for name, dtype in schema.items() if name in self._columns})
        lines = pl.concat(self._kept)
        repeated = _may_repeat(lines, self._by)
        if not repeated.any():
            return lines
        first_days = lines.filter(repeated).group_by(self._by).agg(pl.col("day").min())
        return pl.concat([lines.filter(~repeated), first_days.select(lines.columns)])


def _may_repeat(lines: pl.DataFrame, by: list[str]) -> pl.Series:
    """Tell which lines may be of an order that has another one; few are where the lines of an order stand together.

    By the hash of what tells orders apart: whole numbers sort in a tenth of the time in which rows are grouped.
    """
    mixed = np.zeros(lines.height, dtype=np.uint64)
    for name in by:
        mixed = (mixed ^ lines[name].to_numpy().astype(np.uint64)) * SPREAD
        mixed ^= mixed >> np.uint64(29)
    hashes = pl.Series(mixed)
    ordered = hashes.sort().to_numpy()
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return pl.Series([False]).new_from_index(0, lines.height)
    return hashes.is_in(pl.Series(twice).implode())


def orders_at(keys: Whole, orders: pl.DataFrame) -> Whole:
    """How many orders begin on each customer's day.

    Parameters
    ----------
    keys
        Of the purchase days, ascending and distinct.
    orders
        Of :meth:`Orders.collected`; one that stands there for several values is one.
    """
    if "value" in orders.columns:
        orders = orders.group_by("customer", "word").agg(pl.col("day").min())
    first_days = orders.select(pl.col("customer") * (1 << DAY_BITS) + pl.col("day")).to_series().sort().to_numpy()
    return np.bincount(np.searchsorted(keys, first_days), minlength=len(keys)).astype(np.int64)
