"""Rows in batches: read ahead, sorted into what counts and what does not, and neighbours of one visit joined.

What every pass over the transactions needs before it adds anything up. All of it is whole numbers, so that neither the
order of the rows nor the number of threads can change what comes out.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import narwhals as nw
import numpy as np
import polars as pl

from ckm.feature_table.register import id_words
from ckm.features import is_after, is_cancelled, is_purchase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Words = NDArray[np.uint64]

BATCH_ROWS = 250_000
"""Rows taken at once: their columns fit the processor's caches."""
BATCHES_AHEAD = 3
KINDS = ("after", "cancelled", "cancelled_credit", "without_customer", "return", "purchase")
"""What a row is, by the first that applies. The last two count for a customer, the last three for the shop."""
OF_CUSTOMERS = KINDS.index("return")
"""First kind that counts for a customer."""
OF_THE_SHOP = KINDS.index("without_customer")
"""First kind that counts for the shop."""
PURCHASE = KINDS.index("purchase")

T = TypeVar("T")


def read_ahead(rows: pl.LazyFrame, prepare: Callable[[pl.DataFrame], T]) -> Iterator[T]:
    """Yield what ``prepare`` makes of each batch of rows; it runs in a thread, one batch after the other.

    polars works on a batch only while somebody waits for it: the thread does, and sees to all that can be done before
    the caller's turn.
    """
    batches = iter(rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=False, engine="streaming"))

    def read() -> tuple[T] | None:
        batch = next(batches, None)
        return None if batch is None else (prepare(batch),)

    with ThreadPoolExecutor(1) as reader:
        coming = deque(reader.submit(read) for _ in range(BATCHES_AHEAD))
        while (found := coming.popleft().result()) is not None:
            coming.append(reader.submit(read))
            yield found[0]


def row_kind(until: datetime) -> nw.Expr:
    """Position in :data:`KINDS` of what a row is to an analysis that sees what is before ``until``."""
    kind = (
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
    return kind.cast(nw.UInt8)


def batch_money(column: str, money_scale: int) -> pl.Expr:
    """Amounts as whole numbers of ``1 / money_scale``; null where there is none.

    A strict cast would stop at an amount that no sum can hold; ``largest`` of the counts tells the caller of it.
    """
    return (pl.col(column) * money_scale).round().cast(pl.Int64, strict=False)


class RowCounting:
    """What :func:`ckm.features.row_counts` counts, batch by batch.

    Parameters
    ----------
    first_used
        First of :data:`KINDS` that is used: :data:`OF_CUSTOMERS` or :data:`OF_THE_SHOP`. ``largest`` and the
        currencies are of the used rows.
    """

    def __init__(self, first_used: int = OF_CUSTOMERS) -> None:
        self._first_used = first_used
        self._kinds = np.zeros(len(KINDS), dtype=np.int64)
        self._bounds: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Count a batch (``kind``, ``ordered_at``, ``net``, ``currency``) and return its rows that are used."""
        kinds = np.bincount(batch["kind"].to_numpy(), minlength=len(KINDS))
        self._kinds += kinds
        used = batch if kinds[: self._first_used].sum() == 0 else batch.filter(pl.col("kind") >= self._first_used)
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
        return used

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
    """Neighbouring rows of one customer and one slot, as one."""

    ids: pl.Series
    words: Words
    long: NDArray[np.bool_] | None
    slot: Numbers
    money: Numbers
    rows: Numbers


def join_neighbours(used: pl.DataFrame) -> Visits:
    """Join neighbours, as the lines of an order are, among rows of customers: ``customer_id``, ``slot``, ``money``.

    ``slot`` is any whole number that tells apart what is to be kept apart of one customer, such as the day.
    """
    used = used.rechunk()
    ids, slot = used["customer_id"], used["slot"].to_numpy()
    words, long = id_words(ids)
    firsts = np.flatnonzero(_starts(words, slot, ids if long is not None else None))
    return Visits(
        ids=ids.gather(firsts),
        words=words[firsts],
        long=None if long is None else long[firsts],
        slot=slot[firsts].astype(np.int64),
        money=np.add.reduceat(used["money"].to_numpy(), firsts) if len(firsts) else np.zeros(0, dtype=np.int64),
        rows=np.diff(firsts, append=len(words)),
    )


def _starts(words: Words, slot: NDArray[np.int32 | np.int64], ids: pl.Series | None) -> NDArray[np.bool_]:
    """Where a row has not the customer and slot of the row before; ``ids`` where words do not tell customers apart."""
    starts: NDArray[np.bool_] = np.ones(len(words), dtype=bool)
    np.not_equal(words[1:], words[:-1], out=starts[1:])
    starts[1:] |= slot[1:] != slot[:-1]
    if ids is not None:
        starts[1:] |= (ids.slice(1) != ids.head(-1)).to_numpy()
    return starts
