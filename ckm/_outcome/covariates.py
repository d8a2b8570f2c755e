"""Covariates of the members of an audience, measured before the assignment."""

from __future__ import annotations

import polars as pl


def complete_risk() -> pl.Expr:
    """Return an expression of the column ``risk`` without nulls.

    A null (a person without a purchase) becomes the maximum of the column; 0 if all values are null.
    """
    return pl.col("risk").fill_null(pl.col("risk").max()).fill_null(0.0)
