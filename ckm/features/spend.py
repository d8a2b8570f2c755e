"""How much a customer spends: in which period, at which cost, with how much discount, and how much comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw

from ckm.features.purchases import is_purchase, is_used, whole_money

if TYPE_CHECKING:
    from datetime import datetime

    from narwhals.typing import LazyFrameT


@dataclass(frozen=True)
class Period:
    """A span of time: from ``since`` (None: from the beginning) to the instant before ``until``."""

    name: str
    since: datetime | None
    until: datetime

    def holds(self) -> nw.Expr:
        """Whether the row lies in the period."""
        before = nw.col("ordered_at") < self.until
        return before if self.since is None else before & (nw.col("ordered_at") >= self.since)


def spend_features(
    transactions: LazyFrameT, *, until: datetime, money_scale: int, periods: tuple[Period, ...]
) -> LazyFrameT:
    """Sums of money of every customer with at least one row that counts.

    The cost of a return is taken off whatever its sign: goods that come back give back their cost. Shops book it
    signed like ``net`` (as the example shop does) or as an amount.

    Parameters
    ----------
    transactions
        Lazy frame with the needed columns, and ``cost`` and ``discount``, which may be null.
    until, money_scale
        See :func:`ckm.features.purchases.purchase_features`.
    periods
        Each gives a set of columns; each ends at ``until`` or before.

    Returns
    -------
    LazyFrameT
        ``customer_id``; ``discount`` (of purchases); ``discounts_known`` (purchase rows that have one, also of zero);
        ``costs_known`` (rows that have one); for each period ``NAME_net`` (net of returns), ``NAME_bought`` (of the
        purchases alone), ``NAME_costed`` and ``NAME_bought_costed`` (the same of rows whose cost is known),
        ``NAME_cost``. All Int64; money in ``1 / money_scale``, zero where there is no such row.
    """
    bought = is_purchase()
    has_cost = ~nw.col("cost").is_null()
    cost = whole_money("cost", money_scale)
    sums = {
        "net": (None, nw.col("money")),
        "bought": (bought, nw.col("money")),
        "costed": (has_cost, nw.col("money")),
        "bought_costed": (bought & has_cost, nw.col("money")),
        "cost": (has_cost, nw.when(bought).then(cost).otherwise(-cost.abs())),
    }
    columns = {
        f"{period.name}_{name}": _where(period.holds() if which is None else period.holds() & which, value)
        for period in periods
        for name, (which, value) in sums.items()
    }
    has_discount = bought & ~nw.col("discount").is_null()
    columns["discount"] = _where(has_discount, whole_money("discount", money_scale))
    columns["discounts_known"] = has_discount.cast(nw.Int64)
    columns["costs_known"] = has_cost.cast(nw.Int64)
    return (
        transactions.filter(is_used(until))
        .with_columns(money=whole_money("net", money_scale))
        .select("customer_id", **columns)
        .group_by("customer_id")
        .agg(*(nw.col(name).sum() for name in columns))
    )


def _where(rows: nw.Expr, value: nw.Expr) -> nw.Expr:
    return nw.when(rows).then(value).otherwise(nw.lit(0, dtype=nw.Int64))
