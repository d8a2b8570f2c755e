"""Probabilities calibrated by what came last: a line on the log odds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import InputError

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

EVENTS_FOR_SLOPE = 100
"""So many must have left, and so many stayed, before the slope is fitted as well: a slope from fewer says more about
them than about the model. Our choice; Van Calster et al. (2016, *J. Clin. Epidemiology* 74, 167-176) ask for 200 of
each before a curve is drawn."""
PRIOR_EVENTS = 5.0
"""So many customers' worth of information draw intercept and slope to 0 and 1, which keeps both finite."""
STEEPEST = 4.0
"""The slope stays between 1 / STEEPEST and STEEPEST: above zero, so that no ranking is turned round."""
ROUNDS = 100
SMALL = 1e-10


@dataclass(frozen=True)
class Calibration:
    """A line ``intercept + slope z`` on log odds ``z`` (Platt 1999; Cox 1958, *Biometrika* 45(3/4), 562-565).

    Attributes
    ----------
    intercept, slope
        0 and 1 change nothing; the slope is above zero.
    n, events
        Customers it was fitted on, and how many of them left.
    """

    intercept: float = 0.0
    slope: float = 1.0
    n: int = 0
    events: int = 0

    def __call__(self, log_odds: Floats) -> Floats:
        """Return the log odds, calibrated."""
        return self.intercept + self.slope * log_odds

    def drawn(self, credibility: float) -> Calibration:
        """Return the calibration that goes only so far of the way: 0 changes nothing, 1 is all of it."""
        return replace(self, intercept=credibility * self.intercept, slope=self.slope**credibility)

    def to_plain(self) -> dict[str, Any]:
        """Return numbers by name."""
        return {"intercept": self.intercept, "slope": self.slope, "n": self.n, "events": self.events}


def recalibrate(log_odds: Floats, churned: Flags) -> Calibration:
    """Fit a calibration by penalised maximum likelihood.

    Newton steps, halved while they do not help, on the likelihood of the outcomes times a normal prior around (0, 1)
    that weighs as :data:`PRIOR_EVENTS` customers: without it, customers who all stayed would put the intercept at
    minus infinity. With fewer than :data:`EVENTS_FOR_SLOPE` of either outcome the slope stays 1.

    Parameters
    ----------
    log_odds
        What a model said, finite; shape (n,).
    churned
        What came.

    Raises
    ------
    InputError
        Log odds that are not finite.
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
    weight = np.full(2, PRIOR_EVENTS / 4)  # a customer at even odds carries the information 1/4
    value = _penalised(line, design, outcome, centre, weight)
    for _ in range(ROUNDS):
        probability = 1 / (1 + np.exp(-np.clip(design @ line, -700, 700)))
        gradient = design.T @ (probability - outcome) + weight * (line - centre)
        information = (design * (probability * (1 - probability))[:, None]).T @ design + np.diag(weight)
        step = np.zeros(2)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
        length = 1.0
        while length > SMALL and _penalised(line - length * step, design, outcome, centre, weight) > value:
            length /= 2
        line = line - length * step
        now = _penalised(line, design, outcome, centre, weight)
        if abs(now - value) <= SMALL * (1 + abs(value)):
            break
        value = now
    return line


def _penalised(line: Floats, design: Floats, outcome: Floats, centre: Floats, weight: Floats) -> float:
    log_odds = design @ line
    loss = (np.logaddexp(0.0, log_odds) - outcome * log_odds).sum()
    return float(loss + 0.5 * (weight * np.square(line - centre)).sum())
