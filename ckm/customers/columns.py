"""Columns of the feature table, as expressions over a frame of sums with one row per customer.

The sums come from :mod:`ckm.customers.feature_sums`; they are null for a customer without a purchase.
``ckm/data/features.yaml`` describes each column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.models.purchase_interval import shrunk_gap

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

WEEKDAYS = range(1, 8)
"""Monday to Sunday, in the order of ISO 8601."""
OTHER = "other"
"""Name under which all channels but the most common ones are counted together."""
SHARE_DIGITS = 12
"""Decimals to which a share is rounded: polars multiplies by the reciprocal of a constant divisor, so that 40 ÷ 100
would be 0.39999999999999997."""
MONEY_DIGITS = 4
"""Decimals to which a mean of money is rounded."""
TREND_DIGITS = 6
DAYS_A_YEAR = 365.25
FEWEST_TREND_DAYS = 3
"""Fewest purchase days for a trend: a line through two points says nothing about a trend."""


def amount(column: str, scale: int) -> pl.Expr:
    """Convert integers of ``1 / scale`` to money in the unit of the currency."""
    # polars multiplies by the reciprocal of a constant divisor, which turns 825767.051 into 825767.0510000001
    return (pl.col(column) / scale).round(len(str(scale)) - 1)


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Return ``part`` ÷ ``whole``; null if the whole is not positive."""
    return pl.when(whole > 0).then((part / whole).round(SHARE_DIGITS))


def margin(period: str, margin_share: float | None) -> pl.Expr:
    """Return an expression: net minus cost of a period.

    Net without a known cost is multiplied by ``margin_share``; if that is None, it counts in full.
    """
    net, costed, cost = (pl.col(f"{period}_{name}") for name in ("net", "costed", "cost"))
    without_cost = net - costed
    if margin_share is not None:
        without_cost = (without_cost * margin_share).round(0).cast(pl.Int64)
    return costed - cost + without_cost


def interpurchase_columns(as_of: date, median_interpurchase_days: float | None, gap_p80: float | None) -> list[pl.Expr]:
    """Return tenure and purchase intervals; a customer's median and 80th percentile are shrunk to the population's."""
    gaps = (pl.col("days") - 1).clip(lower_bound=0)
    gaps_before = (gaps - 1).clip(lower_bound=0)
    return [
        pl.col("first_purchase"),
        (pl.lit(as_of) - pl.col("first_purchase")).dt.total_days().alias("tenure_days"),
        gaps.alias("gaps"),
        pl.col("interval").alias("purchase_interval_days"),
        pl.col("before_interval").alias("purchase_interval_days_before"),
        shrunk_gap(pl.col("median_interpurchase_days"), gaps, median_interpurchase_days).alias("gap_median_days"),
        shrunk_gap(pl.col("gap_p80"), gaps, gap_p80).alias("gap_p80_days"),
        pl.col("gap_last").alias("gap_last_days"),
        shrunk_gap(pl.col("before_median"), gaps_before, median_interpurchase_days).alias("usual_gap_days_before"),
        shrunk_gap(pl.col("before_p80"), gaps_before, gap_p80).alias("gap_p80_days_before"),
    ]


def spend_columns(scale: int, margin_share: float | None, *, cost_known: bool) -> list[pl.Expr]:
    """Return the spend of the last and the previous 12 months (periods ``year`` and ``previous``)."""
    known = share(pl.col("year_bought_costed"), pl.col("year_bought"))
    money = pl.struct(
        pl.col("year_net").fill_null(0).alias("spend_12mo"),
        pl.col("previous_net").fill_null(0).alias("spend_previous_12mo"),
        margin("year", margin_share).fill_null(0).alias("margin_12mo"),
    )
    return [
        *(
            (money.struct.field(name) / scale).round(len(str(scale)) - 1).alias(name)
            for name in ("spend_12mo", "spend_previous_12mo", "margin_12mo")
        ),
        (known if cost_known else pl.lit(None, dtype=pl.Float64)).alias("cost_known_share"),
    ]


def order_value_columns(scale: int) -> list[pl.Expr]:
    """Return the average order value, and the trend of the value of a purchase day.

    The slope of ordinary least squares of money ``v`` on time ``x``, ``(n Sxv - Sx Sv) / (n Sxx - Sx Sx)``, is computed
    from integer sums in 128 bits, so that equal days have a trend of exactly zero.
    """
    n, x, v, xx, xv = (pl.col(name).cast(pl.Int128) for name in ("days", "sum_x", "sum_v", "sum_xx", "sum_xv"))
    slope = (n * xv - x * v).cast(pl.Float64) / (n * xx - x * x).cast(pl.Float64)
    relative = slope * DAYS_A_YEAR * pl.col("days") / pl.col("sum_v")
    return [
        (pl.col("all_bought") / pl.col("orders") / scale).round(MONEY_DIGITS).alias("order_value_mean"),
        pl.when(pl.col("sum_v") > 0)
        .then(pl.when(pl.col("days") < FEWEST_TREND_DAYS).then(0.0).otherwise(relative.round(TREND_DIGITS)))
        .alias("order_value_trend"),
    ]


def behaviour_columns(
    channels: Sequence[str], *, rest: bool, category_known: bool, channel_known: bool, discount_known: bool
) -> list[pl.Expr]:
    """Return the columns of categories, discounts, returns, channels and weekdays.

    Parameters
    ----------
    channels
        Channels with a share column each.
    rest
        Whether the data have further channels, which share one column.
    category_known, channel_known, discount_known
        Whether any customer has a category, channel or discount; otherwise the feature is null, not zero.
    """
    bought, discount = pl.col("all_bought"), pl.col("discount")
    columns = {
        "categories": _known(pl.col("category_values").fill_null(0), category_known),
        "category_main": _known(pl.col("category_main"), category_known, pl.String),
        "discount_share": _known(share(discount, bought + discount), discount_known, pl.Float64),
        "return_share": share(bought - pl.col("all_net"), bought).fill_null(0.0),
        "channel_main": _known(pl.col("channel_main"), channel_known, pl.String),
        "channels": _known(pl.col("channel_values").fill_null(0), channel_known),
    }
    for channel in [*channels, *([OTHER] if rest else [])]:
        columns[f"channel_share_{channel}"] = share(pl.col(f"days_{channel}"), pl.col("channel_total"))
    return [column.alias(name) for name, column in columns.items()] + _weekday_columns()


def _weekday_columns() -> list[pl.Expr]:
    names = [f"weekday_{day}" for day in WEEKDAYS]
    most = pl.max_horizontal(names)
    first = pl.coalesce(pl.when(pl.col(name) == most).then(day) for day, name in zip(WEEKDAYS, names, strict=True))
    weekend = pl.col("weekday_6") + pl.col("weekday_7")
    return [
        first.cast(pl.Int8).alias("weekday_main"),
        share(most, pl.col("days")).alias("weekday_main_share"),
        share(weekend, pl.col("days")).alias("weekend_share"),
    ]


def _known(column: pl.Expr, known: bool, dtype: type[pl.DataType] = pl.Int64) -> pl.Expr:
    return column if known else pl.lit(None, dtype=dtype)
