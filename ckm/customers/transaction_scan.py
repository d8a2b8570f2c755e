"""One streaming pass over the transactions that computes the sums of the ledger.

A group-by on the text of ids that also counts distinct days and orders would hash the text of every row several times.
Here each id is replaced by an integer at once:

1. neighbouring rows of one customer, day and kind, such as the lines of an order, are combined to one;
2. the customer id of each combined row is looked up in a hash table that numbers customers in order of appearance;
3. the rest is integer keys (customer number and day) and integer amounts. They are sorted once, at the end, and entries
   with equal keys are summed.

All sums are of integers, so they do not depend on the order of the rows or the number of threads. Memory grows with
the numbers of customers, purchase days and orders, not with rows. Measured in ``bench/ledger.py``.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import polars as pl

from ckm.customers.baskets import EMPTY, MOST_ITEMS, Baskets, number_items, renumbered, sale_days_of, sale_key
from ckm.customers.coverage_counter import CoverageCounter
from ckm.customers.daily_revenue import DailyRevenue
from ckm.customers.day_totals import DAY_BITS, EPOCH
from ckm.customers.definitions import (
    DATED_BY,
    FIRST_CUSTOMER_KIND,
    OPTIONAL_COLUMNS,
    integer_money,
    is_purchase,
    is_undated_return,
    line_kind,
    local_day,
)
from ckm.customers.grouped_sums import GroupedSums, count_keys
from ckm.customers.guests import GuestSums
from ckm.customers.orders import CustomerOrders
from ckm.customers.register import CustomerRegister, id_words
from ckm.customers.required_tables import readable
from ckm.customers.value_codes import ValueCodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from ckm.customers.ledger_needs import Needs

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

BATCH_ROWS = 250_000
"""Rows per batch; their columns fit into the processor's cache."""
BATCHES_AHEAD = 3
DIMENSIONS = ("channel", "category", "type", "campaign_id")
"""Columns of the transactions by whose values the shop's daily revenue is summed."""
ITEMS = ("category", "channel")
"""Columns whose values are counted per customer (:mod:`ckm.customers.baskets`)."""
SLOT_BITS = DAY_BITS + 1
"""Bits of a *slot* in a key: the day, and whether the line is a return."""

T = TypeVar("T")


class RowRuns(NamedTuple):
    """Runs of neighbouring rows with equal customer and slot (day, and whether the row is a return).

    ``starts`` marks the first row of each run; the other arrays have one element per run.
    """

    starts: Mask
    ids: pl.Series
    words: NDArray[np.uint64]
    long: Mask | None
    slot: Integers


class _Batch(NamedTuple):
    rows: pl.DataFrame
    runs: RowRuns
    value: Integers | None
    order: NDArray[np.uint64]
    items: dict[str, Integers]


