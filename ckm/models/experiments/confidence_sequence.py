"""Confidence sequence: intervals that may be looked at every day."""

from __future__ import annotations

import math

from ckm.models.experiments.effect import Effect
from ckm.models.intervals import LEVEL

METHOD = "confidence sequence"


def mixture_radius(variance: float, target: float) -> float:
    """Return the half width of the confidence sequence of a difference of means.

    The normal mixture boundary of Robbins (1970, Annals of Mathematical Statistics 41:1397-1409) in the asymptotic form
    of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, Annals of Statistics 52:2613-2640): the probability that
    any of the intervals, at any time, misses the true value is at most 5 %.

    Parameters
    ----------
    variance
        Variance of the difference of the mean outcomes so far; it accumulates from day to day.
    target
        Variance for which the sequence is made narrowest, above 0; fixed before the first look.
    """
    alpha = 1 - LEVEL
    # the mixture's variance that minimises the width at the target (Howard et al. 2021, Annals of Statistics 49, 3.4)
    spread = target / (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha)))
    total = variance + spread
    return math.sqrt(total * math.log(total / (spread * alpha * alpha)))


def confidence_sequence(
    treated: tuple[float, float, int], holdout: tuple[float, float, int], *, target: float
) -> Effect:
    """Return the difference of the mean outcomes so far, with a confidence sequence.

    Parameters
    ----------
    treated, holdout
        Mean and variance of the outcomes so far, and number of customers, of each arm.
    target
        Variance of the difference expected at the end of the window, above 0; fixed before the first look. A wrong one
        makes the intervals wider, and does not change their coverage.
    """
    (p, v, m), (q, w, n) = treated, holdout
    radius = mixture_radius(v / m + w / n, target)
    return Effect(p - q, p - q - radius, p - q + radius, p, q, METHOD)
