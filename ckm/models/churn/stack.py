"""Churn model ``stack``: weighted mean of the models' log odds, with weights fitted on walk-forward tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.churn.training import CalibratedModel
    from ckm.models.churn.training_set import Features
    from ckm.models.shapley import WeightedTerm

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

STACK = "stack"
PRIOR_MODELS = ("btyd", "scorecard", "boosted")
"""Models with equal prior weights; the prior weight of all other models is zero."""
SHRINKAGE = 0.04
"""Penalty factor of the squared distance from the prior weights, added to the sum of the tests' log losses. Weights are
shrunk because the tests overlap and repeat the same customers."""
LEAST_WEIGHT = 0.01
"""Weights below this are set to zero."""
WEIGHT_DIGITS = 6


@dataclass(frozen=True)
class StackModel:
    """Convex combination of log odds (Wolpert 1992, *Neural Networks* 5(2), 241-259; Breiman 1996).

    Attributes
    ----------
    parts
        Calibrated models.
    weights
        Positive weights of the parts; their sum is 1.
    """

    name: ClassVar[str] = STACK
    parts: tuple[CalibratedModel, ...]
    weights: tuple[float, ...]

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn, row by row."""
        return combined([part.log_odds(features) for part in self.parts], self.weights)

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return the terms of all parts, times the weights of the parts."""
        weighted = zip(self.weights, self.parts, strict=True)
        return tuple(each.times(weight) for weight, part in weighted for each in part.terms())

    def probability(self, features: Features) -> Floats:
        """Return the probability of churn."""
        from scipy.special import expit

        return np.asarray(expit(self.log_odds(features)), dtype=np.float64)

    @property
    def out_of_range(self) -> Mapping[str, float]:
        """Columns that a part does not use, with the share of current customers outside of the training range."""
        return {name: share for part in self.parts for name, share in part.out_of_range.items()}


def combined(log_odds: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the weighted sum of log odds, added one model at a time, so that rounding does not depend on threads."""
    total = np.zeros(len(log_odds[0]))
    for weight, each in zip(weights, log_odds, strict=True):
        total += weight * each
    return total


def fit_weights(names: Sequence[str], tests: Sequence[tuple[Sequence[Floats], Flags]]) -> dict[str, float]:
    """Return the weight of each model, without those below :data:`LEAST_WEIGHT`.

    The weights minimise the sum of the tests' mean log losses plus ``SHRINKAGE |w - prior|²``, with equal prior weights
    of :data:`PRIOR_MODELS`, under ``w >= 0`` and ``sum w = 1``. The problem is convex, so the minimum is unique.

    Parameters
    ----------
    names
        Names of the models.
    tests
        For each walk-forward test, the log odds of each of ``names``, and the outcome; shape (n,) each. Without tests
        the result is the prior weights.
    """
    prior = _prior_weights(names)
    designs = [(np.column_stack(log_odds), churned.astype(np.float64)) for log_odds, churned in tests]
    weights = _minimum(designs, prior) if designs and len(names) > 1 else prior
    weights = np.where(weights < LEAST_WEIGHT, 0.0, weights)
    weights = np.round(weights / weights.sum(), WEIGHT_DIGITS)
    return {name: float(weight) for name, weight in zip(names, weights, strict=True) if weight > 0}


def _prior_weights(names: Sequence[str]) -> Floats:
    shares = np.array([float(name in PRIOR_MODELS) for name in names], dtype=np.float64)
    if not shares.any():
        shares[:] = 1.0
    return np.asarray(shares / shares.sum())


def _minimum(designs: Sequence[tuple[Floats, Floats]], prior: Floats) -> Floats:
    from scipy.optimize import minimize

    def loss(weights: Floats) -> tuple[float, Floats]:
        apart = weights - prior
        value, slope = SHRINKAGE * float(apart @ apart), 2 * SHRINKAGE * apart
        for design, churned in designs:
            log_odds = design @ weights
            value += float((np.logaddexp(0.0, log_odds) - churned * log_odds).mean())
            slope = slope + design.T @ (1 / (1 + np.exp(-np.clip(log_odds, -700, 700))) - churned) / len(churned)
        return value, slope

    found = minimize(
        loss,
        prior,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * len(prior),
        constraints=[
            {"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": lambda weights: np.ones(len(weights))}
        ],
        options={"ftol": 1e-10, "maxiter": 200},
    )
    return np.asarray(np.clip(found.x, 0.0, 1.0), dtype=np.float64)
