"""From transactions to a ledger, in one streaming pass.

As in :mod:`ckm.feature_table.tally`, a customer is a number from the first row on, neighbouring rows of one customer,
day and kind become one, and what is left is keys and whole numbers: ``number | day | returned`` in one Int64. Sorted at
the end, equal keys stand together, and their money adds up. Rows without a customer, and the sums by day and dimension
(:mod:`ckm.measures.day_sums`), are added up batch by batch, since they are few.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from ckm.churning.timeline import EPOCH
from ckm.errors import UnknownNameError
from ckm.feature_table.batches import (
    OF_CUSTOMERS,
    OF_THE_SHOP,
    PURCHASE,
    RowCounting,
    Visits,
    batch_money,
    join_neighbours,
    read_ahead,
    row_kind,
)
from ckm.feature_table.register import CustomerRegister
from ckm.feature_table.view import FINEST_MONEY_SCALE, View, need_columns, need_transactions, readable, view_of_counts
from ckm.features import END_OF_TIME, end_of_day, is_purchase, local_day
from ckm.measures.day_sums import DaySums, Values
from ckm.measures.entries import NO_DAY
from ckm.measures.gathered import SLOT_BITS, SLOT_MASK, Gathering, customers_in_order
from ckm.measures.ledger import NO_VALUE, Costed
from ckm.measures.posting import post, post_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from ckm.measures.ledger import Ledger

DIMENSIONS = ("channel", "category", "type", "campaign_id")
"""Columns of the transactions by whose values the revenue is summed, day by day."""


def read_ledger(
    tables: Mapping[str, pl.LazyFrame], *, as_of: date | None = None, time_zone: str = "UTC", by: str | None = None
) -> Ledger:
    """Read the transactions once.

    20 million lines of a million customers take 8 s of CPU, on two cores, and 1.1 GB (``bench/ledger.py``). What is
    held grows with the customers and their days of purchase, not with the rows.

    Parameters
    ----------
    tables
        ``transactions``, with the columns of :class:`ckm.schema.Transactions`; what is a purchase and what a return:
        :mod:`ckm.features`.
    as_of
        Nothing after its end is read. Default: the day of the newest transaction.
    time_zone
        Zone whose calendar says what a day is.
    by
        A column of the transactions by whose values the ledger comes in parts.

    Raises
    ------
    InputError
        A column is missing, a file is damaged, or amounts are too large to be summed exactly.
    UsageError
        The amounts have several currencies, with or without a customer; or there is no column ``by``.
    NotEnoughDataError
        No known customer bought anything by ``as_of``.
    """
    transactions = need_transactions(tables, time_zone)
    need_columns(transactions)
    there = transactions.collect_schema().names()
    if by is not None and by not in there:
        raise UnknownNameError("column", by, there)
    until = end_of_day(as_of, time_zone) if as_of else END_OF_TIME
    dimensions = tuple(name for name in DIMENSIONS if name in there)
    cost = pl.col("cost") if "cost" in there else pl.lit(None)
    transactions = transactions.with_columns(cost=cost.cast(pl.Float64))

    def read(scale: int) -> tuple[_Reading, View]:
        reading = _Reading(transactions, dimensions, by)
        rows = _rows(transactions, until=until, time_zone=time_zone, scale=scale, dimensions=dimensions, by=by)
        with readable():
            for batch in read_ahead(rows, reading.prepared):
                reading.add(batch)
        counts = reading.counting.counts()
        return reading, view_of_counts(transactions, counts, as_of=as_of, time_zone=time_zone, nameless=True)

    reading, view = read(FINEST_MONEY_SCALE)
    if view.scale != FINEST_MONEY_SCALE:  # amounts of 10**13 and more: such sums are taken in coarser coins
        reading, view = read(view.scale)
    return reading.ledger(view)


def _rows(
    transactions: pl.LazyFrame,
    *,
    until: datetime,
    time_zone: str,
    scale: int,
    dimensions: Sequence[str],
    by: str | None,
) -> pl.LazyFrame:
    """One row per row: what is counted, ``slot`` (day and kind), ``money``, ``cost``, dimensions, ``by`` as a text."""
    columns = nw.from_native(transactions).select(
        "customer_id",
        "ordered_at",
        "net",
        "currency",
        "cost",
        *dimensions,
        kind=row_kind(until),
        day=local_day("ordered_at", time_zone),
        returned=~is_purchase(),
        **({} if by is None else {"by": nw.col(by)}),
    )
    texts = [pl.col(name).cast(pl.String) for name in (*dimensions, *([] if by is None else ["by"]))]
    slot = (pl.col("day").to_physical() + EPOCH) * 2 + pl.col("returned").cast(pl.Int32)
    amounts = {"money": batch_money("net", scale).fill_null(0), "cost": batch_money("cost", scale)}
    return columns.to_native().with_columns(*texts, **amounts, slot=slot).drop("day", "returned")


class _Batch(NamedTuple):
    visits: Visits
    nameless: pl.DataFrame


class _Reading:
    """What a pass has seen; ``prepared`` runs in the reader's thread, ``add`` in the caller's."""

    def __init__(self, transactions: pl.LazyFrame, dimensions: Sequence[str], by: str | None) -> None:
        self.counting = RowCounting(OF_THE_SHOP)
        self._by = by
        self._values = Values()
        self._customers = CustomerRegister(transactions.collect_schema()["customer_id"])
        self._entries = Gathering(with_value=by is not None)
        self._nameless: list[pl.DataFrame] = []
        self._dimensions = {name: DaySums() for name in dimensions}
        self._costed = Costed()

    def prepared(self, batch: pl.DataFrame) -> _Batch:
        used = self.counting.add(batch)
        days, amounts = used["slot"].to_numpy().astype(np.int64) >> 1, used["money"].to_numpy()
        for name, sums in self._dimensions.items():
            sums.add(used[name], days, amounts)
        self._costed = _with_costs(self._costed, used)
        if self._by is not None:
            value = pl.Series(self._values.numbers(used["by"]) << SLOT_BITS)
            used = used.with_columns(slot=pl.col("slot") + value)
        lines, is_known = used.select("customer_id", "slot", "money", "kind"), pl.col("kind") >= OF_CUSTOMERS
        return _Batch(
            join_neighbours(lines.filter(is_known)),
            lines.filter(~is_known).group_by("slot").agg(pl.col("money").sum()),
        )

    def add(self, batch: _Batch) -> None:
        visits = batch.visits
        numbers = self._customers.numbers(visits.ids, visits.words, visits.long)
        self._entries.add(numbers << SLOT_BITS | visits.slot & SLOT_MASK, visits.slot >> SLOT_BITS, visits.money)
        self._nameless.append(batch.nameless)

    def ledger(self, view: View) -> Ledger:
        """Sort what was read into a ledger."""
        customers, codes = customers_in_order(self._customers)
        entries = self._entries.collected(codes)
        nameless = pl.concat(self._nameless).group_by("slot").agg(pl.col("money").sum()).sort("slot")
        whole = post(customers, entries, nameless, view)
        whole = replace(
            whole,
            costed=self._costed,
            dimensions={
                name: sums.frame(none=NO_VALUE).with_columns((pl.col("day") - EPOCH).cast(pl.Int32))
                for name, sums in self._dimensions.items()
            },
            left_out=view.left_out(int((whole.first_day == NO_DAY).sum())),
        )
        if self._by is None:
            return whole
        return replace(whole, by=self._by, parts=post_parts(self._values.names, whole, entries, nameless, view))


def _with_costs(costed: Costed, used: pl.DataFrame) -> Costed:
    if used["cost"].null_count() == used.height:
        return costed
    known = used.filter(pl.col("kind") >= OF_CUSTOMERS, pl.col("cost").is_not_null())
    cost = pl.when(pl.col("kind") == PURCHASE).then("cost").otherwise(-pl.col("cost").abs())
    rows, net, spent = known.select(pl.len(), pl.col("money").sum(), cost.sum()).row(0)
    return Costed(costed.rows + rows, costed.net + net, costed.cost + spent)
