"""Accuracy of the churn models on CDNOW and Online Retail at past cut-offs, trained on the data known then.

    python bench/churn_shops.py

All customers of ``CDNOW_master.txt`` who had bought by the cut-off; no order within 90 days. The bars are AUC 0.822,
Brier 0.0976, calibration error 0.009. Online Retail at cut-offs of its own, 30, 60 and 90 days ahead; the bar is a
calibration error of 0.05. Then the whole of ``ckm churn-warn`` on the CDNOW sample with ``--model btyd``, from a cold
start; the bar is 2.5 s. The data lie in ``CKM_SHARED``.
"""

from __future__ import annotations

import tempfile
import time
from datetime import date
from pathlib import Path

import polars as pl
from measure import CKM, SHARED, machine, run
from relabelling import online_retail

from ckm._churn.churn_forecast import repeat_purchases
from ckm._churn.customer_snapshot import churned_within, snapshot
from ckm.customers.history import History, read_history
from ckm.models.backtest import Backtest, walk_forward
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.training_set import TrainingSnapshot
from ckm.models.cutoffs import Calendar
from ckm.models.sampling import id_hashes

HORIZON = 90
CUTOFFS = (date(1997, 12, 31), date(1998, 1, 31), date(1998, 2, 28), date(1998, 3, 31))
COLUMNS = ("base_rate", "auc", "average_precision", "log_loss", "brier", "calibration_error", "lift_top_decile")


def cdnow() -> pl.LazyFrame:
    lines = [line.split() for line in (SHARED / "transactions" / "CDNOW_master.txt").read_text().splitlines()[1:]]
    records = [(line[0], line[1], float(line[3])) for line in lines if line]
    at = pl.col("day").str.to_datetime("%Y%m%d", time_unit="us", time_zone="UTC")
    return pl.LazyFrame(records, schema=["customer_id", "day", "net"], orient="row").select(
        "customer_id",
        "net",
        order_id=pl.int_range(pl.len()).cast(pl.String),
        ordered_at=at,
        currency=pl.lit("USD"),
        type=pl.lit("sale"),
    )


class Windows:
    """From a day to its window."""

    def __init__(self, history: History, horizon: int = HORIZON) -> None:
        self.history = history
        self.horizon = horizon
        self.keys = id_hashes(history.customers.to_list())

    def __call__(self, day: int) -> TrainingSnapshot:
        """Return everybody who had bought by a day."""
        shot = snapshot(self.history, day, self.horizon)
        churned = churned_within(self.history, shot, self.horizon)
        return TrainingSnapshot(day, shot.features, churned, self.keys[shot.customers])


def show(result: Backtest) -> None:
    models = list(dict.fromkeys(score.model for score in result.scores))
    print(f"{'model':10}{'cut-off':>12}{'n':>8}", *(f"{name:>18}" for name in COLUMNS))
    for model in models:
        for score in [score for score in result.scores if score.model == model]:
            day = date.fromordinal(score.cutoff + date(1970, 1, 1).toordinal())
            print(f"{model:10}{day!s:>12}{score.n:8}", *(f"{getattr(score, name):18.5f}" for name in COLUMNS))
        mean = result.mean(model)
        print(f"{model:10}{'mean':>12}{mean.n:8}", *(f"{getattr(mean, name):18.5f}" for name in COLUMNS))
    print("weights of the stack:", ", ".join(f"{name} {weight:.2f}" for name, weight in result.weights.items()))
    for name, reason in result.left_out.items():
        print(f"{name} was not learned: {reason}")


def compare_cdnow() -> None:
    history = read_history({"transactions": cdnow()})
    days = [day.toordinal() - date(1970, 1, 1).toordinal() for day in CUTOFFS]
    started, cpu = time.perf_counter(), time.process_time()
    calendar = Calendar(history.first_day, history.last_day, HORIZON)
    show(walk_forward(Windows(history), days, calendar, purchase_models=PurchaseModels(repeat_purchases(history))))
    print(f"{time.perf_counter() - started:.1f} s ({time.process_time() - cpu:.1f} s of processor)")


def compare_online_retail() -> None:
    history = read_history(online_retail())
    for horizon in (30, 60, 90):
        calendar = Calendar(history.first_day, history.last_day, horizon)
        print(f"\nOnline Retail, {horizon} days ahead")
        purchase_models = PurchaseModels(repeat_purchases(history))
        show(walk_forward(Windows(history, horizon), calendar.tests(), calendar, purchase_models=purchase_models))


def time_cold_start() -> None:
    lines = (SHARED / "transactions" / "CDNOW_sample.txt").read_text("ascii").splitlines()
    rows = [line.split() for line in lines if line]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cdnow_sample.csv"
        orders = [f"{n},{row[1]},{row[2][:4]}-{row[2][4:6]}-{row[2][6:]},{row[4]}" for n, row in enumerate(rows)]
        path.write_text("\n".join(["order_id,customer_id,ordered_at,net", *orders]) + "\n", encoding="utf-8")
        command = [*CKM, "churn-warn", str(path), "--model", "btyd", "-q", "-f", "csv"]
        best = min((run(command) for _ in range(3)), key=lambda one: one.wall)
    assert best.code == 0
    print(f"\nckm churn-warn cdnow_sample.csv --model btyd: {best}, best of 3 (at most 2.5 s)")


def main() -> None:
    """Print the tables."""
    print(machine("polars", "scikit-learn", "scipy", "numpy"))
    compare_cdnow()
    compare_online_retail()
    time_cold_start()


if __name__ == "__main__":
    main()
