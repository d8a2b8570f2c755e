"""stack: a weighted mean of the models' log odds, the weights fitted on walk-forward tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.churn.training import CalibratedModel
    from ckm.models.churn.training_set import Features

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

STACK = "stack"
EXPECTED = ("btyd", "scorecard", "boosted")
"""The models among which the weight is shared equally where nothing is known: each sees what the others do not. The
rest must earn theirs on the tests."""
DRAW = 0.04
"""Log loss, summed over the tests, that a squared distance of 1 from those shares costs. Tests overlap, hold the same
customers, and are of another season than the forecast, so that few tests must not decide alone."""
LEAST = 0.01
"""A model with a smaller weight is left out."""
WEIGHT_DIGITS = 6


@dataclass(frozen=True)
class StackModel:
    """A convex combination of log odds (Wolpert 1992, *Neural Networks* 5(2), 241-259; weights as Breiman 1996).

    Attributes
    ----------
    parts
        Calibrated models.
    weights
        Of the parts, above zero; the sum is 1.
    """

    name: ClassVar[str] = STACK
    parts: tuple[CalibratedModel, ...]
    weights: tuple[float, ...]

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn; of a row by nothing but its features."""
        return combined([part.log_odds(features) for part in self.parts], self.weights)

    def probability(self, features: Features) -> Floats:
        """Return the probability of churn."""
        from scipy.special import expit

        return np.asarray(expit(self.log_odds(features)), dtype=np.float64)

    @property
    def beyond(self) -> Mapping[str, float]:
        """Share of today's customers beyond the learned range, by name of the columns that a part left out for it."""
        return {name: share for part in self.parts for name, share in part.beyond.items()}

    def to_plain(self) -> dict[str, object]:
        """Return the parts and their weights."""
        return {
            "model": self.name,
            "weights": {part.name: weight for part, weight in zip(self.parts, self.weights, strict=True)},
            "parts": [part.to_plain() for part in self.parts],
        }


def combined(log_odds: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """Return the weighted sum of log odds: one at a time, so that no thread decides how it rounds."""
    total = np.zeros(len(log_odds[0]))
    for weight, each in zip(weights, log_odds, strict=True):
        total += weight * each
    return total


def fit_weights(names: Sequence[str], tests: Sequence[tuple[Sequence[Floats], Flags]]) -> dict[str, float]:
    """Return the weight of each model, those below :data:`LEAST` left out.

    The weights minimise the log loss, each test weighing the same, plus a draw towards equal shares of
    :data:`EXPECTED`; both are convex, so that there is one minimum.

    Parameters
    ----------
    names
        Of the models.
    tests
        For each walk-forward test the log odds by model, parallel to ``names``, and who churned. Without a test the
        shares are the expected ones.
    """
    expected = _expected(names)
    designs = [(np.column_stack(log_odds), churned.astype(np.float64)) for log_odds, churned in tests]
    weights = _minimum(designs, expected) if designs and len(names) > 1 else expected
    weights = np.where(weights < LEAST, 0.0, weights)
    weights = np.round(weights / weights.sum(), WEIGHT_DIGITS)
    return {name: float(weight) for name, weight in zip(names, weights, strict=True) if weight > 0}


def _expected(names: Sequence[str]) -> Floats:
    shares = np.array([float(name in EXPECTED) for name in names], dtype=np.float64)
    if not shares.any():
        shares[:] = 1.0
    return np.asarray(shares / shares.sum())


def _minimum(designs: Sequence[tuple[Floats, Floats]], expected: Floats) -> Floats:
    from scipy.optimize import minimize

    def loss(weights: Floats) -> tuple[float, Floats]:
        apart = weights - expected
        value, slope = DRAW * float(apart @ apart), 2 * DRAW * apart
        for design, churned in designs:
            log_odds = design @ weights
            value += float((np.logaddexp(0.0, log_odds) - churned * log_odds).mean())
            slope = slope + design.T @ (1 / (1 + np.exp(-np.clip(log_odds, -700, 700))) - churned) / len(churned)
        return value, slope

    found = minimize(
        loss,
        expected,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * len(expected),
        constraints=[
            {"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": lambda weights: np.ones(len(weights))}
        ],
        options={"ftol": 1e-10, "maxiter": 200},
    )
    return np.asarray(np.clip(found.x, 0.0, 1.0), dtype=np.float64)
