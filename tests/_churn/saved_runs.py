"""Saved runs of warnings for tests: customers with a churn probability, compared with the last run and saved."""

from __future__ import annotations

from datetime import date

import polars as pl

from ckm._churn.saved_warnings import WarningRun, last_warnings
from ckm._churn.warning_changes import WarningChanges, compare
from ckm._churn.warning_levels import LEVELS, Thresholds
from ckm.store import Store

MAY, JUNE, JULY = date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31)
HORIZON, MARGIN = 30, 0.1
LIMITS = Thresholds(0.5, 0.7, 0.85)
FACTS = {"model": "rule"}
SCHEMA = {
    "customer_id": pl.String,
    "p_churn": pl.Float64,
    "level": pl.String,
    "suppressed": pl.String,
    "last_order": pl.Date,
    "days_left": pl.Int64,
}


def level(p: float) -> str | None:
    reached = [name for name in LEVELS if p >= getattr(LIMITS, name)]
    return reached[-1] if reached else None


def now(bought: date | None = None, **customers: float | tuple[float, str]) -> pl.DataFrame:
    """Return customers with a churn probability; with a text, they are suppressed for this reason."""
    given = {name: each if isinstance(each, tuple) else (each, None) for name, each in customers.items()}
    return pl.DataFrame(
        [(name, p, level(p), suppressed, bought or date(2026, 1, 1), 40) for name, (p, suppressed) in given.items()],
        schema=SCHEMA,
        orient="row",
    )


def run(store: Store, as_of: date, frame: pl.DataFrame) -> WarningChanges:
    """Compare the warnings with those of the last run, and save them."""
    compared = compare(frame, last_warnings(store, HORIZON, as_of), as_of=as_of, margin=MARGIN)
    WarningRun(store, compared.frame, as_of, HORIZON, FACTS).save()
    return compared


def change_of(comparison: WarningChanges) -> dict[str, str | None]:
    """Return the change of the warning by customer."""
    return dict(comparison.frame.select("customer_id", "change").iter_rows())


def first_warned(comparison: WarningChanges) -> dict[str, date | None]:
    """Return the first day of the series of warnings by customer."""
    return dict(comparison.frame.select("customer_id", "first_warned_on").iter_rows())
