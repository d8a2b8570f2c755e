"""Value at risk by month, from the saved runs of ``ckm churn-warn``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.saved_warnings import ANALYSIS
from ckm.metrics.metric import Metric
from ckm.metrics.monthly import MONTHS

if TYPE_CHECKING:
    from ckm.metrics.context import ReportContext
    from ckm.store import Run

MONEY_DIGITS = 2


def monthly_risk(context: ReportContext) -> tuple[Metric, ...]:
    """Return ``monthly_value_at_risk`` of the last 13 months with a saved run, from the newest run of each month.

    Only runs with the horizon of the newest run count, since the value at risk depends on it. A file has no runs; runs
    of an older ckm without the value at risk are left out. ``n`` is the number of customers with a warning.
    """
    if context.workspace is None:
        return ()
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    store = Store(context.workspace.store_dir)
    runs = sorted((run for run in store.runs(ANALYSIS) if run.as_of <= context.as_of), key=_age)
    newest = {f"{run.as_of:%Y-%m}": run for run in runs if run.name == runs[-1].name}
    metrics = []
    for month, run in list(newest.items())[-MONTHS:]:
        warned = store.read_run(run).filter(pl.col("level").is_not_null())
        if "value_at_risk" in warned.columns and not warned["value_at_risk"].has_nulls():
            # sorted before the sum, so that the order of rows does not change the rounding
            value = round(float(warned["value_at_risk"].sort().sum()), MONEY_DIGITS)
            metrics.append(Metric("monthly_value_at_risk", value, (("month", month),), n=warned.height))
    return tuple(metrics)


def _age(run: Run) -> tuple[object, int]:
    return run.as_of, run.number
