"""Outcome of earlier warnings whose horizon has passed: precision, recall and lead time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.warning_levels import is_warning

if TYPE_CHECKING:
    from ckm._churn.saved_warnings import EarlierWarnings


@dataclass(frozen=True)
class Outcome:
    """Precision, recall and lead time of the warnings of an earlier run.

    Attributes
    ----------
    as_of, horizon
        As-of date and horizon of the run.
    customers, churned
        Number of customers with a purchase up to that day, and how many of them churned.
    warned, warned_churned
        Number of customers with a warning, and how many of them churned.
    median_days_before
        Median lead time of churned customers with a warning: days from the first warning to the last day on which the
        customer could be retained (``gone_on``); None without such customers.
    """

    as_of: date
    horizon: int
    customers: int
    churned: int
    warned: int
    warned_churned: int
    median_days_before: float | None

    @property
    def sentence(self) -> str:
        """Precision, recall and lead time of the warnings, as one sentence."""
        ends = self.as_of + timedelta(days=self.horizon)
        precision = (
            f"of {self.warned:,} customers with a warning on {self.as_of}, {self.warned_churned:,} churned by {ends}"
        )
        recall = f"of {self.churned:,} churned customers, {self.warned_churned:,} had a warning"
        lead_time = (
            f"; median lead time {self.median_days_before:g} days" if self.median_days_before is not None else ""
        )
        return f"{precision}; {recall}{lead_time}"


def warning_outcome(earlier: EarlierWarnings, since: pl.DataFrame, *, horizon: int) -> Outcome:
    """Return precision, recall and lead time of the warnings of a run whose horizon has passed.

    Parameters
    ----------
    earlier
        Result of :func:`ckm._churn.saved_warnings.closed_warnings`.
    since
        One row per customer with a purchase by the day of the run: customer_id, next_order (Date of the first purchase
        after that day; null without one).
    horizon
        Horizon of the run in days.
    """
    ends = earlier.as_of + timedelta(days=horizon)
    bought = (pl.col("next_order") > earlier.as_of) & (pl.col("next_order") <= ends)
    turned_out = since.select("customer_id", churned=~bought.fill_null(False)).join(
        earlier.frame.filter(is_warning()).with_columns(warned=pl.lit(True)), on="customer_id", how="left"
    )
    warned = turned_out.filter(pl.col("warned"))
    churned = warned.filter(pl.col("churned"))
    days = churned.select((pl.col("gone_on") - pl.col("first_warned_on")).dt.total_days().median()).item()
    return Outcome(
        earlier.as_of,
        horizon,
        turned_out.height,
        turned_out.filter(pl.col("churned")).height,
        warned.height,
        churned.height,
        days,
    )
