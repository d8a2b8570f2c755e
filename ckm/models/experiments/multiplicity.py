"""Correction of p values by Holm, for several effects that are tested together."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

from ckm.models.intervals import LEVEL, Z

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.models.experiments.effect import Effect


def p_value(effect: Effect) -> float:
    """Return the two-sided p value of an effect, computed from its 95 % interval.

    The standard error is the distance from the estimate to the end of the interval on the side of zero, divided by
    1.96. The p value is below 5 % exactly if the interval excludes zero; it is 1 if this distance is 0.
    """
    side = effect.estimate - effect.low if effect.estimate > 0 else effect.high - effect.estimate
    if side <= 0:
        return 1.0
    return 2 * NormalDist().cdf(-abs(effect.estimate) * Z / side)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values adjusted for multiple testing by Holm (1979, Scandinavian Journal of Statistics 6:65-70).

    If the effects with an adjusted p value of at most 5 % are called significant, the probability of one or more false
    positives is at most 5 %.

    Parameters
    ----------
    p_values
        p values of k tests, in any order.

    Returns
    -------
    list
        k adjusted p values, in the order of the parameter.

    >>> [round(each, 3) for each in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


SIGNIFICANT = 1 - LEVEL
"""Largest adjusted p value of a significant effect."""
