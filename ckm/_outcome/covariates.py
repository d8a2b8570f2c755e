"""Covariates of the persons of an audience, from before the assignment."""

from __future__ import annotations

import polars as pl


def complete_risk() -> pl.Expr:
    """Return the column ``risk`` without nulls: persons without a purchase get the largest risk of all others."""
    return pl.col("risk").fill_null(pl.col("risk").max()).fill_null(0.0)
