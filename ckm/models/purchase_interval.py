"""Purchase interval of a customer, shrunk towards the interval of all customers."""

from __future__ import annotations

import polars as pl

PRIOR_GAPS = 3
"""Weight of the population's interval, in intervals of the customer."""
GAP_DIGITS = 3
"""Decimals of an interval in days; further digits differ between platforms."""


def shrunk_gap(own: pl.Expr, gaps: pl.Expr, population: float | None) -> pl.Expr:
    """Return a customer's interval, shrunk towards the population's; the fewer intervals the customer has, the more.

    On the log scale, because intervals differ by factors: ``exp((n log own + k log population) / (n + k))`` with ``n``
    intervals of the customer and ``k`` = :data:`PRIOR_GAPS`. This is Bühlmann's credibility ``Z = n / (n + k)``
    (Experience rating and credibility, ASTIN Bulletin 4(3), 1967, pp. 199-207).

    Parameters
    ----------
    own
        Quantile of the customer's intervals in days, at least 1; null without intervals.
    gaps
        Number of the customer's intervals.
    population
        The same quantile of the population in days, at least 1; None without intervals.

    Returns
    -------
    pl.Expr
        Days (Float64): ``population`` if ``own`` is null; null if ``population`` is None.
    """
    if population is None:
        return pl.lit(None, dtype=pl.Float64)
    own_part = (gaps * own.cast(pl.Float64).log()).fill_null(0.0)
    known = pl.lit(population, dtype=pl.Float64)
    drawn = ((own_part + PRIOR_GAPS * known.log()) / (gaps + PRIOR_GAPS)).exp().round(GAP_DIGITS)
    return pl.when(own.is_null()).then(known).otherwise(drawn)


def population_gap(histogram: pl.DataFrame, share: float) -> float | None:
    """Return a quantile of the purchase intervals of all customers, with equal weight per customer.

    Each interval of a customer with ``n`` intervals has the weight ``1 / n``. With equal weight per interval, a few
    weekly buyers would determine the quantile.

    Parameters
    ----------
    histogram
        ``gap`` (length in days), ``gaps_of_customer`` (number of intervals of the customer), ``count`` (of intervals).
    share
        Share of the weight at or below the quantile.

    Returns
    -------
    float | None
        Smallest interval with at least ``share`` of the weight at or below it, in days; None without intervals.
    """
    weights = (
        histogram.sort("gap", "gaps_of_customer")
        .with_columns(weight=pl.col("count") / pl.col("gaps_of_customer"))
        .with_columns(below=pl.col("weight").cum_sum())
    )
    if weights.is_empty():
        return None
    tolerance = 1e-9  # in customers, for rounding errors of sums
    enough = weights.filter(pl.col("below") >= share * weights["below"][-1] - tolerance)
    return float(enough["gap"][0])
