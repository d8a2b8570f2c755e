"""Definitions of purchase, return and cancelled line, as polars expressions over the transaction lines."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

NEEDED_COLUMNS = ("customer_id", "ordered_at", "net", "currency", "type")
"""Columns of :class:`ckm.schema.Transactions` that every analysis reads."""
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""An instant later than the schema allows."""
OPTIONAL_COLUMNS = {
    "order_id": pl.String(),
    "category": pl.String(),
    "channel": pl.String(),
    "cost": pl.Float64(),
    "discount": pl.Float64(),
}
"""Columns without which some features are null; without ``order_id``, the time stamp identifies an order."""
DATED_BY = "dated_by"
"""Column with the source of a line's date: ``order`` for an undated return, which has the day of its order. Absent if
every return is dated."""
FINEST_MONEY_SCALE = 10_000
"""Finest money scale: amounts are integers of 1/10,000 of the currency unit, because unit prices can have four
decimals."""
KINDS = ("cancelled", "cancelled_credit", "guest", "return", "purchase")
"""Kinds of lines; a line has the first kind that applies. Purchases and returns of guests are both ``guest``."""
FIRST_SHOP_KIND = KINDS.index("guest")
"""Index in :data:`KINDS` of the first kind that counts in the shop's revenue; so do all later kinds."""
FIRST_CUSTOMER_KIND = KINDS.index("return")
"""Index in :data:`KINDS` of the first kind that counts in a customer's figures; so do all later kinds."""
PURCHASE = KINDS.index("purchase")


def local_day(column: str, time_zone: str) -> pl.Expr:
    """Return the calendar day (Date) of an instant in the shop's time zone.

    A sale at half past midnight in Berlin is still on the previous day in UTC.
    """
    instant = pl.col(column)
    return (instant if time_zone == "UTC" else instant.dt.convert_time_zone(time_zone)).dt.date()


def is_cancelled() -> pl.Expr:
    """Return an expression: whether a line is cancelled (type ``cancel``)."""
    return pl.col("type") == "cancel"


def is_purchase() -> pl.Expr:
    """Return an expression: whether a line is a purchase; a free item (``net`` of zero) is a purchase."""
    return (pl.col("type") != "return") & ~is_cancelled() & (pl.col("net") >= 0)


def is_undated_return() -> pl.Expr:
    """Return an expression: whether a line is an undated return, which counts on the day of its order."""
    return ((pl.col(DATED_BY) == "order") & ~is_purchase()).fill_null(value=False)


def line_kind() -> pl.Expr:
    """Return an expression: the position of a line's kind in :data:`KINDS` (UInt8)."""
    kind = (
        pl.when(is_cancelled() & (pl.col("net") < 0))
        .then(KINDS.index("cancelled_credit"))
        .when(is_cancelled())
        .then(KINDS.index("cancelled"))
        .when(pl.col("customer_id").is_null())
        .then(KINDS.index("guest"))
        .when(is_purchase())
        .then(PURCHASE)
        .otherwise(KINDS.index("return"))
    )
    return kind.cast(pl.UInt8)


def integer_money(column: str, scale: int) -> pl.Expr:
    """Return amounts as integers (Int64) of ``1 / scale``, whose sums do not depend on the order; null stays null.

    Amounts too large for Int64 become null; :meth:`ckm.customers.coverage.Coverage.money_scale` raises the error.
    """
    return (pl.col(column) * scale).round().cast(pl.Int64, strict=False)