def read_ahead(rows: pl.LazyFrame, prepare: Callable[[pl.DataFrame], T]) -> Iterator[T]:
    """Yield the result of ``prepare`` for each batch of rows, computed in a thread, one batch after the other.

    polars computes a batch only when it is requested, so the thread requests it, while the caller uses earlier batches.
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


class TransactionScan:
    """One pass over the transactions. :meth:`run` reads them; the other public methods return the results.

    Parameters
    ----------
    transactions
        Transactions with the required columns.
    time_zone
        Time zone of the days.
    needs
        Sums to compute.
    scale
        Money scale: amounts are integers of ``1 / scale`` of the currency unit.
    last_day
        Last used day, in days since 1970-01-01; None means the newest day of the data.
    """

    def __init__(
        self, transactions: pl.LazyFrame, time_zone: str, needs: Needs, scale: int, last_day: int | None
    ) -> None:
        schema = transactions.collect_schema()
        self._transactions, self._time_zone, self._scale = transactions, time_zone, scale
        self.needs = needs
        self._has_order_id = "order_id" in schema
        self._may_be_undated = DATED_BY in schema
        self._dimensions = [name for name in DIMENSIONS if name in schema] if needs.shop else []
        self._items = [name for name in ITEMS if name in schema] if needs.baskets else []
        self._amounts = [name for name in needs.money[1:] if schema.get(name, pl.Null()) != pl.Null()]
        self.counter = CoverageCounter(("net", *self._amounts), needs.first_kind, last_day)
        self.register = CustomerRegister(schema["customer_id"])
        self.values = ValueCodes()
        self.sums = GroupedSums(("net", "lines", *self._sums_of_amounts()), with_value=needs.by is not None)
        self.orders = CustomerOrders(with_value=needs.by is not None)
        self.guests = GuestSums()
        self.shop = {name: DailyRevenue() for name in self._dimensions}
        self._values_of = {name: ValueCodes() for name in self._items}
        self._baskets = {name: GroupedSums(("lines",)) for name in self._items}
        self._sales = {name: GroupedSums(("lines",)) for name in self._items}

    def _sums_of_amounts(self) -> list[str]:
        names = []
        if "cost" in self._amounts:
            names += ["costed", "cost", "costs_known"]
        if "discount" in self._amounts:
            names += ["discount", "discounts_known"]
        if self._may_be_undated:
            names += ["undated", "undated_lines"]
        return names

    def run(self) -> TransactionScan:
        """Read all transactions.

        Raises
        ------
        InputError
            A file of the data cannot be read to its end.
        """
        with readable():
            for batch in read_ahead(self._rows(), self._prepared):
                self._add(batch)
        return self

    def _rows(self) -> pl.LazyFrame:
        """Return ``kind``, ``day`` (with the offset of the epoch) and the required columns of each row."""
        texts = {name: name for name in (*self._dimensions, *self._items)}
        if self.needs.by is not None:
            texts["by"] = self.needs.by
        return self._transactions.with_columns(
            pl.col(name).cast(OPTIONAL_COLUMNS[name]) for name in self._amounts
        ).select(
            "customer_id",
            "net",
            "currency",
            *self._amounts,
            *(pl.col(column).cast(pl.String).alias(name) for name, column in texts.items()),
            *(integer_money(name, self._scale).alias(f"whole_{name}") for name in self._amounts),
            kind=line_kind(),
            bought=is_purchase().fill_null(value=False),
            day=local_day("ordered_at", self._time_zone).to_physical() + EPOCH,
            money=integer_money("net", self._scale).fill_null(0),
            at=pl.col("ordered_at").to_physical(),
            **({"order": pl.col("order_id").cast(pl.String)} if self._has_order_id else {}),
            **({"undated": is_undated_return()} if self._may_be_undated else {}),
        )

    def _prepared(self, batch: pl.DataFrame) -> _Batch:
        """Return the used rows of a batch, with values as numbers, and count them; runs in the reader's thread."""
        used = self.counter.add(batch)
        value = None if self.needs.by is None else self.values.numbers(used["by"])
        days, money = used["day"].to_numpy().astype(np.int64), used["money"].to_numpy()
        for name, sums in self.shop.items():
            sums.add(used[name], days, money)
        items = {}
        for name in self._items:
            items[name] = self._values_of[name].numbers(used[name])
            sold = used["bought"].to_numpy() & (items[name] > 0)
            self._sales[name].add(*count_keys(sale_key(items[name][sold], days[sold])))
        known = used["kind"].to_numpy() >= FIRST_CUSTOMER_KIND
        if not known.all():
            if self.needs.shop:
                self.guests.add(used.filter(~pl.Series(known)), None if value is None else value[~known])
            used = used.filter(pl.Series(known))
            value = None if value is None else value[known]
            items = {name: each[known] for name, each in items.items()}
        used = used.rechunk()
        return _Batch(used, _row_runs(used, value), value, self._order_words(used), items)

    def _order_words(self, rows: pl.DataFrame) -> NDArray[np.uint64]:
        """Return a 64-bit word per row that represents the order id; the time stamp represents a missing id."""
        at = rows["at"].to_numpy().view(np.uint64)
        if not self._has_order_id:
            return at
        ids = rows["order"]
        words = id_words(ids.fill_null(""))[0]
        return words if not ids.null_count() else np.where(ids.is_null().to_numpy(), at, words)

    def _add(self, batch: _Batch) -> None:
        rows, runs = batch.rows, batch.runs
        if rows.is_empty():
            return
        numbers = self.register.numbers(runs.ids, runs.words, runs.long)
        firsts = np.flatnonzero(runs.starts)
        value = None if batch.value is None else batch.value[firsts]
        self.sums.add(numbers << SLOT_BITS | runs.slot, self._sums(rows, firsts), value)
        owner = np.repeat(np.arange(len(firsts)), np.diff(firsts, append=rows.height))
        self._add_orders(batch, numbers, owner)
        for name, item in batch.items.items():
            self._add_basket(name, item, batch, numbers[owner])

    def _sums(self, rows: pl.DataFrame, firsts: Integers) -> Mapping[str, NDArray[Any]]:
        """Return the sums of each run of rows, by column name; amounts in the ledger's whole units of money.

        ``net`` and ``lines``. With costs: ``cost``, and of the lines with a known cost ``costed`` (net) and
        ``costs_known`` (number). With discounts: ``discount``, and ``discounts_known`` (number of purchase lines with a
        known discount). With undated returns: ``undated`` (net) and ``undated_lines`` (number).

        Parameters
        ----------
        rows
            Rows of customers, in which the rows of a run follow each other.
        firsts
            Index of the first row of each run, shape (runs,).
        """

        def added(values: NDArray[np.int64]) -> Integers:
            return np.add.reduceat(values, firsts)

        money = rows["money"].to_numpy()
        sums: dict[str, NDArray[Any]] = {
            "net": added(money),
            "lines": np.diff(firsts, append=rows.height).astype(np.int32),
        }
        bought = rows["bought"].to_numpy()
        if "cost" in self._amounts:
            known, cost = rows["cost"].is_not_null().to_numpy(), rows["whole_cost"].fill_null(0).to_numpy()
            sums["costed"] = added(np.where(known, money, 0))
            # the cost of returned goods is subtracted; shops record it as a negative or as a positive amount
            sums["cost"] = added(np.where(bought, cost, -np.abs(cost)))
            sums["costs_known"] = added(known.astype(np.int64))
        if "discount" in self._amounts:
            known = rows["discount"].is_not_null().to_numpy() & bought
            sums["discount"] = added(np.where(known, rows["whole_discount"].fill_null(0).to_numpy(), 0))
            sums["discounts_known"] = added(known.astype(np.int64))
        if self._may_be_undated:
            undated = rows["undated"].to_numpy()
            sums["undated"] = added(np.where(undated, money, 0))
            sums["undated_lines"] = added(undated.astype(np.int64))
        return sums

    def _add_orders(self, batch: _Batch, numbers: Integers, owner: Integers) -> None:
        words = batch.order
        starts = batch.runs.starts.copy()
        starts[1:] |= words[1:] != words[:-1]
        starts &= batch.rows["bought"].to_numpy()
        lines = np.flatnonzero(starts)
        self.orders.add(
            numbers[owner[lines]],
            words[lines],
            batch.rows["day"].to_numpy()[lines],
            None if batch.value is None else batch.value[lines],
        )

    def _add_basket(self, name: str, item: Integers, batch: _Batch, number: Integers) -> None:
        bought = np.flatnonzero(batch.rows["bought"].to_numpy() & (item > 0))
        if not len(bought):
            return
        day = batch.rows["day"].to_numpy()[bought].astype(np.int64)
        key = (number[bought] * MOST_ITEMS + item[bought].clip(max=MOST_ITEMS - 1)) << DAY_BITS | day
        new = np.ones(len(key), dtype=bool)
        np.not_equal(key[1:], key[:-1], out=new[1:])
        firsts = np.flatnonzero(new)
        self._baskets[name].add(key[firsts], {"lines": np.diff(firsts, append=len(key)).astype(np.int32)})

    def baskets(self, name: str, codes: Integers) -> Baskets:
        """Return the baskets of the column ``name``; ``codes`` are the customer codes by customer number."""
        if name not in self._baskets:
            return EMPTY
        sales = self._sales[name].collected()
        sale_days, sold = sales["key"].to_numpy(), sales["lines"].to_numpy()
        items, names = number_items(sale_days, self._values_of[name].names)
        found = self._baskets[name].collected(lambda keys: renumbered(keys, codes, items))
        return Baskets(found["key"].to_numpy(), found["lines"].to_numpy(), names, sale_days_of(sale_days, sold, items))

    def customers(self) -> tuple[pl.Series, Integers]:
        """Return the customer ids as sorted texts, and the code of each customer number of the register.

        The code of a customer is the position of the id in the sorted ids.
        """
        ids = self.register.ids
        if ids.dtype == pl.String:
            # polars sorts texts eight times faster than it computes an argsort; the register returns the numbers
            ordered = ids.sort()
            numbers = self.register.numbers(ordered, *id_words(ordered))
        else:
            texts = ids.cast(pl.String)
            numbers = texts.arg_sort().to_numpy()
            ordered = texts.gather(numbers)
        codes = np.empty(len(numbers), dtype=np.int64)
        codes[numbers] = np.arange(len(numbers))
        return ordered.alias("customer_id"), codes


def _row_runs(used: pl.DataFrame, value: Integers | None) -> RowRuns:
    """Return the runs of neighbouring rows with equal customer, slot and value; often a run is an order."""
    ids = used["customer_id"]
    slot = used["day"].to_numpy().astype(np.int64) << 1 | ~used["bought"].to_numpy()
    words, long = id_words(ids)
    starts: Mask = np.ones(len(words), dtype=bool)
    np.not_equal(words[1:], words[:-1], out=starts[1:])
    starts[1:] |= slot[1:] != slot[:-1]
    if value is not None:
        starts[1:] |= value[1:] != value[:-1]
    if long is not None:  # two long texts may have the same word
        starts[1:] |= (ids.slice(1) != ids.head(-1)).to_numpy()
    firsts = np.flatnonzero(starts)
    return RowRuns(starts, ids.gather(firsts), words[firsts], None if long is None else long[firsts], slot[firsts])
