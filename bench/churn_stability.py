"""Churn probabilities from one day to the next: the stack at 60 as-of dates in a row.

    python bench/churn_stability.py [cdnow] [retail90] [retail60] [example] [season] [cohort]

At each date everything is learned from the data up to it, as ``ckm churn-warn`` does, and compared with what came.
Bars: the Brier score moves from one day to the next by at most .004 more than recency's; against the model that was
best in hindsight the stack's Brier is not higher on average, and on no day by more than .003; calibration error (ten
bins of equally many customers): Online Retail at most .05 on average at 90 days and .06 at 60, on no day above .10; a
made shop of three years with a known season at most .03; closed cohorts at most .001 Brier worse for the season.
The data lie in ``CKM_SHARED``.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from churn_reasons import make_workspace
from churn_shops import Windows, cdnow
from measure import machine
from relabelling import online_retail
from scipy.special import expit

from ckm._churn.churn_forecast import repeat_purchases
from ckm.customers.history import History, read_history
from ckm.dataset import open_dataset
from ckm.errors import NotEnoughDataError
from ckm.models.backtest import BASELINE, training_set_at
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.stack import STACK, combined, fit_weights
from ckm.models.churn.training import MODELS, train
from ckm.models.cutoffs import Calendar
from ckm.models.metrics import brier, calibration_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckm.models.churn.training_set import TrainingSnapshot

DAYS = 60
START = datetime(2022, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A history, a horizon, and the last as-of date whose outcome is known."""

    name: str
    read: Callable[[], History]
    horizon: int
    every: int = 1


def seasonal_shop(closed: bool) -> pl.LazyFrame:
    """Make a shop whose customers buy most before Christmas, or closed cohorts without a season."""
    random = np.random.default_rng(5)
    days, rows = 3 * 365, []
    rate_by_day = np.ones(days) if closed else 1 + 0.6 * np.cos(2 * np.pi * (np.arange(days) - 340) / 365)
    passed = np.concatenate([[0.0], np.cumsum(rate_by_day)])
    for customer in range(4_000):
        first = int(random.integers(0, 60 if closed else days))
        gap, leaving = 1 / random.gamma(2.0, 1 / 90), random.beta(1, 6)
        time = passed[first]
        while True:
            day = int(np.searchsorted(passed, time, side="right")) - 1
            if day >= days:
                break
            rows.append((f"c{customer:05d}", START + timedelta(days=day), float(random.integers(5, 90))))
            if random.random() < leaving:
                break
            time += 1 + random.exponential(gap)
    schema = {"customer_id": pl.String, "ordered_at": pl.Datetime("us", "UTC"), "net": pl.Float64}
    frame = pl.LazyFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        order_id=pl.int_range(pl.len()).cast(pl.String), currency=pl.lit("EUR"), type=pl.lit("sale")
    )


def example() -> History:
    """Load the example shop into a workspace, as a user would."""
    with tempfile.TemporaryDirectory() as folder:
        make_workspace(Path(folder), seed=0)
        return read_history(open_dataset(Path(folder)).tables)


CASES = {
    "cdnow": Case("CDNOW", lambda: read_history({"transactions": cdnow()}), 90),
    "retail90": Case("Online Retail", lambda: read_history(online_retail()), 90),
    "retail60": Case("Online Retail", lambda: read_history(online_retail()), 60),
    "example": Case("the example shop", example, 90),
    "season": Case("three years with a season", lambda: read_history({"transactions": seasonal_shop(False)}), 60, 4),
    "cohort": Case("closed cohorts", lambda: read_history({"transactions": seasonal_shop(True)}), 60, 4),
}


