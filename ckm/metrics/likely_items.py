"""Likely product and category of a second order: what repeat customers with the same first item bought second."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ckm.customers.day_totals import NO_DAY
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.required_tables import TRANSACTIONS, readable
from ckm.metrics.order_durations import first_orders, order_durations
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from ckm.customers.baskets import Baskets
    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.second_order import SecondOrders

    Mask = NDArray[np.bool_]

FEWEST_FOR_ITEM = 5
"""Fewest customers with the same item in the second order for a likely item."""
PRODUCT = "product_id"
_PRODUCT_COLUMNS = {"likely_product": pl.String, "likely_product_support": pl.Int64}


def likely_products(context: ReportContext, found: SecondOrders) -> pl.DataFrame:
    """Return the likely product of the second order of each customer who is due.

    Most repeat customers with the same first product bought this product in their second order. Reads the transactions
    of repeat customers and of customers who are due.

    Parameters
    ----------
    context
        Context that ``found`` was computed from.
    found
        Result of :func:`ckm.metrics.second_order.second_orders`.

    Returns
    -------
    pl.DataFrame
        ``customer_id``, ``likely_product`` (String), ``likely_product_support`` (Int64, number of customers who bought
        the product second); customers without a likely product are omitted.
    """
    ledger, transactions = context.ledger, context.tables[TRANSACTIONS]
    if PRODUCT not in transactions.collect_schema() or found.customers.is_empty():
        return pl.DataFrame(schema={"customer_id": pl.String, **_PRODUCT_COLUMNS})
    known = order_durations(ledger)
    second = np.where(known.came_back, known.first + known.days, ledger.today)
    ids = ledger.customers.gather(known.codes)
    dates = {"first": known.first, "second": second}
    who = pl.DataFrame({"customer_id": ids, "code": known.codes, **dates, "came_back": known.came_back}).with_columns(
        pl.col(*dates).cast(pl.Int32).cast(pl.Date), due=ids.is_in(found.customers["customer_id"].implode())
    )
    used = who.filter(pl.col("came_back") | pl.col("due"))
    narrow = partial(_product_lines, used, end_of_day(context.as_of, ledger.time_zone), ledger.time_zone)
    parts = ledger.of_lines(transactions, narrow, _product_counts)
    likely = _likely([counts for counts, _ in parts], pl.concat([due for _, due in parts]), by="customer_id")
    return likely.select("customer_id", likely_product="item_second", likely_product_support="customers")


def _product_lines(who: pl.DataFrame, end: datetime, time_zone: str, transactions: pl.LazyFrame) -> pl.LazyFrame:
    """Return customer, product and order (first or second) of the purchases up to the second order.

    ``who`` has the customers with the days of both orders; purchases from the instant ``end`` on are not used.
    """
    day = local_day("ordered_at", time_zone).alias("day")
    return (
        transactions.filter(is_purchase(), pl.col(PRODUCT).is_not_null(), pl.col("ordered_at") < end)
        .select(pl.col("customer_id").cast(pl.String), day, item=pl.col(PRODUCT).cast(pl.String))
        .join(who.lazy(), on="customer_id")
        .filter(pl.col("day").is_between("first", "second"))
        .select(
            "customer_id",
            "code",
            "item",
            "came_back",
            is_second=pl.col("came_back") & (pl.col("day") == pl.col("second")),
        )
    )


def _product_counts(lines: pl.LazyFrame) -> tuple[_PairCounts, pl.DataFrame]:
    """Return the counts of :func:`_pair_counts` by product, and the products of customers who are due."""
    with readable():
        found = lines.unique().collect(engine="streaming")
    pairs, of_returned, is_second = found.select("code", "item"), found["came_back"], found["is_second"]
    counts = _pair_counts(pairs.filter(of_returned & ~is_second), pairs.filter(of_returned & is_second))
    return counts, found.filter(~of_returned).select("customer_id", "item")


def channels_of_due(ledger: Ledger, due: Mask) -> pl.DataFrame:
    """Return ``customer_id`` and ``channel`` of customers who are due: of several channels the first by name."""
    bought = _bought(ledger.channels, due[ledger.channels.codes])
    first = bought.group_by("code").agg(channel=pl.col("item").min())
    return _with_ids(ledger, first).select("customer_id", "channel")


def _with_ids(ledger: Ledger, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(customer_id=ledger.customers.gather(frame["code"]))


def likely_categories(ledger: Ledger, due: Mask) -> pl.DataFrame:
    """Return ``customer_id`` and the columns ``likely_category…`` of the customers who are due for a second order.

    ``due`` is a mask by code.
    """
    found = ledger.of_parts(_category_counts, due)
    likely = _likely([counts for counts, _ in found], pl.concat([each for _, each in found]), by="customer_id")
    return likely.select(
        "customer_id",
        likely_category="item_second",
        likely_category_after="item",
        likely_category_customers="customers",
        likely_category_of="of",
    )


def _category_counts(ledger: Ledger, due: Mask) -> tuple[_PairCounts, pl.DataFrame]:
    """Return the counts of :func:`_pair_counts` by category, and the categories of customers who are due."""
    baskets = ledger.categories
    returned = (ledger.by_customer(first_orders) == 1) & (ledger.second_day != NO_DAY)
    of_returned, second_day = returned[baskets.codes], ledger.second_day[baskets.codes]
    first = _bought(baskets, of_returned & (baskets.days < second_day))
    second = _bought(baskets, of_returned & (baskets.days == second_day))
    of_due = _with_ids(ledger, _bought(baskets, due[baskets.codes])).select("customer_id", "item")
    return _pair_counts(first, second), of_due


def _bought(baskets: Baskets, chosen: Mask) -> pl.DataFrame:
    """Return the distinct pairs of ``code`` and ``item`` of the entries of ``baskets`` in the mask ``chosen``."""
    names = baskets.names.gather(baskets.items[chosen])
    return pl.DataFrame({"code": baskets.codes[chosen].astype(np.int64), "item": names}).unique()


class _PairCounts(NamedTuple):
    """Numbers of repeat customers by item: ``pairs`` by the items of the first two orders, ``of`` by the first item."""

    pairs: pl.DataFrame
    of: pl.DataFrame


def _pair_counts(first: pl.DataFrame, second: pl.DataFrame) -> _PairCounts:
    """Count repeat customers; ``first`` and ``second`` have the ``code`` and ``item``, each once, of both orders."""
    pairs = first.join(second, on="code", suffix="_second").group_by("item", "item_second")
    return _PairCounts(
        pairs.agg(customers=pl.len().cast(pl.Int64)), first.group_by("item").agg(of=pl.len().cast(pl.Int64))
    )


def _likely(counts: Sequence[_PairCounts], due: pl.DataFrame, *, by: str = "code") -> pl.DataFrame:
    """Return, for each customer who is due, the item that repeat customers bought most often after the same first item.

    Parameters
    ----------
    counts
        Results of :func:`_pair_counts` for disjoint sets of customers.
    due
        ``by`` and ``item`` of the only order of customers who are due.
    by
        Column that names a customer.

    Returns
    -------
    pl.DataFrame
        One row per customer who is due, if at least :data:`FEWEST_FOR_ITEM` repeat customers bought the pair of items:
        ``by``; ``item`` of the first and ``item_second`` of the second order; ``customers``, repeat customers who
        bought the pair; ``of``, repeat customers whose first order had ``item``.
    """
    pairs = pl.concat([each.pairs for each in counts]).group_by("item", "item_second").agg(pl.col("customers").sum())
    of = pl.concat([each.of for each in counts]).group_by("item").agg(pl.col("of").sum())
    pairs = pairs.join(of, on="item").filter(pl.col("customers") >= FEWEST_FOR_ITEM)
    best = ["customers", "of", "item_second", "item"]  # ties: the larger share, then the name
    return (
        due.join(pairs, on="item")
        .sort(by, *best, descending=[False, True, False, False, False])
        .unique(by, keep="first", maintain_order=True)
    )
