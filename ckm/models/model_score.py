"""How right a model was about outcomes that it had not seen."""

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
    """Measures of a model; see :mod:`ckm.models.metrics`.

    Attributes
    ----------
    model
        Its name.
    cutoff
        The last day it knew of (days since 1970-01-01); None where it was cross-validated.
    n, base_rate
        Customers, and the churn rate.
    auc, average_precision, lift_top_decile
        Of the ranking.
    log_loss, brier, calibration_error
        Of the probabilities.
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
    """Return how right the log churn odds were.

    Parameters
    ----------
    model, cutoff
        See :class:`ModelScore`.
    churned
        Who left; shape (n,).
    log_odds
        Of leaving; shape (n,).
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
