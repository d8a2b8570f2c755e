"""A labelled table: how right each model is about customers of Telco that it has not seen.

    python bench/churn_telco.py

Five folds, mean over three seeds, beside the bars: AUC 0.8505, Brier 0.1329. The data lie in ``CKM_SHARED``.
"""

from __future__ import annotations

import time

import numpy as np
import polars as pl
from measure import SHARED, machine

from ckm.models.churn.labelled import fit_labelled

SEEDS = (0, 1, 2)
COLUMNS = ("auc", "average_precision", "log_loss", "brier", "calibration_error", "lift_top_tenth")


def main() -> None:
    """Print a line per model."""
    print(machine("polars", "scikit-learn", "scipy", "numpy"))
    frame = pl.read_csv(SHARED / "churn" / "Telco-Customer-Churn.csv", infer_schema=False)
    started = time.perf_counter()
    fits = [fit_labelled(frame, "Churn", "Yes", "customerID", seed=seed) for seed in SEEDS]
    seconds = time.perf_counter() - started
    print(f"{'model':10}", *(f"{name:>18}" for name in COLUMNS))
    for index, score in enumerate(fits[0].scores):
        means = [np.mean([getattr(fit.scores[index], name) for fit in fits]) for name in COLUMNS]
        print(f"{score.model:10}", *(f"{mean:18.5f}" for mean in means))
    print(f"chosen: {', '.join(fit.model for fit in fits)}; {seconds / len(SEEDS):.1f} s a seed")


if __name__ == "__main__":
    main()
