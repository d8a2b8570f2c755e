"""Summary of segments, one row each: customers, revenue, purchase behaviour and advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.columns import amount

if TYPE_CHECKING:
    from ckm._segment.definition import Definition
    from ckm.customers.features import FeatureTable

SHARE_DIGITS = 12
"""Decimals to which a share is rounded: polars divides by a constant through its reciprocal, so that 40 of 100 would be
0.39999999999999997."""
_COLUMNS = (
    "segment",
    "customers",
    "share",
    "revenue",
    "revenue_share",
    "median_recency_days",
    "orders_per_customer",
    "average_order_value",
    "currency",
    "advice",
)


def summarise(segments: pl.Series, definition: Definition, table: FeatureTable) -> pl.DataFrame:
    """Return one row per segment, best first, also for empty segments.

    Parameters
    ----------
    segments
        Segment of each customer, in the order of the table.
    definition
        Definition of the segments.
    table
        The customers.

    Returns
    -------
    pl.DataFrame
        segment, customers, share (of all customers), revenue (net of returns, all time), revenue_share (null if the
        total is not positive), median_recency_days, orders_per_customer, average_order_value (purchases
        before returns per order), currency, advice. The three averages are null for empty segments.
    """
    customers = table.frame.select("net_total", "purchases_total", "orders", "recency_days").with_columns(
        segments.alias("segment")
    )
    listed = pl.LazyFrame(
        {
            "segment": [each.name for each in definition.segments],
            "advice": [each.advice for each in definition.segments],
        }
    )
    # Summed as integers, so that the order of customers does not matter.
    money, purchases = (
        (pl.col(name) * table.money_scale).round().cast(pl.Int64).sum() for name in ("net_total", "purchases_total")
    )
    groups = (
        customers.lazy()
        .group_by("segment")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            money.alias("money"),
            purchases.alias("purchases"),
            pl.col("orders").sum(),
            pl.col("recency_days").median().alias("median_recency_days"),
        )
    )
    counts, revenue, orders = pl.col("customers"), pl.col("revenue"), pl.col("orders")
    return (
        listed.join(groups, on="segment", how="left", maintain_order="left")
        .with_columns(counts.fill_null(0), amount("money", table.money_scale).fill_null(0.0).alias("revenue"))
        .with_columns(
            (counts / counts.sum()).round(SHARE_DIGITS).alias("share"),
            pl.when(revenue.sum() > 0).then((revenue / revenue.sum()).round(SHARE_DIGITS)).alias("revenue_share"),
            (orders / counts).alias("orders_per_customer"),
            pl.when(orders > 0).then(amount("purchases", table.money_scale) / orders).alias("average_order_value"),
            pl.lit(table.currency).alias("currency"),
        )
        .select(_COLUMNS)
        .collect()
    )
