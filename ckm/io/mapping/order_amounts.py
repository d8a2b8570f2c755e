"""Spread the amounts of an order over its lines, and make rows of its refunds.

Frames in this module have one row per line: the typed columns of a mapping, ``ORDER`` (a number per order) and
``COUNTS`` (whether amounts are spread over the line).
"""

from __future__ import annotations

from functools import cache

import polars as pl

from ckm.io.values.word_lists import load_data
from ckm.schema import ORDER_AMOUNTS, RETURN_SUFFIX

ORDER, COUNTS = "\x00order", "\x00counts"
GOODS, RETURNED = "\x00goods", "\x00returned"
"""Helper columns: the amount of a line before the order's discounts, and the refunded amount of the line."""
OF_GOODS_ALONE = ("quantity", "cost", "discount", "promised_on", "delivered_on", "order_amounts")
"""Columns that are null in a return row, because they describe the sold goods only."""
PLACE = "\x00place"
DEFAULT_DIGITS = 2
"""Default number of decimal digits of a currency that is not in the list."""
TOLERANCE = 0.015
"""Largest difference between a sum of rounded amounts and the rounded sum."""
ROUNDING = 1e-12
"""Relative error of a sum of floats."""
CUT = "\x00cut"
"""Helper column: the share of the order's goods that the given lines contain."""
_WEIGHT, _SHARE = "\x00weight", "\x00share"


@cache
def _digits_by_currency() -> dict[str, int]:
    return {code: int(digits) for digits, codes in load_data("number_marks.yaml")["digits"].items() for code in codes}


def digits_of(currency: pl.Expr) -> pl.Expr:
    """Return the number of decimal digits of each currency."""
    return currency.replace_strict(_digits_by_currency(), default=DEFAULT_DIGITS, return_dtype=pl.Int32)


def in_main_units(amount: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """Convert amounts from the smallest unit (cents; yen) to the main unit of their currency."""
    return amount / pl.lit(10.0).pow(digits_of(currency))


def adjusted(lines: pl.DataFrame) -> pl.DataFrame:
    """Return lines with the order's discounts in ``net`` and ``discount``, and the columns ``RETURNED`` and ``CUT``.

    The module docstring describes ``lines``. Amounts of the order may be on any line, and on several. If only a part of
    an order is given (``CUT`` is below 1), the part gets its share of the discounts and the whole refund.
    """
    given = [name for name in ORDER_AMOUNTS if name in lines.columns]
    once = [_once(name).alias(name) for name in given]
    missing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ORDER_AMOUNTS if name not in given]
    lines = lines.with_columns(*once, *missing, pl.col("net").alias(GOODS))
    if "discount" not in lines.columns:
        lines = lines.with_columns(pl.lit(None, dtype=pl.Float64).alias("discount"))
    # Sort by line number, so that shares do not depend on the order of lines in one or several files.
    numbers = ["line_no"] if "line_no" in lines.columns else []
    lines = lines.with_row_index(PLACE).sort(ORDER, *numbers, PLACE)
    return _with_returns(_with_discounts(_with_goods(lines))).sort(PLACE).drop(PLACE)


def as_returns(lines: pl.DataFrame, when: pl.Expr) -> pl.DataFrame:
    """Return a row of type return for the refunded amount (``RETURNED``) of each line.

    ``when`` is the date of the refund; null means that its date is unknown.
    """
    changed = {
        "net": -pl.col(RETURNED),
        "type": pl.lit("return"),
        "ordered_at": pl.coalesce(when, "ordered_at"),
        "dated_by": pl.when(when.is_null()).then(pl.lit("order")),
        "line_no": pl.concat_str(pl.col("line_no"), pl.lit(RETURN_SUFFIX)),
        **{name: pl.lit(None, dtype=dtype) for name, dtype in lines.schema.items() if name in OF_GOODS_ALONE},
    }
    return lines.with_columns(value.alias(name) for name, value in changed.items() if name in lines.columns)


