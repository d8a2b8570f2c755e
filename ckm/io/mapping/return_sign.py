"""Make the amounts of returns negative, which some exports write as positive."""

from __future__ import annotations

import polars as pl


def returned_net(is_return: pl.Expr) -> pl.Expr:
    """Return ``net`` with negative amounts for return lines, whatever sign the export uses.

    The return lines of one order can have both signs: the reversal of a discount has the opposite sign of a refund. All
    signs of an order are reversed if the sum is positive, else none.

    Parameters
    ----------
    is_return
        Whether a line is a return (Boolean).
    """
    net = pl.col("net")
    of_order = pl.when(is_return).then(net)
    both_signs = (of_order.min().over("order_id") < 0) & (of_order.max().over("order_id") > 0)
    signed = pl.when(of_order.sum().over("order_id") > 0).then(-net).otherwise(net)
    return pl.when(both_signs & pl.col("order_id").is_not_null()).then(signed).otherwise(-net.abs())
