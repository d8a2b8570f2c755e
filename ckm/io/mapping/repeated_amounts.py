"""Recognise a column that states the amount of the whole order on each of its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_ORDERS = 10
"""Minimum number of orders of several lines."""
NEARLY_ALL = 0.95
"""Minimum share of these orders of which all lines have the same amount."""
MOST_EQUAL = 0.2
"""Maximum probability that two orders drawn at random have the same amount: if most prices are equal, equal lines are
no evidence."""


def is_repeated(
    sample: pl.DataFrame, order: str, amount: str, products: Sequence[str], *, most_equal: float = MOST_EQUAL
) -> bool:
    """Return whether ``amount`` is an amount of the whole order, repeated on its lines.

    The lines of nearly all orders of several lines then have the same amount, though amounts differ between orders.

    Parameters
    ----------
    sample
        The first records of the file.
    order, amount
        The columns with the order number and the amount.
    products
        Columns that describe what a line is of. Only orders whose lines differ in one of them are considered: two
        tickets of one kind have the same price. Empty: all orders of several lines.
    most_equal
        Maximum probability that two of these orders have the same amount. Most orders have the same refund, none.
    """
    products = [column for column in products if column in sample.columns]
    filled = sample.select(order, amount, *products).drop_nulls([order, amount])
    orders = filled.group_by(order).agg(
        pl.len().alias("lines"),
        pl.col(amount).n_unique().alias("amounts"),
        pl.col(amount).first().alias("amount"),
        (pl.struct(products).n_unique() if products else pl.len()).alias("kinds"),
    )
    several = orders.filter((pl.col("lines") > 1) & (pl.col("kinds") > 1))
    if several.height < LEAST_ORDERS or int((several["amounts"] == 1).sum()) < NEARLY_ALL * several.height:
        return False
    shares = several["amount"].value_counts()["count"] / several.height
    return float((shares**2).sum()) <= most_equal
