"""Saved warnings: runs of ``ckm churn-warn`` in the store of a workspace.

Horizon and as-of date identify a run; each horizon has its own run history. A run reads only runs with an earlier as-of
date, so a repeated run, or a run as of a past day, gives the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.store import Run, Store

ANALYSIS = "warnings"
VERSION = 1
RUN_COLUMNS = {
    "customer_id": pl.String(),
    "p_churn": pl.Float64(),
    "p_reported": pl.Float64(),
    "level": pl.String(),
    "suppressed": pl.String(),
    "first_warned_on": pl.Date(),
    "gone_on": pl.Date(),
}
"""Columns saved per customer with a level. ``p_reported`` is the probability of the last run in which the warning was
new, worse or better; ``gone_on`` is the last day on which the customer can still be retained."""
REPORT_COLUMNS = {"value_at_risk": pl.Float64(), "reasons": pl.String(), "unanswered": pl.Boolean()}
"""Columns saved for reports: value at risk; codes of the churn reasons, separated by spaces, top reason first; whether
no knowledge entry answers any of them. Null in runs of earlier versions without these columns."""


@dataclass(frozen=True)
class EarlierWarnings:
    """Saved warnings of an earlier run.

    Attributes
    ----------
    as_of
        As-of date of the run.
    frame
        :data:`RUN_COLUMNS` and :data:`REPORT_COLUMNS`, one row per customer with a level, sorted by ``customer_id``.
    facts
        Facts of the run as a whole, such as its model.
    horizon
        Horizon of the run in days.
    """

    as_of: date
    frame: pl.DataFrame
    facts: Mapping[str, Any]
    horizon: int = 0


@dataclass(frozen=True)
class WarningRun:
    """Warnings of a run, to be saved in the workspace.

    Attributes
    ----------
    store
        Store of the workspace.
    compared
        Frame of :func:`ckm._churn.warning_changes.compare`, with days_left if the data have dates.
    as_of, horizon
        As-of date of the run, and its horizon in days.
    facts
        Facts of the run as a whole, such as its model; nothing about single customers.
    """

    store: Store
    compared: pl.DataFrame
    as_of: date
    horizon: int
    facts: Mapping[str, Any]

    def save(self) -> None:
        """Save the customers with a level; saving the same run again changes nothing."""
        left = pl.col("days_left") if "days_left" in self.compared.columns else pl.lit(None, pl.Int64)
        gone_on = pl.lit(self.as_of) + pl.duration(days=left)
        saved = (
            self.compared.filter(pl.col("level").is_not_null())
            .with_columns(gone_on=gone_on, **_report_columns(self.compared))
            .select(pl.col(name).cast(dtype) for name, dtype in (RUN_COLUMNS | REPORT_COLUMNS).items())
        )
        self.store.save_run(ANALYSIS, run_name(self.horizon), VERSION, self.as_of, saved, self.facts)


def run_name(horizon: int) -> str:
    """Return the name of the runs of a horizon, such as ``90d``."""
    return f"{horizon}d"


def last_warnings(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return the newest run with this horizon and an as-of date before ``as_of``; None without one."""
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of < as_of])


def same_day_warnings(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return the run with this horizon and this as-of date; None without one."""
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of == as_of])


def closed_warnings(store: Store, horizon: int, as_of: date) -> EarlierWarnings | None:
    """Return the newest run with this horizon whose horizon has passed on ``as_of``; None without one."""
    by = as_of - timedelta(days=horizon)
    return _newest(store, [run for run in store.runs(ANALYSIS, run_name(horizon)) if run.as_of <= by])


def current_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run, of any horizon, whose horizon has not passed on ``as_of``; None without one."""
    runs = [run for run in store.runs(ANALYSIS) if run.as_of <= as_of <= run.as_of + timedelta(days=_days(run))]
    return _newest(store, runs)


def newest_closed_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run, of any horizon, whose horizon has passed on ``as_of``; None without one."""
    runs = [run for run in store.runs(ANALYSIS) if run.as_of + timedelta(days=_days(run)) <= as_of]
    return _newest(store, runs)


def newest_warnings(store: Store, as_of: date) -> EarlierWarnings | None:
    """Return the newest run, of any horizon, with an as-of date up to ``as_of``; None without one."""
    return _newest(store, [run for run in store.runs(ANALYSIS) if run.as_of <= as_of])


def _report_columns(compared: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return an expression for each of :data:`REPORT_COLUMNS`; null where ``compared`` lacks the value."""
    columns = {name: pl.col(name) if name in compared.columns else pl.lit(None) for name in REPORT_COLUMNS}
    if "reasons" in compared.columns:
        raises_churn = pl.element().struct.field("contribution") > 0
        codes = pl.col("reasons").list.eval(pl.element().filter(raises_churn).struct.field("code"))
        columns["reasons"] = codes.list.join(" ").replace("", None)  # no churn reason
    return columns


def _newest(store: Store, runs: list[Run]) -> EarlierWarnings | None:
    if not runs:
        return None
    run = max(runs, key=lambda run: (run.as_of, run.number))
    rows = store.read_run(run, list(RUN_COLUMNS | REPORT_COLUMNS))
    frame = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in (RUN_COLUMNS | REPORT_COLUMNS).items()
    )
    return EarlierWarnings(run.as_of, frame, run.facts, _days(run))


def _days(run: Run) -> int:
    """Return the horizon of a run, from its name."""
    return int(run.name.removesuffix("d"))
