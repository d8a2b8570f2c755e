"""Columns that reveal the label: detection rate of simulated leaks, and false positive rate of legitimate columns.

    python bench/churn_leaks.py

Legitimate columns are normal in both outcomes, as numbers and in five bands. Leaks mark a share of churned customers,
and by mistake a share of the others.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from measure import machine
from scipy.stats import norm

from ckm.models.churn.labelled_models import stratified_folds
from ckm.models.churn.leakage import column_evidence

SIZES = ((50, 50), (60, 200), (200, 600), (900, 3_100))
"""Rows that left, and that stayed."""
HONEST = (0.85, 0.90, 0.93)
"""ROC AUC."""
NOISE = ((1.0, 0.0), (0.97, 0.0), (0.95, 0.0), (0.95, 0.01), (0.97, 0.02))
"""Share told of churned customers, and of the others."""
DRAWS = 100
KINDS = ("filled", "free text", "copy", "status", "number 0", "number apart")


def main() -> None:
    """Print a line per size and AUC, and per size and noise: the share that is called a leak."""
    print(machine("polars", "numpy"))
    dice = np.random.default_rng(0)
    for left, stayed in SIZES:
        churned = np.r_[np.ones(left, bool), np.zeros(stayed, bool)]
        folds = stratified_folds(churned, [str(row) for row in range(len(churned))], 0)
        print(f"{left} left, {stayed} stayed")
        for auc in HONEST:
            frames = [honest(churned, auc, dice) for _ in range(DRAWS)]
            print(f"  honest, AUC {auc:.2f}: {shares(frames, churned, folds)}")
        for told, mistaken in NOISE:
            frames = [leaking(churned, told, mistaken, dice) for _ in range(DRAWS)]
            print(f"  leaks, {told:.0%} and {mistaken:.0%}: {shares(frames, churned, folds)}")


def shares(frames: list[pl.DataFrame], churned: np.ndarray, folds: np.ndarray) -> str:
    """Return by column in how many of the frames it is called a leak."""
    leaks = [each.column for frame in frames for each in column_evidence(frame, churned, folds) if each.leaks]
    return ", ".join(f"{name} {leaks.count(name) / len(frames):.2f}" for name in frames[0].columns)


def honest(churned: np.ndarray, auc: float, dice: np.random.Generator) -> pl.DataFrame:
    """Return a column of this AUC, as a number and in five bands."""
    risk = dice.normal(size=len(churned)) + np.sqrt(2) * norm.ppf(auc) * churned
    bands = np.searchsorted(np.quantile(risk, [0.2, 0.4, 0.6, 0.8]), risk)
    return pl.DataFrame({"number": risk, "bands": [f"band {band}" for band in bands]})


def leaking(churned: np.ndarray, told: float, mistaken: float, dice: np.random.Generator) -> pl.DataFrame:
    """Return a column of each kind of leak."""
    flags = dice.random(len(churned)) < np.where(churned, told, mistaken)
    columns = (
        [dice.choice(["price", "service", "moved"]) if each else None for each in flags],
        [f"note {row}" if each else "" for row, each in enumerate(flags)],
        [str(each) for each in flags],
        [dice.choice(["closed", "cancelled"] if each else ["active", "new", "vip"]) for each in flags],
        np.where(flags, 0.0, dice.gamma(3, 20, len(churned))),
        np.where(flags, dice.integers(1, 90, len(churned)), -dice.integers(0, 400, len(churned))),
    )
    return pl.DataFrame(dict(zip(KINDS, columns, strict=True)))


if __name__ == "__main__":
    main()
