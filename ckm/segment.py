"""Segment customers; the functions behind ``ckm segment``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.feature_table import FeatureTable, LeftOut, amount, counted, feature_table
from ckm.segmentation.definition import Basis, Definition
from ckm.segmentation.rfm import fit_rfm
from ckm.settings import SegmentSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm.segmentation.rfm_names import NameTable

_SUMMARY_COLUMNS = (
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
SHARE_DIGITS = 12
"""polars divides by one number through its reciprocal: 40 of 100 would be 0.39999999999999997."""


@dataclass(frozen=True)
class Segmentation:
    """Named customers, the segments they make up, and what a reader needs to trust them.

    Attributes
    ----------
    customers
        One row per customer with a purchase, by ``customer_id``: customer_id, segment; what the method says beside it
        (rfm: r_score, f_score, m_score, Int8, 1 worst); recency_days (Int64, last purchase day to ``as_of``),
        frequency (Int64, days with a purchase), monetary (Float64, net of returns), currency.
    summary
        One row per segment, best first, also where nobody is in it: segment, customers, share (of all customers),
        revenue, revenue_share (null where the total is not positive), median_recency_days, orders_per_customer
        (purchase days), average_order_value (revenue per purchase day), currency, advice. The three averages are
        null where nobody is.
    as_of
        The day the analysis stands on; it saw nothing after it.
    currency
        Of every amount.
    definition
        What gave the segments.
    left_out
        What was not used, and why.
    remarks
        What a reader should know beside the numbers, as sentences.
    """

    customers: pl.DataFrame
    summary: pl.DataFrame
    as_of: date
    currency: str
    definition: Definition
    left_out: LeftOut
    remarks: tuple[str, ...]


def segment_customers(
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None = None,
    names: NameTable | None = None,
    time_zone: str = "UTC",
) -> Segmentation:
    """Score every customer on recency, frequency and money, and name the 125 combinations.

    Parameters
    ----------
    tables, as_of, time_zone
        See :func:`ckm.feature_table.feature_table`, which also says what is raised.
    names
        Names and the number of scores. Default: the eleven usual names over five scores.

    Raises
    ------
    NotEnoughDataError
        Fewer customers bought than there are scores.
    """
    table = feature_table(tables, as_of=as_of, time_zone=time_zone)
    basis = Basis(table, lambda day: feature_table(tables, as_of=day, time_zone=time_zone), SegmentSettings())
    definition = fit_rfm(basis, names=names)
    return apply(definition, table)


def apply(definition: Definition, table: FeatureTable) -> Segmentation:
    """Give every customer of ``table`` the segment that ``definition`` says."""
    assigned = definition.assign(table.frame)
    customers = pl.concat(
        [
            table.frame.select("customer_id"),
            assigned,
            table.frame.select("recency_days", "frequency", "monetary", "net_total"),
        ],
        how="horizontal",
    ).with_columns(currency=pl.lit(table.currency))
    buyers = counted(table.frame.height, "customer")
    summary = _summary(customers, definition, table)
    remarks = [
        f"as of {table.as_of}: {buyers} with a purchase, money in {table.currency}",
        *table.left_out.remarks,
        *definition.remarks(assigned),
    ]
    if summary["revenue_share"].null_count():
        remarks.append("the total of all amounts is not positive: there are no shares of revenue")
    return Segmentation(
        customers=customers.drop("net_total"),
        summary=summary,
        as_of=table.as_of,
        currency=table.currency,
        definition=definition,
        left_out=table.left_out,
        remarks=tuple(remarks),
    )


def _summary(customers: pl.DataFrame, definition: Definition, table: FeatureTable) -> pl.DataFrame:
    listed = pl.LazyFrame(
        {
            "segment": [each.name for each in definition.segments],
            "advice": [each.advice for each in definition.segments],
        }
    )
    # Summed as whole numbers, so that the order of the customers is of no matter.
    money = (pl.col("net_total") * table.money_scale).round().cast(pl.Int64).sum().alias("money")
    groups = (
        customers.lazy()
        .group_by("segment")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            money,
            pl.col("frequency").sum(),
            pl.col("recency_days").median().alias("median_recency_days"),
        )
    )
    counts, revenue = pl.col("customers"), pl.col("revenue")
    return (
        listed.join(groups, on="segment", how="left", maintain_order="left")
        .with_columns(counts.fill_null(0), amount("money", table.money_scale).fill_null(0.0).alias("revenue"))
        .with_columns(
            (counts / counts.sum()).round(SHARE_DIGITS).alias("share"),
            pl.when(revenue.sum() > 0).then((revenue / revenue.sum()).round(SHARE_DIGITS)).alias("revenue_share"),
            (pl.col("frequency") / counts).alias("orders_per_customer"),
            (revenue / pl.col("frequency")).alias("average_order_value"),
            pl.lit(table.currency).alias("currency"),
        )
        .select(_SUMMARY_COLUMNS)
        .collect()
    )
