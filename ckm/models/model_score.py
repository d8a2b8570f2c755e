"""Scores of a churn model on a test set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.models import metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class ModelScore:
    """Scores of a churn model on a test set, by :mod:`ckm.models.metrics`.

    Attributes
    ----------
    model
        Name of the model.
    cutoff
        Cut-off of the test window (days since 1970-01-01); None for a cross-validation.
    n, base_rate
        Number of customers, and their churn rate.
    auc, average_precision, lift_top_decile
        Metrics of the ranking.
    log_loss, brier, calibration_error
        Metrics of the probabilities.
    """

    model: str
    cutoff: int | None
    n: int
    base_rate: float
    auc: float
    average_precision: float
    log_loss: float
    brier: float
    calibration_error: float
    lift_top_decile: float


def score(model: str, cutoff: int | None, churned: Flags, log_odds: Floats) -> ModelScore:
    """Return the scores of predicted log odds of churn.

    Parameters
    ----------
    model, cutoff
        See :class:`ModelScore`.
    churned
        Outcome; shape (n,).
    log_odds
        Predicted log odds of churn; shape (n,).
    """
    from scipy.special import expit

    probability = np.asarray(expit(log_odds))
    return ModelScore(
        model=model,
        cutoff=cutoff,
        n=len(churned),
        base_rate=float(churned.mean()),
        auc=metrics.roc_auc(churned, log_odds),
        average_precision=metrics.average_precision(churned, log_odds),
        log_loss=metrics.log_loss(churned, log_odds),
        brier=metrics.brier(churned, probability),
        calibration_error=metrics.calibration_error(churned, probability),
        lift_top_decile=metrics.lift(churned, log_odds),
    )
