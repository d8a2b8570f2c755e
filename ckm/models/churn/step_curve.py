"""A probability by one number: counted in steps of equally many customers, and never falling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

STEPS = 40
"""Steps of equally many customers that the number is counted in."""
PRIOR = 10.0
"""So many customers of the usual share join each step, so that none is said to be certain."""


@dataclass(frozen=True)
class StepCurve:
    """Log odds by a number, straight between steps, never falling, and constant beyond the first and the last step.

    Attributes
    ----------
    values
        Means of the steps, ascending.
    odds
        Log odds there.
    """

    values: tuple[float, ...]
    odds: tuple[float, ...]

    def __call__(self, values: Floats) -> Floats:
        """Return the log odds."""
        return np.interp(values, self.values, self.odds)

    def to_plain(self) -> dict[str, object]:
        """Return the steps."""
        return {"values": list(self.values), "log_odds": list(self.odds)}


def fit_step_curve(values: Floats, churned: Flags) -> StepCurve:
    """Count who churned at which value, and make it never fall.

    Isotonic regression by pooling adjacent violators (Ayer et al. 1955, *Ann. Math. Statist.* 26(4), 641-647) on steps
    of equally many customers, each joined by :data:`PRIOR` customers of the usual share: finite log odds at both ends.

    Parameters
    ----------
    values
        Known of every customer; shape (n,).
    churned
        Who churned, and who did not: some of each.
    """
    from scipy.optimize import isotonic_regression

    usual = churned.mean()
    inner = np.unique(np.quantile(values, np.arange(1, STEPS) / STEPS))
    step = np.searchsorted(inner, values, side="left")
    n = np.bincount(step)
    there = n > 0
    n = n[there]
    middle = np.bincount(step, weights=values)[there] / n
    share = (np.bincount(step, weights=churned)[there] + PRIOR * usual) / (n + PRIOR)
    share = isotonic_regression(share, weights=n + PRIOR).x
    return StepCurve(tuple(middle.tolist()), tuple(np.log(share / (1 - share)).tolist()))
