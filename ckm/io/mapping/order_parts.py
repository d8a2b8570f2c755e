"""Spread the amounts of an order over its lines if these are in several files (pages of an export).

A line stores its own amounts and those of its order as its file states them, before they are spread
(:data:`STATED_AMOUNTS`). When more lines of the order are loaded, the amounts of the order are spread again. A line
without stored amounts gets no share.
"""

from __future__ import annotations

import polars as pl

from ckm.io.mapping.order_amounts import (
    COUNTS,
    CUT,
    GOODS,
    ORDER,
    RETURNED,
    TOLERANCE,
    adjusted,
    as_returns,
    with_counts,
)
from ckm.schema import ORDER_AMOUNTS, is_refund_of_line

STATED_AMOUNTS = "order_amounts"
"""Column with the amounts of a line and of its order as the file states them, as JSON; null if they are not needed."""
OF_LINE = ("net", "discount", "refund")
REFUNDED = "refunded"
"""Key of a stored amount: whether a status marks the order as fully refunded."""
_FIELDS = pl.Struct({**dict.fromkeys((*OF_LINE, *ORDER_AMOUNTS), pl.Float64()), REFUNDED: pl.Boolean()})
_SAYS, _WHEN, _GIVEN = "\x00says", "\x00when", "\x00given"


def with_stated_amounts(lines: pl.DataFrame, is_refunded: pl.Expr) -> pl.DataFrame:
    """Return lines with their own and their order's amounts as JSON in :data:`STATED_AMOUNTS`.

    Two helper columns are added for :func:`needed_stated_amounts`.
    """
    names = [name for name in (*OF_LINE, *ORDER_AMOUNTS) if name in lines.columns]
    says = (pl.col(name).is_not_null() for name in ORDER_AMOUNTS if name in lines.columns)
    return lines.with_columns(
        pl.struct(*names, is_refunded.alias(REFUNDED)).struct.json_encode().alias(STATED_AMOUNTS),
        pl.any_horizontal(pl.lit(value=False), *says).alias(_SAYS),
        pl.col("net").alias(_GIVEN),
    )


def needed_stated_amounts() -> pl.Expr:
    """Return the stored amounts of adjusted lines; null if no amount of an order was spread over them."""
    is_needed = pl.col(_SAYS) | (pl.col("net") != pl.col(_GIVEN)) | (pl.col(RETURNED) > 0)
    return pl.when(is_needed.fill_null(value=False)).then(STATED_AMOUNTS).alias(STATED_AMOUNTS)


def spread_again(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of orders with the amounts of each order spread over all of its lines.

    Parameters
    ----------
    rows
        Transactions with ``STATED_AMOUNTS``. If lines of an order have different order amounts, the first applies.
        Refund rows (:func:`ckm.schema.is_refund_of_line`) keep their dates, and their amounts are computed again.
    """
    made = rows.filter(is_refund_of_line())
    lines = _adjusted_again(_of_one_status(rows.filter(~is_refund_of_line())))
    dated = (
        made.filter(pl.col("dated_by").is_null()).group_by("order_id").agg(pl.col("ordered_at").first().alias(_WHEN))
    )
    undated = made.filter(pl.col("dated_by").is_not_null()).select("order_id").unique()
    dated = dated.join(undated, on="order_id", how="anti")
    lines = lines.join(dated, on="order_id", how="left", maintain_order="left")
    paid_back = lines.filter((pl.col(RETURNED) > 0) & ~pl.col("type").is_in(["cancel", "return"]))
    return pl.concat([lines.select(rows.columns), as_returns(paid_back, pl.col(_WHEN)).select(rows.columns)])


def whole_orders(rows: pl.DataFrame) -> pl.Series:
    """Return the ids of orders that are complete in ``rows``: the sum of their lines equals their own totals."""
    lines = _adjusted_again(rows.filter(~is_refund_of_line()))
    sums = lines.filter(COUNTS).group_by("order_id").agg(
        pl.col("net").sum(),
        listed=pl.col(_GIVEN).sum(),
        taken=(pl.col(GOODS) - pl.col("net")).sum(),
        **{name: pl.col(name).first() for name in ("order_gross", "order_net", "order_discount")},
    )  # fmt: skip
    by_net = ((pl.col("net") - pl.col("order_net")).abs() < TOLERANCE) & (
        (pl.col("taken") - pl.col("order_discount").fill_null(0.0)).abs() < TOLERANCE
    )
    by_gross = (pl.col("listed") - pl.col("order_gross")).abs() < TOLERANCE
    return sums.filter(by_gross.fill_null(by_net).fill_null(value=False))["order_id"]


def cut_orders(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``order_id``, ``currency`` and ``open`` (value of the missing goods) of incomplete orders."""
    lines = _adjusted_again(rows.filter(~is_refund_of_line())).filter(COUNTS)
    cut = lines.group_by("order_id", maintain_order=True)
    sums = cut.agg(pl.col(_GIVEN).sum(), pl.col(CUT).first(), pl.col("currency").first()).filter(pl.col(CUT) < 1)
    return sums.select("order_id", "currency", open=(pl.col(_GIVEN) / pl.col(CUT) - pl.col(_GIVEN)).round(6))


def without_refunds(rows: pl.DataFrame) -> pl.DataFrame:
    """Return lines without refund rows, and with null refunds in their stored amounts."""
    never = pl.col(STATED_AMOUNTS).str.replace_all('"(order_refund|refund|refunded)":[^,}]+', '"$1":null')
    return rows.filter(~is_refund_of_line()).with_columns(never)


def states_order_amounts() -> pl.Expr:
    """Return whether a line states an amount of its order (Boolean)."""
    return pl.col(STATED_AMOUNTS).str.contains('"order_[a-z]+":[^n]').fill_null(value=False)


def _of_one_status(lines: pl.DataFrame) -> pl.DataFrame:
    """Set sale or cancelled lines to the status of the first line of their order that has order amounts."""
    status = pl.col("type").filter(states_order_amounts()).first().over("order_id")
    is_goods = pl.col("type").is_in(["sale", "cancel"]) & status.is_in(["sale", "cancel"])
    return lines.with_columns(pl.when(is_goods).then(status).otherwise("type").alias("type"))


def _adjusted_again(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines of goods with discounts and refunds computed again from their stored amounts."""
    lines = lines.with_columns(pl.col(STATED_AMOUNTS).str.json_decode(_FIELDS).alias(_SAYS))
    says, silent = pl.col(_SAYS).struct, pl.col(STATED_AMOUNTS).is_null()
    lines = lines.with_columns(
        pl.when(silent).then("net").otherwise(says.field("net")).alias("net"),
        pl.when(silent).then("discount").otherwise(says.field("discount")).alias("discount"),
        *(says.field(name).alias(name) for name in ("refund", *ORDER_AMOUNTS)),
        says.field(REFUNDED).fill_null(value=False).alias(REFUNDED),
        pl.col("order_id").rank("dense").alias(ORDER),
    )
    own = pl.struct("net", "discount").struct.json_encode()
    lines = lines.with_columns(
        (pl.col("net") + pl.col("discount").fill_null(0.0)).alias(_GIVEN),
        pl.when(silent).then(own).otherwise(STATED_AMOUNTS).alias(STATED_AMOUNTS),
    )
    lines = adjusted(with_counts(lines, ~pl.col("type").is_in(["cancel", "return"])))
    is_refunded = pl.col(REFUNDED).any().over(ORDER)
    return lines.with_columns(pl.when(is_refunded).then("net").otherwise(RETURNED).alias(RETURNED))
