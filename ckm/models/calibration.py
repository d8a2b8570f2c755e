"""Recalibration of predicted probabilities by a linear function of their log odds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

EVENTS_FOR_SLOPE = 100
"""Fewest churned, and fewest retained, customers to estimate the slope; with fewer it is 1. For a calibration curve,
Van Calster et al. (2016, *J. Clin. Epidemiology* 74, 167-176) recommend 200 of each."""
PRIOR_EVENTS = 5.0
"""Weight of the prior (intercept 0, slope 1), in customers; it keeps the estimates finite."""
STEEPEST = 4.0
"""Largest slope; the smallest is 1 / STEEPEST. A positive slope does not change the ranking."""
ROUNDS = 100
SMALL = 1e-10


@dataclass(frozen=True)
class Calibration:
    """Calibrated log odds ``intercept + slope z`` of log odds ``z`` (Cox 1958, *Biometrika* 45(3/4); Platt 1999).

    Attributes
    ----------
    intercept, slope
        Coefficients; 0 and 1 leave the log odds unchanged. The slope is positive.
    n, events
        Number of customers in the fit, and number of churned customers among them.
    """

    intercept: float = 0.0
    slope: float = 1.0
    n: int = 0
    events: int = 0

    def __call__(self, log_odds: Floats) -> Floats:
        """Return the calibrated log odds."""
        return self.intercept + self.slope * log_odds

    def shrunk(self, credibility: float) -> Calibration:
        """Return the calibration shrunk towards no change: ``credibility`` 0 is no change, 1 the full calibration."""
        return replace(self, intercept=credibility * self.intercept, slope=self.slope**credibility)


def recalibrate(log_odds: Floats, churned: Flags) -> Calibration:
    """Fit a calibration by penalised maximum likelihood.

    Logistic regression of the outcome on the log odds, with a normal prior around intercept 0 and slope 1 that has the
    weight of :data:`PRIOR_EVENTS` customers: without it, the intercept would diverge if no customer churned. With fewer
    than :data:`EVENTS_FOR_SLOPE` customers of either outcome the slope is 1. Newton's method with step halving.

    Parameters
    ----------
    log_odds
        Log odds of a model, finite; shape (n,).
    churned
        Outcome; shape (n,).

    Raises
    ------
    InputError
        Infinite or NaN log odds.
    """
    if not np.isfinite(log_odds).all():
        raise InputError("log odds to be calibrated must be finite")
    events = int(churned.sum())
    design = np.column_stack([np.ones(len(churned)), log_odds])
    free = np.array([True, min(events, len(churned) - events) >= EVENTS_FOR_SLOPE])
    line = _newton(design, churned.astype(np.float64), free)
    slope = float(np.clip(line[1], 1 / STEEPEST, STEEPEST))
    if slope != line[1]:
        line = _newton(design, churned.astype(np.float64), np.array([True, False]), slope=slope)
    return Calibration(float(line[0]), slope, len(churned), events)


def _newton(design: Floats, outcome: Floats, free: NDArray[np.bool_], slope: float = 1.0) -> Floats:
    line = np.array([0.0, slope])
    centre = line.copy()
    weight = np.full(2, PRIOR_EVENTS / 4)  # Fisher information of a customer with probability 1/2
    value = _penalised(line, design, outcome, centre, weight)
    for _ in range(ROUNDS):
        probability = 1 / (1 + np.exp(-np.clip(design @ line, -700, 700)))
        gradient = design.T @ (probability - outcome) + weight * (line - centre)
        information = (design * (probability * (1 - probability))[:, None]).T @ design + np.diag(weight)
        step = np.zeros(2)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
        length = 1.0
        while (now := _penalised(line - length * step, design, outcome, centre, weight)) > value and length > SMALL:
            length /= 2
        line = line - length * step
        if abs(now - value) <= SMALL * (1 + abs(value)):
            break
        value = now
    return line


def _penalised(line: Floats, design: Floats, outcome: Floats, centre: Floats, weight: Floats) -> float:
    log_odds = design @ line
    loss = (np.logaddexp(0.0, log_odds) - outcome * log_odds).sum()
    return float(loss + 0.5 * (weight * np.square(line - centre)).sum())
