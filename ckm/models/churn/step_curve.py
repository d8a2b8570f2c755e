"""Isotonic regression of the churn rate on one feature, on quantile bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

STEPS = 40
"""Number of quantile bins."""
PRIOR = 10.0
"""Prior weight of the overall churn rate in the rate of each bin, in customers."""


@dataclass(frozen=True)
class StepCurve:
    """Log odds as a monotone function of a feature: linear between bins, constant beyond the first and the last bin.

    Attributes
    ----------
    values
        Mean of the feature in each bin, ascending.
    odds
        Log odds of the bins.
    """

    values: tuple[float, ...]
    odds: tuple[float, ...]

    def __call__(self, values: Floats) -> Floats:
        """Return the log odds of each value, shape (n,)."""
        return np.interp(values, self.values, self.odds)


def fit_step_curve(values: Floats, churned: Flags) -> StepCurve:
    """Fit a churn rate that never decreases with the value.

    Isotonic regression by pooling adjacent violators (Ayer et al. 1955, *Ann. Math. Statist.* 26(4), 641-647) on
    quantile bins. Each bin has a prior of :data:`PRIOR` customers with the overall rate, so that log odds are finite.

    Parameters
    ----------
    values
        Values without NaN; shape (n,).
    churned
        Outcome, shape (n,); both outcomes occur.
    """
    from scipy.optimize import isotonic_regression

    usual = churned.mean()
    inner = np.unique(np.quantile(values, np.arange(1, STEPS) / STEPS))
    step = np.searchsorted(inner, values, side="left")
    n = np.bincount(step)
    filled = n > 0
    n = n[filled]
    middle = np.bincount(step, weights=values)[filled] / n
    share = (np.bincount(step, weights=churned)[filled] + PRIOR * usual) / (n + PRIOR)
    share = isotonic_regression(share, weights=n + PRIOR).x
    return StepCurve(tuple(middle.tolist()), tuple(np.log(share / (1 - share)).tolist()))
