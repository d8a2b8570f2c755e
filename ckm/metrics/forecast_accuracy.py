"""The report scores its own past: the spend that it expected of the customers, against what they spent.

The expected spend is saved in the workspace's run history. A run is known by its horizon and its day. A report sees
only runs whose horizon has passed by its own day, so that a report as of a day in the past gives what it gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.period import Period
from ckm.metrics.metric import Metric

if TYPE_CHECKING:
    from ckm.metrics.context import ReportContext
    from ckm.metrics.lifetime import Lifetime
    from ckm.store import Run, Store

ANALYSIS = "expected_spend"
VERSION = 1
MONEY_DIGITS = 2


@dataclass(frozen=True)
class ScoredSpend:
    """How a saved forecast of the customers' spend turned out.

    Attributes
    ----------
    as_of, until
        Day of the forecast, and the last day of its horizon.
    customers
        Of whom it was made and who are still in the data.
    expected, came
        Money: what they were to spend in that time, and what they spent, after returns.
    """

    as_of: date
    until: date
    customers: int
    expected: float
    came: float


def save_expected_spend(store: Store, lifetime: Lifetime, as_of: date) -> None:
    """Save what is expected of each customer; run twice, nothing changes."""
    frame = pl.DataFrame(
        {"customer_id": lifetime.customers, "expected_spend": pl.Series(lifetime.spend).round(MONEY_DIGITS)}
    )
    facts = {"model": lifetime.model.name}
    store.keep_run(ANALYSIS, f"{lifetime.horizon_days}d", VERSION, as_of, frame, facts)


def score_expected_spend(context: ReportContext, store: Store) -> ScoredSpend | None:
    """Return how the newest saved forecast turned out whose horizon has passed; None where there is none.

    A horizon that ends after the data is not over.

    Parameters
    ----------
    context
        Of all customers.
    store
        With the saved runs.
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
    """Return ``spend_expected`` and ``spend_came``; nothing where no saved forecast can be scored."""
    if scored is None:
        return ()
    values = (("spend_expected", scored.expected), ("spend_came", scored.came))
    return tuple(Metric(name, value, n=scored.customers) for name, value in values)


def _until(run: Run) -> date:
    return run.as_of + timedelta(days=int(run.name.removesuffix("d")))
