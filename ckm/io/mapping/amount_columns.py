"""Decide what columns of amounts mean: of a line or of the order, shares or amounts, refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.io.mapping.mapping import ColumnRule, Expression, FromColumn
from ckm.io.mapping.plausible_columns import are_shares
from ckm.io.mapping.repeated_amounts import is_repeated
from ckm.io.mapping.status_columns import refund_column
from ckm.remark import doubt

if TYPE_CHECKING:
    import polars as pl

    from ckm.io.mapping.name_matching import NameMatcher
    from ckm.remark import Remark


def map_order_amounts(matcher: NameMatcher, sample: pl.DataFrame | None) -> list[Remark]:
    """Map a column of amounts that each line of an order repeats to the order, and return the remark on it.

    A column that the user named is kept. Lines with quantity and unit price need no amount of the order.
    """
    net, how = matcher.chosen.get("net", ("", ""))
    order, _ = matcher.chosen.get("order_id", ("", ""))
    if sample is None or not {net, order} <= set(sample.columns):
        return []
    products = _product_columns(matcher)
    if not is_repeated(sample, order, net, products):
        return []
    repeats = f"'{net}' is the same on all lines of an order"
    if how == "option" or not (products or matcher.known.is_last_resort("net", net)):
        return [doubt(f"{repeats}; if it is the order's total, --column order_net='{net}' counts it once per order")]
    del matcher.chosen["net"]
    if {"quantity", "unit_price"} <= matcher.chosen.keys():
        return [doubt(f"{repeats} and not used")]
    matcher.chosen["order_net"] = (net, how)
    return [doubt(f"{repeats} and counts once per order, spread over its lines; if not: --column net='{net}'")]


def with_discount_shares(
    rules: dict[str, ColumnRule], sample: pl.DataFrame | None
) -> tuple[dict[str, ColumnRule], list[Remark]]:
    """Return the rules with discounts as amounts where the column has shares of the price, and the remark on it."""
    discount, price = rules.get("discount"), rules.get("unit_price") or rules.get("net")
    if sample is None or not isinstance(discount, FromColumn) or not isinstance(price, FromColumn):
        return rules, []
    if not {discount.source, price.source} <= set(sample.columns):
        return rules, []
    if not are_shares(sample[discount.source], sample[price.source]):
        return rules, []
    kept = {target: rule for target, rule in rules.items() if target != "discount"}
    shares = f"'{discount.source}' has shares of the price"
    if "net" in rules or not {"quantity", "unit_price"} <= rules.keys():
        return kept, [doubt(f"{shares}, not amounts: not used")]
    name = discount.source.replace('"', '""')
    share = f"COALESCE(CAST(REPLACE(\"{name}\", ',', '.') AS DOUBLE), 0)"
    computed = {
        "net": Expression(f"quantity * unit_price * (1 - {share})"),
        "discount": Expression(f"quantity * unit_price * {share}"),
    }
    return {**kept, **computed}, [doubt(f"{shares}: net is quantity × unit_price × (1 - {discount.source})")]


def map_refunds(matcher: NameMatcher, sample: pl.DataFrame | None) -> None:
    """Map a column of refunded amounts to the row; to the order, if each line of an order repeats it."""
    column = refund_column([column for column in matcher.columns if matcher.is_free(column)], sample)
    if column is None or "refund" in matcher.chosen or "order_refund" in matcher.chosen:
        return
    order, _ = matcher.chosen.get("order_id", ("", ""))
    repeated = sample is not None and order in sample.columns
    if repeated and sample is not None:
        repeated = is_repeated(sample, order, column, _product_columns(matcher), most_equal=1.0)
    matcher.chosen["order_refund" if repeated else "refund"] = (column, "synonym")


def _product_columns(matcher: NameMatcher) -> list[str]:
    """Return the columns that describe what a line is of."""
    return [
        matcher.chosen[target][0]
        for target in ("product_id", "category", "quantity", "unit_price")
        if target in matcher.chosen
    ]
