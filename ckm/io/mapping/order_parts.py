"""Orders whose lines come in several files (pages): amounts of the whole order are spread over all its lines.

A line keeps the amounts in its file, its own and its order's, before the latter are spread (:data:`SAID`), so
that they are spread again once more lines are known. A line without it has no part in an amount of its order.
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

SAID = "order_amounts"
OF_LINE = ("net", "discount", "refund")
REFUNDED = "refunded"
"""Whether a status says that the order was paid back whole."""
_FIELDS = pl.Struct({**dict.fromkeys((*OF_LINE, *ORDER_AMOUNTS), pl.Float64()), REFUNDED: pl.Boolean()})
_SAYS, _WHEN, _GIVEN = "\x00says", "\x00when", "\x00given"


def with_said(lines: pl.DataFrame, is_refunded: pl.Expr) -> pl.DataFrame:
    """Return lines with what they say of amounts, their own and their order's, as JSON, and what it is kept for."""
    names = [name for name in (*OF_LINE, *ORDER_AMOUNTS) if name in lines.columns]
    says = (pl.col(name).is_not_null() for name in ORDER_AMOUNTS if name in lines.columns)
    return lines.with_columns(
        pl.struct(*names, is_refunded.alias(REFUNDED)).struct.json_encode().alias(SAID),
        pl.any_horizontal(pl.lit(value=False), *says).alias(_SAYS),
        pl.col("net").alias(_GIVEN),
    )


def kept_said() -> pl.Expr:
    """What adjusted lines keep of it: nothing where no amount of an order was spread over them."""
    is_needed = pl.col(_SAYS) | (pl.col("net") != pl.col(_GIVEN)) | (pl.col(RETURNED) > 0)
    return pl.when(is_needed.fill_null(value=False)).then(SAID).alias(SAID)


def spread_again(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of orders with the amounts of each order spread over all of its lines.

    Parameters
    ----------
    rows
        Of transactions, with ``SAID``; of two lines of an order that say another amount of it the first counts. Their
        refunds (:func:`ckm.schema.is_refund_of_line`) tell when they were made, and are made anew.
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
    """Return the ids of the orders of which the rows are all lines: their own totals say so."""
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
    """Return ``order_id``, ``currency`` and ``open``, the goods that the rows lack, of orders that have more."""
    lines = _adjusted_again(rows.filter(~is_refund_of_line())).filter(COUNTS)
    cut = lines.group_by("order_id", maintain_order=True)
    sums = cut.agg(pl.col(_GIVEN).sum(), pl.col(CUT).first(), pl.col("currency").first()).filter(pl.col(CUT) < 1)
    return sums.select("order_id", "currency", open=(pl.col(_GIVEN) / pl.col(CUT) - pl.col(_GIVEN)).round(6))


def without_refunds(rows: pl.DataFrame) -> pl.DataFrame:
    """Return lines as if nothing had been paid back of their orders yet."""
    never = pl.col(SAID).str.replace_all('"(order_refund|refund|refunded)":[^,}]+', '"$1":null')
    return rows.filter(~is_refund_of_line()).with_columns(never)


def tells_of_order() -> pl.Expr:
    """Whether an amount of its order stands on a line."""
    return pl.col(SAID).str.contains('"order_[a-z]+":[^n]').fill_null(value=False)


def _of_one_status(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines as cancelled or not as the first of their order that has amounts of it: it tells its status, too."""
    status = pl.col("type").filter(tells_of_order()).first().over("order_id")
    is_goods = pl.col("type").is_in(["sale", "cancel"]) & status.is_in(["sale", "cancel"])
    return lines.with_columns(pl.when(is_goods).then(status).otherwise("type").alias("type"))


def _adjusted_again(lines: pl.DataFrame) -> pl.DataFrame:
    """Return goods lines adjusted anew by what they said."""
    lines = lines.with_columns(pl.col(SAID).str.json_decode(_FIELDS).alias(_SAYS))
    says, silent = pl.col(_SAYS).struct, pl.col(SAID).is_null()
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
        pl.when(silent).then(own).otherwise(SAID).alias(SAID),
    )
    lines = adjusted(with_counts(lines, ~pl.col("type").is_in(["cancel", "return"])))
    is_refunded = pl.col(REFUNDED).any().over(ORDER)
    return lines.with_columns(pl.when(is_refunded).then("net").otherwise(RETURNED).alias(RETURNED))
