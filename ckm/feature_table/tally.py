"""Recency, frequency and money of many customers in one pass over the rows, by arithmetic on whole numbers.

What :func:`ckm.features.row_counts` and :func:`ckm.features.purchase_features` say together, for polars alone. A
group-by on text that also counts distinct days hashes every row's text, and then every row's day once more. Here a
customer is a number from the first row on:

1. neighbouring rows of one customer and one day, as the lines of an order are, become one;
2. a customer's text or number is looked up in a hash table, which gives customers numbers in order of appearance;
3. money and rows are added up by that number;
4. ``number << 17 | day`` is kept for every day with a purchase; sorted and without repeats at the end, these keys are
   the customers' purchase days.

All sums are of whole numbers, so neither the order of the rows nor the number of threads can change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import polars as pl

from ckm.feature_table.batches import RowCounting, Visits, batch_money, join_neighbours, read_ahead, row_kind
from ckm.feature_table.register import CustomerRegister, id_words
from ckm.features import is_purchase, local_day

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

PENDING_KEYS = 2**24
"""Keys collected before repeats among them are dropped; 128 MB."""
DAY_BITS = 17
"""Of a key: 358 years of days; the contract allows 300."""
DAY_ZERO = -25_600
"""The day 0 of a key, in days since 1970: the end of 1899, before the first day of the contract in any time zone."""
NO_DAY = -1


@dataclass(frozen=True)
class PurchaseTally:
    """What one pass over the transactions found.

    Attributes
    ----------
    counts
        As :func:`ckm.features.row_counts` names them.
    customers
        As :func:`ckm.features.purchase_features` returns them, by ``customer_id``.
    """

    counts: dict[str, Any]
    customers: pl.DataFrame


def tally_purchases(transactions: pl.LazyFrame, *, until: datetime, time_zone: str, money_scale: int) -> PurchaseTally:
    """Count the rows and add up every customer's purchases, in one streaming pass.

    Equal to the two functions of :mod:`ckm.features` in every value. Memory grows with the customers and their days of
    purchase, not with the rows.

    Parameters
    ----------
    transactions, until, time_zone
        See :func:`ckm.features.purchase_features`.
    money_scale
        Parts into which one unit of the currency is cut. Where ``largest * rows_used * money_scale`` of the counts
        reaches 2**62, ``money`` means nothing and a smaller scale must be taken.
    """
    prepared = _prepared(transactions, until, time_zone, money_scale)
    counting, adding = RowCounting(), _Adding(prepared.collect_schema()["customer_id"])
    for visits in read_ahead(prepared, lambda batch: join_neighbours(counting.add(batch))):
        adding.add(visits)
    return PurchaseTally(counting.counts(), adding.customers())


def _prepared(transactions: pl.LazyFrame, until: datetime, time_zone: str, money_scale: int) -> pl.LazyFrame:
    """The columns that are counted and added up, still one row per row."""
    columns = nw.from_native(transactions).select(
        "customer_id",
        "ordered_at",
        "net",
        "currency",
        kind=row_kind(until),
        day=nw.when(is_purchase()).then(local_day("ordered_at", time_zone)),
    )
    day = (pl.col("day").to_physical() - DAY_ZERO).fill_null(NO_DAY)
    return columns.to_native().with_columns(money=batch_money("net", money_scale).fill_null(0), slot=day)


def _grown(sums: Numbers, count: int) -> Numbers:
    return np.concatenate([sums, np.zeros(2 * count - len(sums), dtype=np.int64)])


class _Adding:
    """Customers' sums and purchase days, batch by batch."""

    def __init__(self, dtype: pl.DataType) -> None:
        self._register = CustomerRegister(dtype)
        self._money: Numbers = np.zeros(0, dtype=np.int64)
        self._rows: Numbers = np.zeros(0, dtype=np.int64)
        self._days = _DayKeys()

    def add(self, visits: Visits) -> None:
        """Add rows that count."""
        numbers = self._register.numbers(visits.ids, visits.words, visits.long)
        if len(self._money) < len(self._register):
            self._money, self._rows = (_grown(sums, len(self._register)) for sums in (self._money, self._rows))
        np.add.at(self._money, numbers, visits.money)
        np.add.at(self._rows, numbers, visits.rows)
        bought = visits.slot != NO_DAY
        self._days.add(numbers[bought] << DAY_BITS | visits.slot[bought])

    def customers(self) -> pl.DataFrame:
        """Return one row per customer, by ``customer_id``."""
        count = len(self._register)
        keys = self._days.distinct()
        owners = keys >> DAY_BITS
        last = np.full(count, NO_DAY, dtype=np.int64)
        last[owners] = keys & (2**DAY_BITS - 1)  # ascending, so that the last one stays
        frequency = np.bincount(owners, minlength=count)
        # polars sorts texts eight times faster than it finds the order that would sort them; the register knows it.
        ids = self._register.ids.sort()
        order = self._register.numbers(ids, *id_words(ids))
        day = (pl.col("last_purchase") + DAY_ZERO).cast(pl.Int32).cast(pl.Date)
        return pl.DataFrame(
            {
                "customer_id": ids,
                "last_purchase": last[order],
                "frequency": frequency[order].astype(np.int64),
                "money": self._money[order],
                "rows": self._rows[order],
            }
        ).with_columns(pl.when(pl.col("last_purchase") != NO_DAY).then(day).alias("last_purchase"))


class _DayKeys:
    """Keys of which only the distinct ones are wanted."""

    def __init__(self) -> None:
        self._kept: list[Numbers] = []
        self._pending = 0

    def add(self, keys: Numbers) -> None:
        self._kept.append(keys)
        self._pending += len(keys)
        if self._pending >= PENDING_KEYS:
            self._kept = [self.distinct()]
            self._pending = 0

    def distinct(self) -> Numbers:
        """Return each key once, ascending."""
        if not self._kept:
            return np.zeros(0, dtype=np.int64)
        keys = pl.Series(np.concatenate(self._kept)).sort().to_numpy()
        new = np.ones(len(keys), dtype=bool)
        np.not_equal(keys[1:], keys[:-1], out=new[1:])
        return keys[new]