def with_counts(lines: pl.DataFrame, is_sale: pl.Expr) -> pl.DataFrame:
    """Return lines with ``COUNTS``: true for the sales of an order; true for all lines if none is a sale."""
    return lines.with_columns((is_sale | ~is_sale.any().over(ORDER)).alias(COUNTS))


def _once(name: str) -> pl.Expr:
    """Return an amount of the order for all its lines: the first value that a line of the order has."""
    value = pl.col(name).drop_nulls().first().over(ORDER)
    return value.abs() if name in {"order_discount", "order_refund"} else value


def _sum(value: pl.Expr) -> pl.Expr:
    """Return, for each line, the sum of ``value`` over the lines of its order for which ``COUNTS`` is true."""
    return pl.when(COUNTS).then(value).otherwise(0.0).sum().over(ORDER)


def _with_goods(lines: pl.DataFrame) -> pl.DataFrame:
    """Add missing goods of an order to its lines, and the share of the order that the lines contain (``CUT``).

    After a return some exports list only the remaining quantity: the lines then lack the refunded amount, and it is
    added. If an export is cut into pages, the lines lack an amount that no refund explains: the order is incomplete.
    """
    listed = _sum(pl.col("net") + pl.col("discount").fill_null(0.0))
    before_discounts = pl.col("order_net") + pl.col("order_discount").fill_null(0.0)
    more = pl.col("order_net") > _sum(pl.col("net")) + TOLERANCE
    whole = pl.coalesce("order_gross", pl.when(more).then(before_discounts))
    lines = lines.with_columns(listed.alias("\x00listed"), whole.alias("\x00whole"))
    gap = pl.col("\x00whole") - pl.col("\x00listed")
    unknown = pl.col("\x00listed").abs() < TOLERANCE
    returned = after_discount(gap, pl.col("order_gross"), pl.col("order_discount"))
    explained = pl.col("order_gross").is_not_null() & (returned <= pl.col("order_refund") + TOLERANCE)
    fill = ((gap > TOLERANCE) & (unknown | explained)).fill_null(value=False)
    cut = ((gap > TOLERANCE) & ~unknown & ~explained.fill_null(value=False)).fill_null(value=False)
    lines = lines.with_columns(
        pl.when(fill).then(gap).otherwise(0.0).alias("\x00gap"),
        pl.when(cut).then(pl.col("\x00listed") / pl.col("\x00whole")).otherwise(1.0).alias(CUT),
    )
    goods = pl.col(GOODS) + _spread(lines, "\x00gap", _goods_missing(lines))
    return lines.with_columns(goods.alias(GOODS))


def after_discount(goods: pl.Expr, gross: pl.Expr, discount: pl.Expr) -> pl.Expr:
    """Return the price paid for goods of an order: their value less their share of the discount of the order."""
    return goods * (1 - pl.when(gross > 0).then(discount / gross).fill_null(0.0))


def _goods_missing(lines: pl.DataFrame) -> pl.Expr:
    """Return the weight of each line for spreading the value of goods that the lines lack.

    If an order has lines with quantity 0 (all returned), these have weight 1 and the others 0; else a weight is the
    amount, else the quantity, else 1.
    """
    quantity = pl.col("quantity") if "quantity" in lines.columns else pl.lit(None, dtype=pl.Float64)
    emptied = pl.when(quantity == 0).then(1.0).otherwise(0.0)
    by_amount = pl.col("net").clip(lower_bound=0.0)
    by_quantity = quantity.abs().fill_null(0.0)
    return pl.coalesce(*(pl.when(_sum(each) > 0).then(each) for each in (emptied, by_amount, by_quantity)), pl.lit(1.0))


