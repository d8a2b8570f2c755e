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

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from ckm.feature_table.register import CustomerRegister, id_words
from ckm.features import is_after, is_cancelled, is_purchase, local_day

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Words = NDArray[np.uint64]

BATCH_ROWS = 250_000
"""Rows taken at once: their columns fit the processor's caches."""
BATCHES_AHEAD = 3
PENDING_KEYS = 2**24
"""Keys collected before repeats among them are dropped; 128 MB."""
DAY_BITS = 17
"""Of a key: 358 years of days; the contract allows 300."""
DAY_ZERO = -25_600
"""The day 0 of a key, in days since 1970: the end of 1899, before the first day of the contract in any time zone."""
NO_DAY = -1
KINDS = ("after", "cancelled", "cancelled_credit", "without_customer", "return", "purchase")
"""What a row is, by the first that applies. The last two count."""
USED = KINDS.index("return")


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
    counting, adding = _Counting(), _Adding(prepared.collect_schema()["customer_id"])
    batches = iter(prepared.collect_batches(chunk_size=BATCH_ROWS, maintain_order=False, engine="streaming"))

    def read() -> Visits | None:
        batch = next(batches, None)
        return None if batch is None else _visits(counting.add(batch))

    # polars works on a batch only while somebody waits for it: a thread does, and sees to all that needs no numbers.
    with ThreadPoolExecutor(1) as reader:
        coming = deque(reader.submit(read) for _ in range(BATCHES_AHEAD))
        while (visits := coming.popleft().result()) is not None:
            coming.append(reader.submit(read))
            adding.add(visits)
    return PurchaseTally(counting.counts(), adding.customers())


def _prepared(transactions: pl.LazyFrame, until: datetime, time_zone: str, money_scale: int) -> pl.LazyFrame:
    """The columns that are counted and added up, still one row per row."""
    reason = (
        nw.when(is_after(until))
        .then(nw.lit(KINDS.index("after")))
        .when(is_cancelled() & (nw.col("net") < 0))
        .then(nw.lit(KINDS.index("cancelled_credit")))
        .when(is_cancelled())
        .then(nw.lit(KINDS.index("cancelled")))
        .when(nw.col("customer_id").is_null())
        .then(nw.lit(KINDS.index("without_customer")))
        .when(is_purchase())
        .then(nw.lit(KINDS.index("purchase")))
        .otherwise(nw.lit(KINDS.index("return")))
    )
    columns = nw.from_native(transactions).select(
        "customer_id",
        "ordered_at",
        "net",
        "currency",
        kind=reason.cast(nw.UInt8),
        day=nw.when(is_purchase()).then(local_day("ordered_at", time_zone)),
    )
    # Strict casts would stop at an amount that no sum can hold; `largest` tells the caller of it.
    money = (pl.col("net") * money_scale).round().cast(pl.Int64, strict=False).fill_null(0)
    day = (pl.col("day").to_physical() - DAY_ZERO).fill_null(NO_DAY)
    return columns.to_native().with_columns(money=money, day=day)


class _Counting:
    """What :func:`ckm.features.row_counts` counts, batch by batch."""

    def __init__(self) -> None:
        self._kinds = np.zeros(len(KINDS), dtype=np.int64)
        self._bounds: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Count a batch and return its rows that count."""
        kinds = np.bincount(batch["kind"].to_numpy(), minlength=len(KINDS))
        self._kinds += kinds
        used = batch if kinds[:USED].sum() == 0 else batch.filter(pl.col("kind") >= USED)
        instants, currency = batch["ordered_at"], used["currency"]
        self._bounds.append(
            pl.DataFrame(
                {
                    "earliest": [instants.min()],
                    "latest": [instants.max()],
                    "largest": [used["net"].abs().max()],
                    "first_currency": [currency.min()],
                    "last_currency": [currency.max()],
                },
                schema={
                    "earliest": instants.dtype,
                    "latest": instants.dtype,
                    "largest": pl.Float64,
                    "first_currency": pl.String,
                    "last_currency": pl.String,
                },
            )
        )
        return used.select("customer_id", "day", "money")

    def counts(self) -> dict[str, Any]:
        """Return all counts; bounds are null where no row is."""
        after, cancelled, credited, nameless, returns, purchases = map(int, self._kinds)
        counts: dict[str, Any] = {
            "rows": int(self._kinds.sum()),
            "rows_after": after,
            "rows_cancelled": cancelled + credited,
            "rows_without_customer": nameless,
            "rows_used": returns + purchases,
            "purchases": purchases,
            "cancelled_credits": credited,
        }
        names = ("earliest", "latest", "largest", "first_currency", "last_currency")
        if not self._bounds:
            return counts | dict.fromkeys(names)
        least = {"earliest", "first_currency"}
        bounds = pl.concat(self._bounds)
        return counts | {name: bounds[name].min() if name in least else bounds[name].max() for name in names}


class Visits(NamedTuple):
    """Neighbouring rows of one customer and one day, as one."""

    ids: pl.Series
    words: Words
    long: NDArray[np.bool_] | None
    day: Numbers
    money: Numbers
    rows: Numbers


def _visits(used: pl.DataFrame) -> Visits:
    """Join neighbours among rows that count: ``customer_id``, ``day``, ``money``."""
    used = used.rechunk()
    ids, day = used["customer_id"], used["day"].to_numpy()
    words, long = id_words(ids)
    firsts = np.flatnonzero(_starts(words, day, ids if long is not None else None))
    return Visits(
        ids=ids.gather(firsts),
        words=words[firsts],
        long=None if long is None else long[firsts],
        day=day[firsts].astype(np.int64),
        money=np.add.reduceat(used["money"].to_numpy(), firsts) if len(firsts) else np.zeros(0, dtype=np.int64),
        rows=np.diff(firsts, append=len(words)),
    )


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
        bought = visits.day != NO_DAY
        self._days.add(numbers[bought] << DAY_BITS | visits.day[bought])

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


def _starts(words: Words, day: NDArray[np.int32], ids: pl.Series | None) -> NDArray[np.bool_]:
    """Where a row has not the customer and day of the row before; ``ids`` where words do not tell customers apart."""
    starts: NDArray[np.bool_] = np.ones(len(words), dtype=bool)
    np.not_equal(words[1:], words[:-1], out=starts[1:])
    starts[1:] |= day[1:] != day[:-1]
    if ids is not None:
        starts[1:] |= (ids.slice(1) != ids.head(-1)).to_numpy()
    return starts


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
