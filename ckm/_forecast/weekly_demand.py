"""Weekly demand of products or categories from the transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.required_tables import readable

if TYPE_CHECKING:
    from numpy.typing import NDArray

GUESTS, UNASSIGNED = "(guests)", "(no segment)"
"""Segments of purchases without a customer, and of customers without a segment."""
UNITS, BUYERS, REVENUE = "units", "buyers", "revenue"
MEASURES = (UNITS, BUYERS, REVENUE)


@dataclass(frozen=True)
class WeeklyDemand:
    """Demand per week.

    Attributes
    ----------
    series
        One row per series, sorted: ``item``, ``segment`` (null without segments), ``customers`` (distinct customers).
    values
        Demand per series and week, oldest week first; shape (series, weeks).
    first
        First day of the first week. Weeks have seven days, and the last one ends on the as-of date.
    without_item
        Number of purchase lines without an item.
    """

    series: pl.DataFrame
    values: NDArray[np.float64]
    first: date
    without_item: int


def weekly_demand(
    transactions: pl.LazyFrame,
    column: str,
    measure: str,
    *,
    as_of: date,
    time_zone: str,
    segments: pl.DataFrame | None = None,
) -> WeeklyDemand:
    """Return the demand per week up to a day.

    Parameters
    ----------
    transactions
        Transactions.
    column
        ``product_id`` or ``category``.
    measure
        ``units``: sum of quantities, where a missing one is 1; ``buyers``: distinct customers per week, where each
        purchase day of guests counts one per order; ``revenue``: net sales of purchases. Returns are left out.
    as_of
        Last day of the last week.
    time_zone
        Time zone of the days.
    segments
        ``customer_id`` and ``segment`` by which the demand is divided; None without.
    """
    schema = transactions.collect_schema()
    quantity = pl.col("quantity").cast(pl.Float64).fill_null(1.0) if "quantity" in schema else pl.lit(1.0)
    order = pl.col("order_id").cast(pl.String) if "order_id" in schema else pl.col("ordered_at").cast(pl.String)
    day = local_day("ordered_at", time_zone)
    rows = transactions.filter(is_purchase()).select(
        item=pl.col(column).cast(pl.String),
        customer_id=pl.col("customer_id").cast(pl.String),
        buyer=pl.coalesce(pl.col("customer_id").cast(pl.String), pl.concat_str(pl.lit("\0"), order)),
        week=(pl.lit(as_of) - day).dt.total_days() // 7,
        units=quantity,
        revenue=pl.col("net"),
    )
    rows = rows.filter(pl.col("week") >= 0)
    if segments is not None:
        known = segments.select("customer_id", "segment").lazy()
        rows = rows.join(known, on="customer_id", how="left").with_columns(
            segment=pl.when(pl.col("customer_id").is_null())
            .then(pl.lit(GUESTS))
            .otherwise(pl.col("segment").fill_null(UNASSIGNED))
        )
    keys = ["item"] if segments is None else ["item", "segment"]
    demand = pl.col("buyer").n_unique().cast(pl.Float64) if measure == BUYERS else pl.col(measure).sum()
    with readable():
        cells, customers, counts = pl.collect_all(
            [
                rows.filter(pl.col("item").is_not_null()).group_by(*keys, "week").agg(demand=demand),
                rows.filter(pl.col("item").is_not_null())
                .group_by(keys)
                .agg(customers=pl.col("customer_id").drop_nulls().n_unique()),
                rows.select(missing=pl.col("item").is_null().sum(), weeks=pl.col("week").max()),
            ],
            engine="streaming",
        )
    series = customers.sort(keys)
    if segments is None:
        series = series.with_columns(segment=pl.lit(None, pl.String)).select("item", "segment", "customers")
    weeks = _whole_weeks(transactions, as_of, time_zone)
    numbered = series.with_row_index("number").select(*keys, "number")
    placed = cells.filter(pl.col("week") < weeks).join(numbered, on=keys)
    values = np.zeros((series.height, weeks))
    values[placed["number"].to_numpy(), weeks - 1 - placed["week"].to_numpy()] = placed["demand"].to_numpy()
    first = as_of - timedelta(days=7 * weeks - 1)
    return WeeklyDemand(series, np.maximum(values, 0.0), first, int(counts["missing"][0] or 0))


def _whole_weeks(transactions: pl.LazyFrame, as_of: date, time_zone: str) -> int:
    """Return the number of whole weeks from the first transaction to the as-of date."""
    with readable():
        first = transactions.select(local_day("ordered_at", time_zone).min()).collect(engine="streaming").item()
    return 0 if first is None or first > as_of else ((as_of - first).days + 1) // 7
