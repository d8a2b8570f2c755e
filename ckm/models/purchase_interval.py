"""Purchase interval of a customer, shrunk towards that of all customers."""

from __future__ import annotations

import polars as pl

PRIOR_GAPS = 3
"""Weight of the prior, in own intervals."""
GAP_DIGITS = 3
"""Decimals of a day; further digits differ between platforms."""


def shrunk_gap(own: pl.Expr, gaps: pl.Expr, population: float | None) -> pl.Expr:
    """Return the own interval, shrunk towards that of the population; more with fewer own intervals.

    On the log scale, because intervals differ by factors: ``exp((n log own + k log population) / (n + k))`` with
    ``n`` own gaps and ``k`` = :data:`PRIOR_GAPS`. That is Buehlmann's credibility ``Z = n / (n + k)`` (Experience
    rating and credibility, ASTIN Bulletin 4(3), 1967, pp. 199-207).

    Parameters
    ----------
    own
        Own interval in days, at least 1; null without one.
    gaps
        Number of own intervals.
    population
        Interval of the population in days, at least 1; None without any.

    Returns
    -------
    pl.Expr
        Days (Float64); the population's without an own interval; null without any.
    """
    if population is None:
        return pl.lit(None, dtype=pl.Float64)
    own_part = (gaps * own.cast(pl.Float64).log()).fill_null(0.0)
    known = pl.lit(population, dtype=pl.Float64)
    drawn = ((own_part + PRIOR_GAPS * known.log()) / (gaps + PRIOR_GAPS)).exp().round(GAP_DIGITS)
    return pl.when(own.is_null()).then(known).otherwise(drawn)


def population_gap(histogram: pl.DataFrame, share: float) -> float | None:
    """Return a quantile of the purchase intervals of all customers, with equal weight per customer.

    An interval of a customer with ``n`` intervals has the weight ``1 / n``. With equal weight per interval, the few
    weekly buyers would set the quantile of all.

    Parameters
    ----------
    histogram
        ``gap`` (days), ``gaps_of_customer``, ``count``.
    share
        Share of the weight at or below the quantile.

    Returns
    -------
    float | None
        Smallest interval with at least ``share`` of the weight at or below it; None without any.
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
