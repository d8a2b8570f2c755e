"""Spread the amounts of an order over its lines if these are in several files (pages of an export).

The stored amounts of the lines (:mod:`ckm.io.mapping.stored_amounts`) are spread again when more lines are known. A
line without stored amounts gets no share of them.
"""

from __future__ import annotations

import polars as pl

from ckm.io.mapping.known_amounts import with_known_amounts
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
from ckm.io.mapping.stored_amounts import AMOUNTS, REFUNDED, STORED_AMOUNTS, stated_amounts
from ckm.schema import is_refund_of_line

__all__ = ["cut_orders", "has_order_amounts", "spread_again", "whole_orders", "with_known_amounts", "without_refunds"]

_WHEN, _GIVEN = "\x00when", "\x00given"


def spread_again(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of orders with the amounts of each order spread over all of its lines.

    Parameters
    ----------
    rows
        Transactions with ``order_amounts``. If lines of an order have different order amounts, the first applies.
        Refund rows (:func:`ckm.schema.is_refund_of_line`) keep their dates and are computed again.
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
    """Return the ids of orders that are complete in ``rows``: their lines add up to the total of the source."""
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
    never = pl.col(STORED_AMOUNTS).str.replace_all('"(order_refund|refund|refunded)":[^,}]+', '"$1":null')
    return rows.filter(~is_refund_of_line()).with_columns(never)


def has_order_amounts() -> pl.Expr:
    """Return an expression: whether a line has stored amounts of its order."""
    return pl.col(STORED_AMOUNTS).str.contains('"order_[a-z]+":[^n]').fill_null(value=False)


def _of_one_status(lines: pl.DataFrame) -> pl.DataFrame:
    """Give the sale and cancelled lines of an order the type of its first line with order amounts."""
    status = pl.col("type").filter(has_order_amounts()).first().over("order_id")
    is_goods = pl.col("type").is_in(["sale", "cancel"]) & status.is_in(["sale", "cancel"])
    return lines.with_columns(pl.when(is_goods).then(status).otherwise("type").alias("type"))


def _adjusted_again(lines: pl.DataFrame) -> pl.DataFrame:
    """Return goods lines whose order amounts, from the stored amounts, are spread over all of them."""
    stated = stated_amounts(lines).select(*AMOUNTS, REFUNDED)
    lines = lines.with_columns(*stated, pl.col("order_id").rank("dense").alias(ORDER))
    silent, own = pl.col(STORED_AMOUNTS).is_null(), pl.struct("net", "discount").struct.json_encode()
    lines = lines.with_columns(
        (pl.col("net") + pl.col("discount").fill_null(0.0)).alias(_GIVEN),
        pl.when(silent).then(own).otherwise(STORED_AMOUNTS).alias(STORED_AMOUNTS),
    )
    lines = adjusted(with_counts(lines, ~pl.col("type").is_in(["cancel", "return"])))
    is_refunded = pl.col(REFUNDED).any().over(ORDER)
    return lines.with_columns(pl.when(is_refunded).then("net").otherwise(RETURNED).alias(RETURNED))
