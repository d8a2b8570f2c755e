"""Accuracy of the saved spend forecasts of earlier reports, compared with the actual spend.

The expected spend is saved in the workspace's run history. A run is identified by its horizon and day. A report uses
only runs whose horizon ended by its as-of date, so that a report as of a past day does not change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.period import Period
from ckm.metrics.metric import Metric, Missing

if TYPE_CHECKING:
    from ckm.metrics.context import ReportContext
    from ckm.metrics.lifetime import Lifetime
    from ckm.store import Run, Store

ANALYSIS = "expected_spend"
VERSION = 1
MONEY_DIGITS = 2


@dataclass(frozen=True)
class ScoredSpend:
    """A saved spend forecast, and the actual spend.

    Attributes
    ----------
    as_of, until
        Day of the forecast, and the last day of its horizon.
    customers
        Number of customers of the forecast who are still in the data.
    expected, came
        Expected and actual spend over the horizon, after returns.
    """

    as_of: date
    until: date
    customers: int
    expected: float
    came: float


def save_and_score(context: ReportContext, lifetime: Lifetime | Missing, *, keep: bool) -> ScoredSpend | None:
    """Save the expected spend if ``keep``, and return the accuracy of the newest saved forecast that can be scored.

    None for a file, which has no run history.
    """
    workspace = context.workspace
    if workspace is None:
        return None
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    store = Store(workspace.store_dir)
    if keep and workspace.writable and not isinstance(lifetime, Missing):
        save_expected_spend(store, lifetime, context.as_of)
    return score_expected_spend(context, store)


def save_expected_spend(store: Store, lifetime: Lifetime, as_of: date) -> None:
    """Save the expected spend of each customer as a run; a repeated call with equal values changes nothing."""
    frame = pl.DataFrame(
        {"customer_id": lifetime.customers, "expected_spend": pl.Series(lifetime.spend).round(MONEY_DIGITS)}
    )
    facts = {"model": lifetime.model.name}
    store.save_run(ANALYSIS, f"{lifetime.horizon_days}d", VERSION, as_of, frame, facts)


def score_expected_spend(context: ReportContext, store: Store) -> ScoredSpend | None:
    """Return the newest saved forecast whose horizon has ended, with the actual spend; None without one.

    A horizon that ends after the data has not ended.

    Parameters
    ----------
    context
        Context of all customers.
    store
        Store with the saved runs.
    """
    last = context.data_end or context.as_of
    runs = [run for run in store.runs(ANALYSIS) if _until(run) <= last]
    if not runs:
        return None
    newest = max(runs, key=lambda run: (run.as_of, run.number))
    ledger = context.ledger
    came = ledger.net_between(Period(newest.as_of + timedelta(1), _until(newest)))
    known = pl.DataFrame({"customer_id": ledger.customers, "came": came})
    saved = store.read_run(newest, ["customer_id", "expected_spend"])
    both = saved.join(known, on="customer_id", how="inner").sort("customer_id")
    return ScoredSpend(
        as_of=newest.as_of,
        until=_until(newest),
        customers=both.height,
        expected=round(float(both["expected_spend"].sum()), MONEY_DIGITS),
        came=round(ledger.money(int(both["came"].sum())), MONEY_DIGITS),
    )


def forecast_accuracy_metrics(scored: ScoredSpend | None) -> tuple[Metric, ...]:
    """Return ``spend_expected`` and ``spend_came``; nothing without a saved forecast whose horizon has ended."""
    if scored is None:
        return ()
    values = (("spend_expected", scored.expected), ("spend_came", scored.came))
    return tuple(Metric(name, value, n=scored.customers) for name, value in values)


def _until(run: Run) -> date:
    return run.as_of + timedelta(days=int(run.name.removesuffix("d")))
