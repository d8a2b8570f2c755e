"""Known amounts of orders for which a later file has no column: a missing column does not change an amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.io.mapping.order_amounts import TOLERANCE, after_discount
from ckm.io.mapping.stored_amounts import AMOUNTS, REFUNDED, STORED_AMOUNTS, stated_amounts
from ckm.schema import ORDER_AMOUNTS, is_refund_of_line

if TYPE_CHECKING:
    from collections.abc import Collection

LINE = ["order_id", "line_no"]
REFUNDS = ("refund", "order_refund")
OF_SAME_LINES = ("order_gross", "order_tax", "order_shipping", "order_total")
"""Totals that an order keeps only if its lines are unchanged."""
_KNOWN, _IS_KNOWN, _LESS, _SAME, _TOTAL = " known", "\x00known", "\x00less", "\x00same", "\x00total"
_SOLD, _LEFT, _IS_SOLD, _IS_LEFT = "\x00sold", "\x00left", "\x00is sold", "\x00is left"


def with_known_amounts(new: pl.DataFrame, known: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Return the orders of a file that keep known discounts or refunds, because the file has no column for them.

    Refunds are kept if the file has no column of refunds. The discount of an order is kept if the file has no column of
    discounts or of amounts after discounts. The discount of a line is kept if the file has no such column and the new
    amount of the line exceeds the known amount by the discount. Discounts are not kept if changed lines add up to the
    known amount after discounts. Some exports list the quantity after returns: the lines then add up to the known
    amount after refunds, or lack goods of an unchanged ``order_gross``. If the lines lack more goods than were
    refunded, the refund is the value of the goods that they lack.

    Parameters
    ----------
    new, known
        Transactions of the same orders; every line has a ``line_no``.
    columns
        Amount columns of the file: ``discount``, ``refund`` and order amounts.

    Returns
    -------
    pl.DataFrame
        The lines of these orders with all their amounts in ``order_amounts``, and their known refund rows; for
        :func:`ckm.io.mapping.order_parts.spread_again`.
    """
    lines = new.filter(~is_refund_of_line())
    both = _compared(_with_known(lines, known), columns)
    is_kept = _conditions(columns)
    effects = [
        is_kept[name] & (pl.col(f"{name}{_KNOWN}").abs() > TOLERANCE)
        for name in ("order_discount", *REFUNDS)
        if name in is_kept
    ]
    if "order_gross" in is_kept:  # the lines lack returned goods
        effects.append(is_kept["order_gross"] & (pl.col(f"order_gross{_KNOWN}") - pl.col(_TOTAL) > TOLERANCE))
    both = both.with_columns(pl.any_horizontal(_LESS, *map(_is, effects)).any().over("order_id").alias(_LESS))
    if "order_gross" not in columns:
        both = both.with_columns(pl.when(_IS_LEFT).then(_SOLD).otherwise("order_gross").alias("order_gross"))
    both = _kept(both, is_kept)
    if REFUNDS[0] in is_kept:
        both = both.with_columns(_refund().alias("order_refund"))
    stored = pl.struct(*AMOUNTS, REFUNDED).struct.json_encode()
    changed = lines.with_columns(*both.select(stored.alias(STORED_AMOUNTS), _LESS)).filter(_LESS).drop(_LESS)
    refunds = known.filter(is_refund_of_line() & pl.col("order_id").is_in(changed["order_id"].implode()))
    return pl.concat([changed, refunds], how="diagonal")