def _with_discounts(lines: pl.DataFrame) -> pl.DataFrame:
    """Subtract the discounts of the order from its lines."""
    goods = _sum(pl.col(GOODS))
    stated = pl.col("order_discount").fill_null(0.0)
    left = goods - pl.col("order_net")
    # The amount after discounts shows which part of the discount was for shipping or is already in the lines.
    known = pl.when(pl.col("order_discount").is_null()).then(left).otherwise(left.clip(upper_bound=stated))
    discount = pl.when((left >= -TOLERANCE) & (pl.col(CUT) == 1.0)).then(known.clip(lower_bound=0.0)).otherwise(stated)
    discount = pl.coalesce(discount, stated) * pl.col(CUT)
    lines = lines.with_columns(discount.alias(_SHARE))
    share = _spread(lines, _SHARE, pl.col(GOODS).clip(lower_bound=0.0))
    return lines.with_columns(
        (pl.col(GOODS) - share).round(6).alias("net"),
        pl.when(share != 0).then(pl.col("discount").fill_null(0.0) + share).otherwise("discount").alias("discount"),
    )


def _with_returns(lines: pl.DataFrame) -> pl.DataFrame:
    """Spread the order's refund over its lines; a refund above the value of the goods is reduced to the value."""
    there = _sum(pl.col("net"))
    # In an incomplete order, the refund may be for goods on other pages.
    goods = pl.when(pl.col(CUT) < 1.0).then(pl.coalesce("order_net", there / pl.col(CUT))).otherwise(there)
    paid_back = pl.col("order_refund") * _share_without_tax()
    paid_back = pl.min_horizontal(paid_back.fill_null(0.0), goods.clip(lower_bound=0.0))
    lines = lines.with_columns(paid_back.alias(_SHARE))
    share = _spread(lines, _SHARE, pl.col("net").clip(lower_bound=0.0))
    of_line = pl.lit(0.0)
    if "refund" in lines.columns:
        of_line = pl.min_horizontal(pl.col("refund").abs().fill_null(0.0), pl.col("net").clip(lower_bound=0.0))
    return lines.with_columns(pl.when(COUNTS).then((share + of_line).round(6)).otherwise(0.0).alias(RETURNED))


def _share_without_tax() -> pl.Expr:
    """Return the share of a refund that is for goods if tax is added to prices; 1 if prices include tax.

    The order total shows this: the total is goods plus shipping, with or without tax.
    """
    goods = pl.coalesce("order_net", _sum(pl.col("net")))
    tax = pl.col("order_tax")
    on_top = (pl.col("order_total") - goods - pl.col("order_shipping").fill_null(0.0) - tax).abs() < TOLERANCE
    share = pl.when(on_top & (tax > TOLERANCE) & (goods > 0)).then(goods / (goods + tax))
    return share.fill_null(1.0)


def _spread(lines: pl.DataFrame, amount: str, weight: pl.Expr) -> pl.Expr:
    """Return an order amount spread in proportion to ``weight`` over the lines with ``COUNTS``.

    The rounded shares add up to the amount exactly.
    """
    counted = pl.when(COUNTS).then(weight).otherwise(0.0)
    lines_of = pl.when(COUNTS).then(1.0).otherwise(0.0)
    chosen = pl.when(counted.sum().over(ORDER) > 0).then(counted).otherwise(lines_of)
    weights = lines.select(chosen.alias(_WEIGHT), ORDER, amount, "currency")
    value = weights.select(
        ORDER,
        total=pl.col(_WEIGHT).sum().over(ORDER),
        until=pl.col(_WEIGHT).cum_sum().over(ORDER),
        amount=pl.col(amount),
        unit=pl.lit(10.0).pow(digits_of(pl.col("currency")).fill_null(DEFAULT_DIGITS)),
    )
    rounded = (pl.col("amount") * pl.col("until") / pl.col("total") * pl.col("unit")).round() / pl.col("unit")
    until = pl.when(pl.col("until") >= pl.col("total") * (1 - ROUNDING)).then("amount").otherwise(rounded)
    value = value.with_columns(until.alias("until"))
    share = pl.col("until") - pl.col("until").shift(1).over(ORDER).fill_null(0.0)
    return pl.lit(value.select(share.fill_null(0.0).fill_nan(0.0).round(6)).to_series())
