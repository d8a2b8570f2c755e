"""Purchases and returns by customer and day, read in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import polars as pl

from ckm.churning.timeline import DAY_BITS, DAY_MASK, EPOCH, NEVER, Timeline, pack
from ckm.features import is_purchase, is_used, local_day, whole_money

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.feature_table.view import View

MONEY = {"net": "net", "discount": "discount", "costed": "cost", "cost": "cost"}
"""What is summed, and the column that it needs."""
KNOWN = {"cost": "costs_known", "discount": "discounts_known"}
"""How many rows have one."""
NOBODY = 1 << 29
"""Code of those who only returned: they are in the shop's books, and no customers."""
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

    days: NDArray[np.int64]
    costed: NDArray[np.int64]
    cost: NDArray[np.int64]
    first_cost: int
    first_discount: int
    first_return: int

    def margin_share(self, day: int) -> float | None:
        """Margin of a unit of net by ``day``, where the cost is known; None where it is nowhere.

        The rule of :class:`ckm.feature_table.table.Population`.
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
        Days with a return; the same totals (net and cost negative).
    books
        The same by day alone.
    """

    visits: Timeline
    returns: Timeline
    books: Books


def buyers(view: View) -> tuple[pl.Series, int]:
    """Ids of all customers with a purchase, sorted; and how many others have returns alone."""
    rows = view.frame.filter(is_used(view.until)).select("customer_id", bought=is_purchase()).to_native()
    found = rows.group_by("customer_id").agg(pl.col("bought").any()).collect(engine="streaming")
    customers = found.filter("bought")["customer_id"].sort()
    return customers, found.height - len(customers)


def read_purchases(view: View, codes: pl.Expr, there: frozenset[str]) -> Purchases:
    """Read visits, returns and books.

    Parameters
    ----------
    view
        The transactions, with every optional column.
    codes
        Expression of a customer's code from ``customer_id``; null for who never bought.
    there
        Columns that the source has; a sum of what is absent is not made.
    """
    sums = [name for name, needed in MONEY.items() if needed in there]
    by_day = (
        _rows(view, codes)
        .group_by("key", "bought")
        .agg(
            *(pl.col(name).sum() for name in sums),
            *(pl.col(name).count().alias(known) for name, known in KNOWN.items() if name in sums),
        )
        .collect(engine="streaming")
    )
    books = _books(by_day)
    absent = [
        *KNOWN.values(),
        *(["costed", "cost"] if books.first_cost == NEVER else []),
        *(["discount"] if books.first_discount == NEVER else []),
    ]
    known = by_day.drop(absent, strict=False).filter(pl.col("key") < NOBODY << DAY_BITS)
    del by_day
    visits = Timeline.of(known.filter("bought").drop("bought"))
    returns = Timeline.of(known.filter(~pl.col("bought")).drop("bought", "discount", strict=False))
    return Purchases(visits, returns, books)


def _rows(view: View, codes: pl.Expr) -> pl.LazyFrame:
    """Purchases and returns of known customers: ``key``, ``bought``, and the money of :data:`MONEY`."""
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
        .with_columns(key=pack(codes.fill_null(NOBODY), pl.col("day").to_physical()))
    )


def _books(by_day: pl.DataFrame) -> Books:
    names = [name for name in ("costed", "cost", *KNOWN.values()) if name in by_day.columns]
    days = (
        by_day.lazy()
        .group_by(day=(pl.col("key") & DAY_MASK) - EPOCH)
        .agg(pl.col(names).sum(), returned=(~pl.col("bought")).any())
        .sort("day")
        .collect()
    )
    nothing = np.zeros(days.height, np.int64)

    def first(column: str) -> int:
        if column not in days.columns:
            return NEVER
        known = days.filter(pl.col(column) > 0)["day"]
        return int(known[0]) if len(known) else NEVER

    def running(column: str) -> NDArray[np.int64]:
        return days[column].cum_sum().to_numpy() if column in days.columns else nothing

    return Books(
        days=days["day"].to_numpy(),
        costed=running("costed"),
        cost=running("cost"),
        first_cost=first("costs_known"),
        first_discount=first("discounts_known"),
        first_return=first("returned"),
    )
