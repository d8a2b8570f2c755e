"""Purchases and returns by customer and day, read in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl

from ckm.churning.timeline import NEVER, Timeline, pack
from ckm.features import is_purchase, is_used, local_day, whole_money

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ckm.transactions_view import View

MONEY = ("net", "discount", "costed", "cost")
MARGIN_DIGITS = 6
"""Significant digits of the share of margin, as in the feature table."""


@dataclass(frozen=True)
class Books:
    """The shop's own days, over all customers.

    Attributes
    ----------
    days
        Those with a purchase or a return, ascending.
    costed, cost
        Running totals of the net whose cost is known, and of that cost; in whole numbers of money.
    first_cost, first_discount, first_return
        Days on which one is first known; :data:`ckm.churning.timeline.NEVER` where none is.
    """

    days: NDArray[np.int32]
    costed: NDArray[np.int64]
    cost: NDArray[np.int64]
    first_cost: int
    first_discount: int
    first_return: int

    def margin_share(self, day: int) -> float | None:
        """Margin of a unit of net by ``day``, where the cost is known; None where it is nowhere.

        The rule of :class:`ckm.feature_table.Population`.
        """
        seen = int(self.days.searchsorted(day, side="right"))
        if not seen or self.first_cost > day or self.costed[seen - 1] <= 0:
            return None
        costed, cost = int(self.costed[seen - 1]), int(self.cost[seen - 1])
        return float(f"{(costed - cost) / costed:.{MARGIN_DIGITS}g}")


@dataclass(frozen=True)
class Purchases:
    """What customers bought and gave back.

    Attributes
    ----------
    visits
        Days with a purchase; totals ``net``, and ``discount``, ``costed``, ``cost`` where anybody has one.
    returns
        Days with a return; the same totals (net and cost negative), and ``rows``.
    books
        The same by day alone.
    """

    visits: Timeline
    returns: Timeline
    books: Books


def rows_used(view: View) -> pl.LazyFrame:
    """Purchases and returns of known customers that the view may see: ``customer_id``, ``day``, ``bought``, money."""
    bought, has_cost = is_purchase(), ~nw.col("cost").is_null()
    cost = whole_money("cost", view.scale)
    return (
        view.frame.filter(is_used(view.until))
        .select(
            "customer_id",
            day=local_day("ordered_at", view.time_zone),
            bought=bought,
            net=whole_money("net", view.scale),
            discount=nw.when(bought).then(whole_money("discount", view.scale)),
            # goods that come back give back their cost, whatever its sign (ckm.features.spend)
            cost=nw.when(bought).then(cost).otherwise(-cost.abs()),
            costed=nw.when(has_cost).then(whole_money("net", view.scale)),
        )
        .to_native()
        .with_columns(pl.col("day").to_physical())
    )


def buyers(view: View) -> tuple[pl.Series, int]:
    """Ids of all customers with a purchase, sorted; and how many others have returns alone."""
    rows = view.frame.filter(is_used(view.until)).select("customer_id", bought=is_purchase()).to_native()
    found = rows.group_by("customer_id").agg(pl.col("bought").any()).collect(engine="streaming")
    customers = found.filter("bought")["customer_id"].sort()
    return customers, found.height - len(customers)


def read_purchases(view: View, codes: pl.Expr) -> Purchases:
    """Read visits, returns and books.

    Parameters
    ----------
    view
        The transactions, with every optional column.
    codes
        Expression of a customer's code from ``customer_id``; null for who never bought.
    """
    sums = [pl.col(name).sum() for name in MONEY]
    by_day = (
        rows_used(view)
        .group_by(pack(codes, pl.col("day")).alias("key"), "day", "bought")
        .agg(
            *sums,
            rows=pl.len().cast(pl.Int64),
            costs_known=pl.col("cost").count().cast(pl.Int64),
            discounts_known=pl.col("discount").count().cast(pl.Int64),
        )
        .collect(engine="streaming")
    )
    books = _books(by_day)
    absent = [
        *(["costed", "cost"] if books.first_cost == NEVER else []),
        *(["discount"] if books.first_discount == NEVER else []),
    ]
    known = by_day.drop("day", "costs_known", "discounts_known", *absent).drop_nulls("key")
    visits = known.filter("bought").drop("bought", "rows")
    returns = known.filter(~pl.col("bought")).drop("bought", "discount", strict=False)
    del by_day, known
    return Purchases(Timeline.of(visits), Timeline.of(returns), books)


def _books(by_day: pl.DataFrame) -> Books:
    counts = ("costs_known", "discounts_known")
    days = by_day.group_by("day").agg(pl.col("costed", "cost", *counts).sum(), returned=(~pl.col("bought")).any())
    days = days.sort("day")

    def first(where: pl.Expr) -> int:
        found = days.filter(where)
        return int(found["day"][0]) if found.height else NEVER

    return Books(
        days=days["day"].to_numpy(),
        costed=days["costed"].cum_sum().to_numpy(),
        cost=days["cost"].cum_sum().to_numpy(),
        first_cost=first(pl.col("costs_known") > 0),
        first_discount=first(pl.col("discounts_known") > 0),
        first_return=first(pl.col("returned")),
    )
