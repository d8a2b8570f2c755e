"""The usual time between two purchases, of a customer of whom little is known."""

from __future__ import annotations

import polars as pl

PRIOR_GAPS = 3
"""How many own gaps weigh as much as what is known of everybody."""
GAP_DIGITS = 3
"""Decimals of a day; below them platforms differ in the last bit of a logarithm."""


def shrunk_gap(own: pl.Expr, gaps: pl.Expr, population: float | None) -> pl.Expr:
    """Own typical gap, drawn towards the population's the more, the fewer gaps there are.

    On the logarithm of days, because gaps spread by factors: ``exp((n log own + k log population) / (n + k))`` with
    ``n`` own gaps and ``k`` = :data:`PRIOR_GAPS`. That is Buehlmann's credibility ``Z = n / (n + k)`` (Experience
    rating and credibility, ASTIN Bulletin 4(3), 1967, pp. 199-207).

    Parameters
    ----------
    own
        Days, at least 1; null where there is no gap.
    gaps
        Number of own gaps, zero where there is none.
    population
        Days, at least 1; None where nobody has a gap.

    Returns
    -------
    pl.Expr
        Days (Float64); the population's where there is no own gap; null where nobody has one.
    """
    if population is None:
        return pl.lit(None, dtype=pl.Float64)
    own_part = (gaps * own.cast(pl.Float64).log()).fill_null(0.0)
    known = pl.lit(population, dtype=pl.Float64)
    drawn = ((own_part + PRIOR_GAPS * known.log()) / (gaps + PRIOR_GAPS)).exp().round(GAP_DIGITS)
    return pl.when(own.is_null()).then(known).otherwise(drawn)


def population_gap(histogram: pl.DataFrame, share: float) -> float | None:
    """Quantile of the gaps of all customers, each customer weighing the same.

    A gap of a customer with ``n`` gaps weighs ``1 / n``. Were each gap to weigh the same, the few who buy every week
    would set what is usual for the many who buy twice a year.

    Parameters
    ----------
    histogram
        ``gap`` (days), ``gaps_of_customer``, ``count``.
    share
        Of the weight that lies at or below the quantile.

    Returns
    -------
    float | None
        The smallest gap that at least ``share`` of the weight does not exceed; None where there is no gap.
    """
    weights = (
        histogram.sort("gap", "gaps_of_customer")
        .with_columns(weight=pl.col("count") / pl.col("gaps_of_customer"))
        .with_columns(below=pl.col("weight").cum_sum())
    )
    if weights.is_empty():
        return None
    tolerance = 1e-9  # of a customer: sums of thirds do not meet whole numbers
    enough = weights.filter(pl.col("below") >= share * weights["below"][-1] - tolerance)
    return float(enough["gap"][0])