def _compared(both: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
    """Compare lines with the known lines of their orders, and add the results as columns.

    ``_LESS``: the amount is the known amount plus a known discount; the line gets the known amounts. Per order,
    ``_TOTAL``: sum of its sale lines; ``_SAME``: no amount has changed. For changed orders, ``_IS_SOLD``: the total
    equals the known amount after discounts; ``_IS_LEFT``: it equals the known amount after discounts and refunds.
    """
    less = _is((pl.col("net") - pl.col(f"net{_KNOWN}") - pl.col(f"discount{_KNOWN}")).abs() < TOLERANCE)
    less &= _is(pl.col(f"discount{_KNOWN}") > TOLERANCE) & pl.lit("discount" not in columns)
    both = _kept(both.with_columns(less.alias(_LESS)), dict.fromkeys(("net", "discount"), pl.col(_LESS)))
    same = _is((pl.col("net") - pl.col(f"net{_KNOWN}")).abs() < TOLERANCE).all().over("order_id")
    total = pl.when(pl.col("type") == "sale").then("net").otherwise(0.0).sum().over("order_id")
    both = both.with_columns((same & pl.col(_IS_KNOWN)).alias(_SAME), total.alias(_TOTAL))
    return both.with_columns(
        _is(~pl.col(_SAME) & ((pl.col(_TOTAL) - pl.col(known)).abs() < TOLERANCE)).alias(name)
        for known, name in ((_SOLD, _IS_SOLD), (_LEFT, _IS_LEFT))
    )


def _conditions(columns: Collection[str]) -> dict[str, pl.Expr]:
    """Return, for each amount without a column in the file, the condition under which a line gets the known amount."""
    found = {name: pl.col(_SAME) for name in OF_SAME_LINES if name not in columns}
    if {"order_discount", "order_net"}.isdisjoint(columns):
        no_discounts = pl.lit("discount" not in columns) & ~pl.col(_IS_SOLD) & ~pl.col(_IS_LEFT)
        found |= {"order_discount": no_discounts | pl.col(_SAME), "order_net": pl.col(_SAME)}
    if set(REFUNDS).isdisjoint(columns):
        found |= dict.fromkeys(REFUNDS, ~pl.col(REFUNDED))
    return found


def _with_known(lines: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the stated amounts of lines and, with the suffix ``_KNOWN``, the amounts of the known lines and orders.

    ``_SOLD`` and ``_LEFT`` are the known amounts of an order after discounts, and after refunds too.
    """
    stated, stated_known = stated_amounts(lines), stated_amounts(known.filter(~is_refund_of_line()))
    of_lines = stated_known.select(*LINE, "net", "discount", "refund").unique(LINE)
    of_orders = stated_known.group_by("order_id").agg(pl.col(ORDER_AMOUNTS).drop_nulls().first())
    missing = of_lines.join(stated, on=LINE, how="anti")["order_id"].unique().implode()
    for others, on in ((of_lines, LINE), (of_orders, ["order_id"])):
        others = others.rename({name: f"{name}{_KNOWN}" for name in others.columns if name not in on})
        stated = stated.join(others, on=on, how="left", maintain_order="left")
    is_sale = pl.col("type") == "sale"
    sums = {_SOLD: pl.col("net").filter(is_sale), _LEFT: pl.col("net").filter(is_sale | is_refund_of_line())}
    totals = known.group_by("order_id").agg(value.sum().alias(name) for name, value in sums.items())
    stated = stated.join(totals, on="order_id", how="left", maintain_order="left")
    return stated.with_columns((~pl.col("order_id").is_in(missing)).alias(_IS_KNOWN), lines["type"])


def _kept(both: pl.DataFrame, where: dict[str, pl.Expr]) -> pl.DataFrame:
    """Replace amounts (keys of ``where``) by the known amounts in lines that meet the condition (values)."""
    return both.with_columns(
        pl.when(is_kept & pl.col(f"{name}{_KNOWN}").is_not_null()).then(f"{name}{_KNOWN}").otherwise(name).alias(name)
        for name, is_kept in where.items()
    )


def _refund() -> pl.Expr:
    """Return ``order_refund``, or the value of the goods that the lines lack if that exceeds the known refund."""
    given = pl.col("net") + pl.col("discount").fill_null(0.0)
    listed = pl.when(pl.col("type") == "sale").then(given).otherwise(0.0).sum().over("order_id")
    gross, discount = (pl.col(name).drop_nulls().first().over("order_id") for name in ("order_gross", "order_discount"))
    lacking = after_discount(gross - listed, gross, discount)
    same_goods = pl.col(_IS_KNOWN) & ((gross - pl.col(f"order_gross{_KNOWN}")).abs() < TOLERANCE)
    more = same_goods & (pl.col("order_refund") > TOLERANCE) & (lacking > pl.col("order_refund") + TOLERANCE)
    return pl.when(_is(more)).then(lacking).otherwise("order_refund")


def _is(condition: pl.Expr) -> pl.Expr:
    return condition.fill_null(value=False)
