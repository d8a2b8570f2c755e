"""How widely a customer buys: in which categories, through which channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from ckm.features.purchases import is_purchase, is_used

if TYPE_CHECKING:
    from datetime import datetime

    from narwhals.typing import LazyFrameT


def purchase_counts(transactions: LazyFrameT, column: str, *, until: datetime) -> LazyFrameT:
    """Count the purchase rows of every customer by the values of ``column``.

    Parameters
    ----------
    transactions, until
        See :func:`ckm.features.purchases.purchase_features`.
    column
        Such as ``category``.

    Returns
    -------
    LazyFrameT
        ``customer_id``, ``value`` (never null: an unknown category is none), ``count`` (Int64).
    """
    known = is_used(until) & is_purchase() & ~nw.col(column).is_null()
    return transactions.filter(known).select("customer_id", value=nw.col(column)).pipe(_count)


def visit_counts(visits: LazyFrameT, column: str) -> LazyFrameT:
    """Count the purchase days of every customer by the values of ``column``.

    Parameters
    ----------
    visits
        Of :func:`ckm.features.rhythm.purchase_days` by ``column``.
    column
        Such as ``channel``.

    Returns
    -------
    LazyFrameT
        ``customer_id``, ``value`` (never null), ``count`` (Int64). A day with two values counts for both.
    """
    return visits.filter(~nw.col(column).is_null()).select("customer_id", value=nw.col(column)).pipe(_count)


def main_values(counts: LazyFrameT) -> LazyFrameT:
    """Tell how many values a customer has, and which most.

    Parameters
    ----------
    counts
        ``customer_id``, ``value``, ``count``; one row per pair of the first two.

    Returns
    -------
    LazyFrameT
        ``customer_id``; ``values`` (Int64, distinct ones); ``total`` (Int64, of the counts); ``main`` (the value with
        the largest count; of several the first by name, so that the order of the rows is of no matter).
    """
    return (
        counts.with_columns(most=nw.col("count").max().over("customer_id"))
        .with_columns(leading=nw.when(nw.col("count") == nw.col("most")).then(nw.col("value")))
        .group_by("customer_id")
        .agg(
            nw.len().cast(nw.Int64).alias("values"),
            nw.col("count").sum().alias("total"),
            nw.col("leading").min().alias("main"),
        )
    )


def _count(pairs: LazyFrameT) -> LazyFrameT:
    return pairs.group_by("customer_id", "value").agg(nw.len().cast(nw.Int64).alias("count"))
