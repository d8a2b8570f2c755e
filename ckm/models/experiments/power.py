"""Power of an experiment: smallest detectable effect, and share of the holdout that is needed to detect an effect."""

from __future__ import annotations

import math
from statistics import NormalDist

from ckm.models.intervals import Z

POWER = 0.8
Z_POWER = NormalDist().inv_cdf(POWER)
LARGEST_SHARE = 0.5
"""Maximum share of a holdout: arms of equal size have the smallest detectable effect."""


def detectable_rate(rate: float, treated: int, holdout: int) -> float:
    """Return the smallest increase of a rate that a two-sided test at 5 % detects with a power of 80 %.

    The sample size formula of Fleiss, Levin and Paik (2003, Statistical Methods for Rates and Proportions, 4.2),
    without correction for continuity, solved for the effect by bisection.

    Parameters
    ----------
    rate
        Rate without treatment, in [0, 1].
    treated, holdout
        Number of customers in each arm, at least one.

    Returns
    -------
    float
        Difference of the rates, in (0, 1]; infinity if not even an increase to a rate of 1 is detected.
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
    for _ in range(60):  # bisection to floating-point precision
        middle = (low + high) / 2
        low, high = (low, middle) if detected(middle) else (middle, high)
    return high


def detectable_mean(deviation: float, treated: int, holdout: int) -> float:
    """Return the smallest difference of means that a two-sided test at 5 % detects with a power of 80 %.

    Parameters
    ----------
    deviation
        Standard deviation of the outcome among customers, equal in both arms.
    treated, holdout
        Number of customers in each arm, at least one.

    Returns
    -------
    float
        Difference of the means, in the unit of ``deviation``.
    """
    return (Z + Z_POWER) * deviation * math.sqrt(1 / treated + 1 / holdout)


def audience_size(customers: int, share: float, budget: int | None) -> int:
    """Return the number of customers in both arms together, so that at most ``budget`` of them are treated.

    Parameters
    ----------
    customers
        Number of available customers.
    share
        Share of the holdout, in (0, 1).
    budget
        Maximum number of treated customers; None means no limit.
    """
    return customers if budget is None else min(customers, int(budget / (1 - share) + 1e-9))


def needed_share(
    effect: float, customers: int, *, rate: float | None = None, deviation: float = 0.0, budget: int | None = None
) -> float | None:
    """Return the smallest share of the holdout with which an effect is detected (power 80 %, two-sided test at 5 %).

    Parameters
    ----------
    effect
        Smallest effect that matters, above 0: a difference of rates, or of means.
    customers
        Maximum number of customers in both arms together.
    rate
        Rate without treatment; None if the outcome is an amount.
    deviation
        Standard deviation of the outcome; used only if ``rate`` is None.
    budget
        Maximum number of treated customers; None means no limit.

    Returns
    -------
    float | None
        A multiple of 0.01 in (0, 0.5]; None if the effect is not detected even with arms of equal size.
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
