"""95 % confidence intervals of a share, a mean, a net promoter score and a survival curve.

Without observations, both ends of an interval are None.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Interval = tuple[float, float] | tuple[None, None]

LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
NPS_PRIOR = (0.75, 1.5, 0.75)
"""Detractors, passives and promoters added to the counts: three responses, half of them passive."""
FEWEST_FOR_A_MEAN = 2
DIGITS = 12
"""Decimals of results; further digits differ between platforms."""


def wilson(part: int, whole: int) -> Interval:
    """Return the Wilson score interval of the share ``part / whole`` (Wilson 1927, JASA 22:209-212).

    It lies within [0, 1], and its width is positive also for shares of 0 and 1.

    >>> [round(end, 4) for end in wilson(4, 7)]
    [0.2505, 0.8418]
    """
    if not whole:
        return None, None
    low, high = score_interval(part, whole)
    return round(low, DIGITS), round(high, DIGITS)


def score_interval(part: int, whole: int) -> tuple[float, float]:
    """Return the Wilson score interval of :func:`wilson` for at least one observation, without rounding."""
    share = part / whole
    centre = share + Z * Z / (2 * whole)
    half = Z * math.sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    low, high = ((centre + side) / (1 + Z * Z / whole) for side in (-half, half))
    return (low if part else 0.0), (high if part < whole else 1.0)


def mean(values: Sequence[float]) -> Interval:
    """Return Student's t interval of the mean of a sample (Student 1908, Biometrika 6:1-25).

    Both ends are None with fewer than two values.
    """
    if len(values) < FEWEST_FOR_A_MEAN:
        return None, None
    from scipy.special import stdtrit  # import here: not needed without ratings

    sample = np.sort(np.asarray(values, dtype=np.float64))
    error = float(sample.std(ddof=1)) / math.sqrt(len(sample))
    half = float(stdtrit(len(sample) - 1, (1 + LEVEL) / 2)) * error
    return round(float(sample.mean()) - half, DIGITS), round(float(sample.mean()) + half, DIGITS)


def net_promoter_score(promoters: int, passives: int, detractors: int) -> Interval:
    """Return the interval of a net promoter score, in points from -100 to 100.

    The adjusted Wald interval AW(3, T) of Rocks (2016, The American Statistician 70:365-372): three responses are added
    (:data:`NPS_PRIOR`), so that a few equal responses have an interval of positive width. The variance of the score
    ``p - d``, with shares of promoters ``p`` and detractors ``d`` of ``n`` responses, is ``(p + d - (p - d)**2) / n``.
    """
    if not promoters + passives + detractors:
        return None, None
    low, middle, high = (
        count + added for count, added in zip((detractors, passives, promoters), NPS_PRIOR, strict=True)
    )
    answers = low + middle + high
    score = (high - low) / answers
    half = Z * math.sqrt(((high + low) / answers - score * score) / answers)
    return (
        max(round(100 * (score - half), DIGITS), -100.0),
        min(round(100 * (score + half), DIGITS), 100.0),
    )


def log_log(survival: Floats, variance_of_log: Floats) -> tuple[Floats, Floats]:
    """Return the lower and upper ends of pointwise intervals of a survival curve; NaN where it is 0, 1 where it is 1.

    The intervals are computed on the scale of ``log(-log S)``, so that both ends stay in [0, 1] (Kalbfleisch and
    Prentice 1980, The statistical analysis of failure time data, p. 15).

    Parameters
    ----------
    survival
        Kaplan-Meier estimate ``S``, shape (n,).
    variance_of_log
        Greenwood's sum of ``d / (n (n - d))``, the variance of ``log S``; shape (n,).
    """
    low, high = np.ones_like(survival), np.ones_like(survival)
    inside = (survival > 0) & (survival < 1)
    some = survival[inside]
    spread = Z * np.sqrt(variance_of_log[inside]) / np.abs(np.log(some))
    low[inside], high[inside] = some ** np.exp(spread), some ** np.exp(-spread)
    low[survival == 0] = high[survival == 0] = np.nan
    return low, high
