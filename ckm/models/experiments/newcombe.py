"""Intervals of the difference (Newcombe) and of the ratio (MOVER-R) of two rates."""

from __future__ import annotations

from math import hypot

from ckm.models.experiments.effect import Effect
from ckm.models.intervals import score_interval

METHOD = "Newcombe's hybrid score interval"


def newcombe(treated: tuple[int, int], holdout: tuple[int, int]) -> Effect:
    """Return the difference of two rates, treated minus holdout, with its 95 % interval.

    Method 10 of Newcombe (1998, Statistics in Medicine 17:873-890). The distance from the difference to an end of the
    interval is the root of the sum of two squares: the distances from the two rates to the ends of their Wilson score
    intervals. The interval lies within [-1, 1], and its coverage is about 95 % even for rates close to 0 or 1.

    Parameters
    ----------
    treated, holdout
        Of each arm, the number of customers with the outcome and the number of all customers (at least one).

    >>> found = newcombe((56, 70), (48, 80))
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    (a, m), (b, n) = treated, holdout
    p, q = a / m, b / n
    (low_p, high_p), (low_q, high_q) = score_interval(a, m), score_interval(b, n)
    difference = p - q
    return Effect(
        difference,
        difference - hypot(p - low_p, high_q - q),
        difference + hypot(high_p - p, q - low_q),
        p,
        q,
        METHOD,
    )


def relative_reduction(treated: tuple[int, int], holdout: tuple[int, int]) -> tuple[float, float, float]:
    """Return the relative reduction ``1 - p / q`` of a rate, with ``p`` of the treated arm and ``q`` of the holdout.

    The interval is computed from the Wilson score intervals of the two rates by MOVER-R (Donner and Zou 2012,
    Statistical Methods in Medical Research 21:347-359).

    Parameters
    ----------
    treated, holdout
        Of each arm, the number of customers with the outcome and the number of all customers. The holdout has at least
        one customer with the outcome.

    Returns
    -------
    tuple
        Relative reduction, and lower and upper end of its 95 % interval; negative values are an increase of the rate.
    """
    (a, m), (b, n) = treated, holdout
    p, q = a / m, b / n
    (low_p, high_p), (low_q, high_q) = score_interval(a, m), score_interval(b, n)
    ratio_low = (p * q - ((p * q) ** 2 - low_p * high_q * (2 * p - low_p) * (2 * q - high_q)) ** 0.5) / (
        high_q * (2 * q - high_q)
    )
    ratio_high = (p * q + ((p * q) ** 2 - high_p * low_q * (2 * p - high_p) * (2 * q - low_q)) ** 0.5) / (
        low_q * (2 * q - low_q)
    )
    return 1 - p / q, 1 - ratio_high, 1 - ratio_low
