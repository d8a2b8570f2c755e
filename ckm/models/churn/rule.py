"""Churn model ``rule``: churn rate by recency ÷ the customer's long purchase interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ckm.models.churn.step_curve import StepCurve, fit_step_curve
from ckm.models.shapley import FunctionTerm, WeightedTerm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.models.churn.training_set import Features, TrainingSet

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RuleModel:
    """Log odds of churn by ``days_silent / gap_p80_days``."""

    name: ClassVar[str] = "rule"
    curve: StepCurve

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn."""
        return self.curve(recency_in_intervals(features))

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return the log odds as one term."""
        return (WeightedTerm(1.0, FunctionTerm(("days_silent", "gap_p80_days"), self.log_odds)),)


def recency_in_intervals(features: Features) -> Floats:
    """Return recency ÷ the long purchase interval (80th percentile); the interval is 1 day where unknown."""
    return features["days_silent"] / np.nan_to_num(features["gap_p80_days"], nan=1.0)


def fit_rule(training: TrainingSet) -> RuleModel:
    """Fit the churn rate by recency in long intervals: see :func:`ckm.models.churn.step_curve.fit_step_curve`.

    Raises
    ------
    NotEnoughDataError
        Too few churned or retained customers.
    """
    training.require_events()
    silence = np.concatenate([recency_in_intervals(window.features) for window in training.windows])
    return RuleModel(fit_step_curve(silence, training.churned))
