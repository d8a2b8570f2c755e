"""Churn models on CDNOW: how right each is at four cut-offs, learned from what was known then.

    python bench/churn_cdnow.py

All customers of ``CDNOW_master.txt`` who had bought by the cut-off; no order within 90 days. Printed beside the bars:
AUC 0.822, Brier 0.0976, calibration error 0.009. The data lie in ``CKM_SHARED``.
"""

from __future__ import annotations

import time
from datetime import date

import polars as pl
from measure import SHARED, machine

from ckm.churning.history import History, read_history
from ckm.churning.snapshot import snapshot, stayed_away
from ckm.models.backtest import PEER, Backtest, walk_forward
from ckm.models.churn.window import Window, customer_keys
from ckm.models.cutoffs import Calendar

HORIZON = 90
CUTOFFS = (date(1997, 12, 31), date(1998, 1, 31), date(1998, 2, 28), date(1998, 3, 31))
COLUMNS = ("base_rate", "auc", "average_precision", "log_loss", "brier", "calibration_error", "lift_top_tenth")


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

    def __init__(self, history: History) -> None:
        self.history = history
        self.keys = customer_keys(history.customers.to_list())

    def __call__(self, day: int) -> Window:
        """Return everybody who had bought by a day."""
        shot = snapshot(self.history, day, HORIZON)
        away = stayed_away(self.history, shot, HORIZON)
        return Window(day, shot.features, away, self.keys[shot.customers])


def show(result: Backtest) -> None:
    models = list(dict.fromkeys(score.model for score in result.scores))
    print(f"{'model':10}{'cut-off':>12}{'n':>8}", *(f"{name:>18}" for name in COLUMNS))
    for model in models:
        for score in [score for score in result.scores if score.model == model]:
            day = date.fromordinal(score.cutoff + date(1970, 1, 1).toordinal())
            print(f"{model:10}{day!s:>12}{score.n:8}", *(f"{getattr(score, name):18.5f}" for name in COLUMNS))
        mean = result.mean(model)
        print(f"{model:10}{'mean':>12}{mean.n:8}", *(f"{getattr(mean, name):18.5f}" for name in COLUMNS))
    print("log loss behind the best, and its standard error:")
    for model in models:
        if model != PEER:
            print(f"  {model:10} {result.behind[model][0]:.5f} ± {result.behind[model][1]:.5f}")
    print(f"chosen: {result.chosen}")


def main() -> None:
    """Print the table."""
    print(machine("polars", "scikit-learn", "scipy", "numpy"))
    history = read_history({"transactions": cdnow()})
    days = [day.toordinal() - date(1970, 1, 1).toordinal() for day in CUTOFFS]
    started, cpu = time.perf_counter(), time.process_time()
    calendar = Calendar(history.first_day, history.last_day, HORIZON)
    result = walk_forward(Windows(history), days, calendar)
    show(result)
    print(f"{time.perf_counter() - started:.1f} s ({time.process_time() - cpu:.1f} s of processor)")


if __name__ == "__main__":
    main()
