"""Weekly demand of products or categories from the transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.coverage import several_currencies_error
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.required_tables import readable

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm._forecast.segment_blocks import SegmentBlocks

GUESTS, FIRST_TIME = "(guests)", "(first-time buyers)"
"""Segments of purchases without a customer, and of customers without a purchase before the weeks of the forecast."""
UNITS, BUYERS, REVENUE = "units", "buyers", "revenue"
MEASURES = (UNITS, BUYERS, REVENUE)


@dataclass(frozen=True)
class WeeklyDemand:
    """Weekly demand of each item, or of each item and segment.

    Attributes
    ----------
    series
        One row per series, sorted: ``item``, ``segment`` (only with segments), ``buyers`` (number of distinct customers
        and of orders of guests), ``weeks_sold`` (weeks from the first sale of the item to the as-of date).
    values
        Demand per series and week, oldest week first, in units of the measure; shape (series, weeks).
    without_item
        Number of purchase lines without an item.
    """

    series: pl.DataFrame
    values: NDArray[np.float64]
    without_item: int


def weekly_demand(
    transactions: pl.LazyFrame,
    column: str,
    measure: str,
    *,
    first: date,
    as_of: date,
    time_zone: str,
    segments: SegmentBlocks | None = None,
) -> WeeklyDemand:
    """Sum the demand of each item by week. Weeks have seven days; the last week ends on the as-of date.

    Parameters
    ----------
    transactions
        Transactions, one row per line.
    column
        Column of the items: ``product_id`` or ``category``.
    measure
        ``units``: sum of quantities, where a missing quantity is 1; ``buyers``: distinct customers per week, where each
        order of a guest counts one; ``revenue``: net sales of purchases. Returns are left out.
    first, as_of
        First day of the data, and last day of the last week.
    time_zone
        Time zone of the days.
    segments
        Segments of the customers by which the demand is divided; None does not divide it.

    Raises
    ------
    UsageError
        The revenue is in several currencies.
    """
    rows = _purchases(transactions, column, first, as_of, time_zone)
    weeks = ((as_of - first).days + 1) // 7
    keys = ["item"]
    if segments is not None:
        keys, weeks = ["item", "segment"], min(weeks, segments.weeks)
        rows = segments.joined(rows)
    sold = rows.filter(pl.col("item").is_not_null(), pl.col("week") < weeks)
    demand = pl.col("buyer").n_unique().cast(pl.Float64) if measure == BUYERS else pl.col(measure).sum()
    with readable():
        cells, series, ages, counts = pl.collect_all(
            [
                sold.group_by(*keys, "week").agg(demand=demand),
                sold.group_by(keys).agg(buyers=pl.col("buyer").n_unique()),
                rows.group_by("item").agg(weeks_sold=pl.col("week").max() + 1),
                rows.select(missing=pl.col("item").is_null().sum(), currencies=pl.col("currency").unique().implode()),
            ],
            engine="streaming",
        )
    currencies = sorted(each for each in counts["currencies"][0] if each is not None)
    if measure == REVENUE and len(currencies) > 1:
        raise several_currencies_error(currencies)
    series = series.join(ages, on="item", how="left").sort(keys)
    numbered = series.select(*keys, number=pl.int_range(pl.len()))
    placed = cells.join(numbered, on=keys)
    values = np.zeros((series.height, weeks))
    values[placed["number"].to_numpy(), weeks - 1 - placed["week"].to_numpy()] = placed["demand"].to_numpy()
    return WeeklyDemand(series, values, int(counts["missing"][0] or 0))


def _purchases(transactions: pl.LazyFrame, column: str, first: date, as_of: date, time_zone: str) -> pl.LazyFrame:
    """Return the purchase lines of whole weeks: item, customer, buyer, ``week`` (0 is the last), amounts and currency.

    Lines with a negative quantity are corrections of the stock, not purchases, and are left out.
    """
    schema = transactions.collect_schema()
    quantity = pl.col("quantity").cast(pl.Float64).fill_null(1.0) if "quantity" in schema else pl.lit(1.0)
    order = pl.col("order_id").cast(pl.String) if "order_id" in schema else pl.col("ordered_at").cast(pl.String)
    day = local_day("ordered_at", time_zone)
    begin = as_of - timedelta(days=max(((as_of - first).days + 1) // 7, 1) * 7 - 1)
    return (
        transactions.filter(is_purchase(), day.is_between(begin, as_of))
        .select(
            item=pl.col(column).cast(pl.String),
            customer_id=pl.col("customer_id").cast(pl.String),
            buyer=pl.coalesce(pl.col("customer_id").cast(pl.String), pl.concat_str(pl.lit("\0"), order)),
            week=(pl.lit(as_of) - day).dt.total_days() // 7,
            units=quantity,
            revenue=pl.col("net"),
            currency=pl.col("currency").cast(pl.String) if "currency" in schema else pl.lit(None, pl.String),
        )
        .filter(pl.col("units") >= 0)
    )
