"""Recognise an amount column that repeats the total of an order on each of its lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UsageError
from ckm.io.mapping.missing_columns import mapped_columns
from ckm.io.mapping.shown_columns import shown_columns

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping

    from ckm.io.mapping.mapping import ColumnRule

FEWEST_ORDERS = 10
"""Minimum orders with different lines from which a repetition is concluded."""
NEARLY_ALL = 0.95
"""Minimum share of these orders that have one amount on all their lines."""
FEWEST_AMOUNTS = 5
"""Minimum distinct amounts of these orders; with fewer, the products may have one price."""
OF_LINES = ("product_id", "quantity", "unit_price")
"""Targets that differ between the lines of an order."""


def refuse_repeated_total(rules: AnyMapping[str, ColumnRule], sample: pl.DataFrame | None, *, named: bool) -> None:
    """Refuse an amount column that was matched by name and is equal on all lines of nearly every order.

    Only orders count whose lines differ in product, quantity or price. Summed by line, such a column would count
    each order as often as it has lines.

    Raises
    ------
    UsageError
        The column repeats the order's total.
    """
    order, net = mapped_columns(rules, ["order_id"]), mapped_columns(rules, ["net"])
    differing = [column for column in mapped_columns(rules, OF_LINES) if column not in net]
    if sample is None or not order or not net or not differing or not {*order, *net, *differing} <= {*sample.columns}:
        return
    filled = sample.filter(pl.col(*order).is_not_null(), pl.col(*net).is_not_null())
    orders = filled.group_by(order).agg(
        pl.col(*net).first().alias("net"),
        pl.col(*net).n_unique().alias("amounts"),
        pl.max_horizontal(pl.col(differing).n_unique()).alias("lines"),
    )
    several = orders.filter(pl.col("lines") > 1)
    equal = several.filter(pl.col("amounts") == 1)
    if len(several) < FEWEST_ORDERS or len(equal) < NEARLY_ALL * len(several):
        return
    if equal["net"].n_unique() < FEWEST_AMOUNTS:
        return
    [column] = shown_columns(net, named=named) or ["COLUMN"]
    raise UsageError(
        f"the column for net, '{column}', has one amount on all lines of {len(equal):,} of {len(several):,} orders "
        "with several lines: it seems to be the total of the order",
        hint=f"if it is, use --column order_net='{column}', which counts it once; else --column net='{column}'",
    )
