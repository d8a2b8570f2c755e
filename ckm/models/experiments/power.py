"""Power of an experiment: the smallest effect that it can detect, and the holdout that an effect needs."""

from __future__ import annotations

import math
from statistics import NormalDist

from ckm.models.intervals import Z

POWER = 0.8
Z_POWER = NormalDist().inv_cdf(POWER)
LARGEST_SHARE = 0.5
"""Largest share of a holdout: with equal arms the smallest effect can be detected."""


def detectable_rate(rate: float, treated: int, holdout: int) -> float:
    """Return the smallest increase of a rate that a two-sided test at 5 % detects with a power of 80 %.

    Solves Fleiss, Levin and Paik (2003, Statistical Methods for Rates and Proportions, 4.2) for the effect, without the
    correction for continuity.

    Parameters
    ----------
    rate
        Rate of the holdout, in [0, 1].
    treated, holdout
        Number of customers of each arm, at least one.

    Returns
    -------
    float
        Difference of the rates; infinity if no rate up to 1 is detected.
    """

    def detected(effect: float) -> bool:
        other = rate + effect
        pooled = (rate * holdout + other * treated) / (treated + holdout)
        null = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / holdout))
        alternative = math.sqrt(other * (1 - other) / treated + rate * (1 - rate) / holdout)
        return effect >= Z * null + Z_POWER * alternative

    low, high = 0.0, 1.0 - rate
    if not detected(high):
        return math.inf
    for _ in range(60):  # halves the range to below any printed digit
        middle = (low + high) / 2
        low, high = (low, middle) if detected(middle) else (middle, high)
    return high


def detectable_mean(deviation: float, treated: int, holdout: int) -> float:
    """Return the smallest difference of means that a two-sided test at 5 % detects with a power of 80 %.

    Parameters
    ----------
    deviation
        Standard deviation of the outcome among customers.
    treated, holdout
        Number of customers of each arm, at least one.
    """
    return (Z + Z_POWER) * deviation * math.sqrt(1 / treated + 1 / holdout)


def audience_size(customers: int, share: float, budget: int | None) -> int:
    """Return the number of customers of both arms, of whom at most ``budget`` are treated; None means no limit."""
    return customers if budget is None else min(customers, int(budget / (1 - share) + 1e-9))


def needed_share(
    effect: float, customers: int, *, rate: float | None = None, deviation: float = 0.0, budget: int | None = None
) -> float | None:
    """Return the smallest share of the holdout, in whole percent, with which an effect is detected.

    Parameters
    ----------
    effect
        Smallest effect that matters, above 0: a difference of rates, or of means.
    customers
        Largest number of customers of both arms.
    rate
        Rate without treatment; None for a mean.
    deviation
        Standard deviation of the outcome, for a mean.
    budget
        Largest number of treated customers; None means no limit.

    Returns
    -------
    float | None
        Share in (0, .5]; None if not even equal arms detect the effect.
    """
    for percent in range(1, round(100 * LARGEST_SHARE) + 1):
        whole = audience_size(customers, percent / 100, budget)
        holdout = round(whole * percent / 100)
        treated = whole - holdout
        if holdout < 1 or treated < 1:
            continue
        if rate is None:
            found = detectable_mean(deviation, treated, holdout)
        else:
            found = detectable_rate(rate, treated, holdout)
        if found <= effect:
            return percent / 100
    return None
