"""What a purchase, a return and a cancelled line are, as expressions over the lines of the transactions."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

NEEDED_COLUMNS = ("customer_id", "ordered_at", "net", "currency", "type")
"""Columns of :class:`ckm.schema.Transactions` that every analysis reads."""
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""After every instant that the contract allows."""
OPTIONAL_COLUMNS = {
    "order_id": pl.String(),
    "category": pl.String(),
    "channel": pl.String(),
    "cost": pl.Float64(),
    "discount": pl.Float64(),
}
"""Columns without which some features are null; without ``order_id`` the timestamp replaces it."""
DATED_BY = "dated_by"
"""Column with the substitute day of undated returns; absent where every return is dated."""
FINEST_MONEY_SCALE = 10_000
"""Money is summed in hundredths of a cent: finer than any currency's coin, and unit prices have four decimals."""
KINDS = ("cancelled", "cancelled_credit", "guest", "return", "purchase")
"""What a line is, by the first that applies; a line of a guest is one of the shop, whatever else it is."""
OF_THE_SHOP = KINDS.index("guest")
"""First kind that counts for the shop."""
OF_CUSTOMERS = KINDS.index("return")
"""First kind that counts for a customer."""
PURCHASE = KINDS.index("purchase")


def local_day(column: str, time_zone: str) -> pl.Expr:
    """Calendar day (Date) of an instant as the shop's own clock shows it.

    A sale at half past midnight in Berlin is still the evening before in UTC.
    """
    instant = pl.col(column)
    return (instant if time_zone == "UTC" else instant.dt.convert_time_zone(time_zone)).dt.date()


def is_cancelled() -> pl.Expr:
    """Whether the line belongs to a cancelled order."""
    return pl.col("type") == "cancel"


def is_purchase() -> pl.Expr:
    """Whether the line is a purchase; a free item (``net`` of zero) is one."""
    return (pl.col("type") != "return") & ~is_cancelled() & (pl.col("net") >= 0)


def is_undated_return() -> pl.Expr:
    """Return whether the line is an undated return, which has the day of its order."""
    return ((pl.col(DATED_BY) == "order") & ~is_purchase()).fill_null(value=False)


def line_kind() -> pl.Expr:
    """Position in :data:`KINDS` (UInt8) of what a line is."""
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


def whole_money(column: str, scale: int) -> pl.Expr:
    """Amounts as whole numbers (Int64) of ``1 / scale``, whose sums depend on no order; null where there is none.

    A strict cast would stop at an amount that no sum can hold; ``largest`` of the coverage reports it.
    """
    return (pl.col(column) * scale).round().cast(pl.Int64, strict=False)
