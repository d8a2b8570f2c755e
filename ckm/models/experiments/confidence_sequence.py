"""Confidence sequence: intervals of an effect whose joint coverage holds however often the effect is measured."""

from __future__ import annotations

import math

from ckm.models.experiments.effect import Effect
from ckm.models.intervals import LEVEL

METHOD = "confidence sequence"


def mixture_radius(variance: float, target: float) -> float:
    """Return the half width of a confidence sequence of a difference of means, at one point in time.

    The normal mixture boundary of Robbins (1970, Annals of Mathematical Statistics 41:1397-1409) in the asymptotic form
    of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, Annals of Statistics 52:2613-2640): with a probability of
    at least 95 %, the intervals of all points in time contain the true value.

    Parameters
    ----------
    variance
        Variance of the difference of the mean outcomes up to now; it grows from day to day.
    target
        Variance at which the sequence is narrowest, above 0; fixed before the first measurement.
    """
    alpha = 1 - LEVEL
    # variance of the mixture that minimises the width at the target (Howard et al. 2021, Annals of Statistics 49, 3.4)
    spread = target / (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha)))
    total = variance + spread
    return math.sqrt(total * math.log(total / (spread * alpha * alpha)))


def confidence_sequence(
    treated: tuple[float, float, int], holdout: tuple[float, float, int], *, target: float
) -> Effect:
    """Return the difference of the mean outcomes up to now, with the present interval of a confidence sequence.

    Parameters
    ----------
    treated, holdout
        Of each arm, the mean and the variance of the outcomes up to now, and the number of customers.
    target
        Expected variance of the difference of the means at the end of the window, above 0; fixed before the first
        measurement. A wrong expectation makes the intervals wider, but does not reduce their coverage.
    """
    (p, v, m), (q, w, n) = treated, holdout
    radius = mixture_radius(v / m + w / n, target)
    return Effect(p - q, p - q - radius, p - q + radius, p, q, METHOD)
