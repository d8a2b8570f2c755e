"""Accuracy of each model on a labelled table: customers of Telco that it was not trained on.

    python bench/churn_telco.py

Five folds, mean over three seeds, beside the bars: AUC 0.8505, Brier 0.1329. Then the labels of a tenth of the
customers, by a hash of their ids, are left blank, for each of the ten tenths; the bar is a mean AUC of 0.845 of the
blank ones. No column may be called a leak. The data lie in ``CKM_SHARED``.
"""

from __future__ import annotations

import time

import numpy as np
import polars as pl
from measure import SHARED, machine

from ckm.models import metrics
from ckm.models.churn.labelled_models import fit_labelled
from ckm.models.sampling import id_hashes

SEEDS = (0, 1, 2)
TENTHS = 10
COLUMNS = ("auc", "average_precision", "log_loss", "brier", "calibration_error", "lift_top_decile")


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
    print(f"columns that give the label away: {', '.join(leak.column for leak in fits[0].leaks) or 'none'}")
    show_blank(frame)


def show_blank(frame: pl.DataFrame) -> None:
    """Print the AUC of rows whose label is blank: by tenth, the mean, and of all of them together."""
    tenth = pl.Series(id_hashes(frame["customerID"].to_list()) % TENTHS)
    areas, probabilities, outcomes = [], [], []
    for number in range(TENTHS):
        blank = frame.with_columns(Churn=pl.when(tenth == number).then(None).otherwise("Churn"))
        rows = fit_labelled(blank, "Churn", "Yes", "customerID").blank
        churned = (frame.filter(tenth == number).sort("customerID")["Churn"] == "Yes").to_numpy()
        areas.append(metrics.roc_auc(churned, rows.log_odds))
        probabilities.append(rows.log_odds)
        outcomes.append(churned)
    whole = metrics.roc_auc(np.concatenate(outcomes), np.concatenate(probabilities))
    print(f"blank labels, AUC by tenth: {' '.join(f'{area:.4f}' for area in areas)}")
    print(f"mean {np.mean(areas):.4f}, of all {whole:.4f}")


if __name__ == "__main__":
    main()
