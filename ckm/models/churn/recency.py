"""Churn model ``recency``: churn rate by days since the last purchase alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ckm.models.churn.step_curve import StepCurve, fit_step_curve
from ckm.models.shapley import FunctionTerm, WeightedTerm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ckm.models.churn.training_set import Features, TrainingSet


@dataclass(frozen=True)
class RecencyModel:
    """Log odds of churn by days since the last purchase; the baseline of all models."""

    name: ClassVar[str] = "recency"
    curve: StepCurve

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log odds of churn."""
        return self.curve(features["days_silent"])

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return the log odds as one term."""
        return (WeightedTerm(1.0, FunctionTerm(("days_silent",), self.log_odds)),)


def fit_recency(training: TrainingSet) -> RecencyModel:
    """Fit the churn rate by recency: see :func:`ckm.models.churn.step_curve.fit_step_curve`.

    Raises
    ------
    NotEnoughDataError
        Too few churned or retained customers.
    """
    training.require_events()
    return RecencyModel(fit_step_curve(training.column("days_silent"), training.churned))