class Sweep:
    """What each model says as of any day, learned from what was known then; each day once."""

    def __init__(self, history: History, horizon: int) -> None:
        self.history, self.horizon = history, horizon
        self.made = Windows(history, horizon)
        self.windows: dict[int, TrainingSnapshot] = {}
        self.purchase_models = PurchaseModels(repeat_purchases(history))
        self.predicted: dict[int, dict[str, np.ndarray]] = {}

    def window(self, day: int) -> TrainingSnapshot:
        """Return the window of a day, made once."""
        if day not in self.windows:
            self.windows[day] = self.made(day)
        return self.windows[day]

    def calendar(self, day: int) -> Calendar:
        """Return the cut-offs of a history that ends on a day."""
        return Calendar(self.history.first_day, day, self.horizon)

    def models(self, day: int) -> dict[str, np.ndarray]:
        """Return the log odds of each model, learned from what was known on a day."""
        if day not in self.predicted:
            features = self.window(day).features
            past = training_set_at(self.window, self.calendar(day), day, features, purchase_models=self.purchase_models)
            found = {}
            for name in MODELS:
                try:
                    found[name] = train(past, name).log_odds(features)
                except NotEnoughDataError:
                    continue
            self.predicted[day] = found
        return self.predicted[day]

    def stack(self, day: int, without: str = "") -> np.ndarray:
        """Return the log odds of the stack as of a day."""
        tests = self.calendar(day).tests()
        known = [self.models(each) for each in (*tests, day)]
        names = [name for name in MODELS if name != without and all(name in each for each in known)]
        outcomes = [([self.models(each)[name] for name in names], self.window(each).churned) for each in tests]
        weights = fit_weights(names, outcomes)
        return combined([self.models(day)[name] for name in weights], tuple(weights.values()))


def sweep(case: Case) -> None:
    history = case.read()
    last = history.last_day - case.horizon
    of = Sweep(history, case.horizon)
    scores: dict[str, list[tuple[float, float]]] = {}
    skipped = 0
    days = range(last - DAYS + 1, last + 1, case.every)
    for day in days:
        try:
            said = {**of.models(day), STACK: of.stack(day), "no season": of.stack(day, without="seasonal")}
        except NotEnoughDataError:
            skipped += 1
            continue
        churned = of.window(day).churned
        for name, log_odds in said.items():
            probability = np.asarray(expit(log_odds))
            scores.setdefault(name, []).append((brier(churned, probability), calibration_error(churned, probability)))
    show(case, {name: np.array(each) for name, each in scores.items()}, len(days) - skipped, days, skipped)


def show(case: Case, scores: dict[str, np.ndarray], known: int, days: range, skipped: int) -> None:
    first, last = (date(1970, 1, 1) + timedelta(days=each) for each in (days[0], days[-1]))
    every = f", every {case.every} days" if case.every > 1 else ""
    print(
        f"\n{case.name}, {case.horizon} days ahead, as of {first} to {last}{every}; refused on {skipped} of {len(days)}"
    )
    print(f"{'model':12}{'Brier':>9}{'highest':>9}{'step':>9}{'cal. error':>12}{'highest':>9}")
    complete = {name: each for name, each in scores.items() if len(each) == known}
    for name, each in complete.items():
        step = np.abs(np.diff(each[:, 0])).max(initial=0)
        print(
            f"{name:12}{each[:, 0].mean():9.4f}{each[:, 0].max():9.4f}{step:9.4f}"
            f"{each[:, 1].mean():12.4f}{each[:, 1].max():9.4f}"
        )
    stack, peer = complete[STACK][:, 0], complete[BASELINE][:, 0]
    best = min((name for name in complete if name in MODELS), key=lambda name: complete[name][:, 0].mean())
    behind = stack - complete[best][:, 0]
    beyond = (np.abs(np.diff(stack)) - np.abs(np.diff(peer))).max(initial=0)
    print(f"largest step beyond recency's: {beyond:.4f}")
    print(f"stack − {best} (best in hindsight): mean {behind.mean():+.4f}, worst day {behind.max():+.4f}")
    print(f"stack with and without the seasonal model: {(stack - complete['no season'][:, 0]).mean():+.5f} Brier")


def main() -> None:
    """Print a table for each case that is named, or for all."""
    print(machine("polars", "scikit-learn", "scipy", "numpy"))
    for name in sys.argv[1:] or CASES:
        sweep(CASES[name])


if __name__ == "__main__":
    main()
