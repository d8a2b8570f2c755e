"""Prediction intervals of a customer's spend, and of the total, learned from what past predictions missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.calibration import Calibration, recalibrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.models.btyd.histories import Floats

LEVEL = 0.8
"""Share of the customers whose spend lies in the interval."""
Z_OF_TOTAL = 1.96
"""The interval of a total holds 95 %, as those of all other sums do."""
GROUPS = 5
BUYERS_A_GROUP = 100
"""Buyers whose ratios of spend to expectation give a group's quantiles; fewer are pooled."""
STEPS = 100
"""Quantiles that are kept, at equal steps."""
USUAL_ERROR = 0.15
"""Standard error of the logarithm of a total where nothing is known: totals of models of ordering were 5 to 20 % off on
the data of ``bench/loyalty_clv.py``."""
PRIOR_TESTS = 2
"""So many tests weigh as much as that."""


@dataclass(frozen=True)
class Missed:
    """What a prediction expected and what came, one entry per customer.

    Attributes
    ----------
    expected, no_purchase, spend
        Expected spend, log odds of no purchase, spend that came.
    days
        Length of the window.
    """

    expected: Floats
    no_purchase: Floats
    spend: Floats
    days: int

    def half(self, number: int) -> Missed:
        """Return every other customer, from the first or from the second on."""
        return Missed(self.expected[number::2], self.no_purchase[number::2], self.spend[number::2], self.days)


@dataclass(frozen=True)
class SpendInterval:
    """A hurdle: a probability of no spend, and a distribution of spend over its expectation among those who buy.

    Attributes
    ----------
    calibration
        Of the log odds of no purchase.
    edges
        Expected spend a day that separates the groups, ascending.
    quantiles
        Of spend over the expectation given a purchase, a row per group, at equal steps from 0 to 1.
    """

    calibration: Calibration
    edges: Floats
    quantiles: Floats

    def bounds(self, expected: Floats, no_purchase: Floats, days: int) -> tuple[Floats, Floats]:
        """Return the least and the most spend of each customer; both belong to the interval.

        Where one in ten such customers or more buys nothing, the lower end is 0 and the upper end is the 80 % quantile,
        which is 0 where four in five buy nothing. Elsewhere the ends are the 10 % and the 90 % quantile. So nothing of
        the level is spent on what cannot be: less than nothing.
        """
        none = 1 / (1 + np.exp(-self.calibration(no_purchase)))
        tail = (1 - LEVEL) / 2
        from_zero = none >= tail
        if_bought = expected / np.maximum(1 - none, 1e-9)
        low, high = (
            self._quantile((at - none) / np.maximum(1 - none, 1e-9), expected / days) * if_bought
            for at in (np.full(len(none), tail), np.where(from_zero, LEVEL, 1 - tail))
        )
        return np.where(from_zero, 0.0, low), np.where(none >= LEVEL, 0.0, high)

    def _quantile(self, at: Floats, rate: Floats) -> Floats:
        group, grid = np.searchsorted(self.edges, rate, side="right"), np.linspace(0, 1, STEPS + 1)
        found = np.zeros(len(at))
        for number, quantiles in enumerate(self.quantiles):
            rows = group == number
            found[rows] = np.interp(at[rows], grid, quantiles)
        return found


def fit_interval(tests: Sequence[Missed]) -> SpendInterval | None:
    """Learn an interval from tests; None where fewer than :data:`BUYERS_A_GROUP` bought in them."""
    spend, expected, no_purchase = (
        np.concatenate([getattr(each, name) for each in tests]) for name in ("spend", "expected", "no_purchase")
    )
    rate = np.concatenate([each.expected / each.days for each in tests])
    calibration = recalibrate(no_purchase, spend <= 0)
    none = 1 / (1 + np.exp(-calibration(no_purchase)))
    bought = (spend > 0) & (expected > 0)
    if bought.sum() < BUYERS_A_GROUP:
        return None
    ratio = spend[bought] / (expected[bought] / np.maximum(1 - none[bought], 1e-9))
    groups = max(1, min(GROUPS, int(bought.sum()) // BUYERS_A_GROUP))
    edges = np.unique(np.quantile(rate[bought], np.linspace(0, 1, groups + 1)[1:-1]))
    group, grid = np.searchsorted(edges, rate[bought], side="right"), np.linspace(0, 1, STEPS + 1)
    quantiles = [
        np.quantile(ratio[group == number] if (group == number).any() else ratio, grid)
        for number in range(len(edges) + 1)
    ]
    return SpendInterval(calibration, edges, np.stack(quantiles))


def coverage(tests: Sequence[Missed]) -> float | None:
    """Return the share of customers whose spend lay in an interval learned from other customers.

    Each half of the customers of each test is compared with the interval of the other half.
    """
    within = customers = 0
    for half in (0, 1):
        interval = fit_interval([each.half(1 - half) for each in tests])
        if interval is None:
            return None
        for mine in (each.half(half) for each in tests):
            low, high = interval.bounds(mine.expected, mine.no_purchase, mine.days)
            within += int(((low <= mine.spend) & (mine.spend <= high)).sum())
            customers += len(mine.spend)
    return within / customers if customers else None


def total_reach(errors: Sequence[float], stretch: float) -> float:
    """Return how far the logarithm of a total reaches to either side.

    Parameters
    ----------
    errors
        Logarithms of what came over what was expected in all, of each test.
    stretch
        Horizon over the length of the tests: errors of a total grow as the root of it.
    """
    squares = sum(each**2 for each in errors) + PRIOR_TESTS * USUAL_ERROR**2
    return float(Z_OF_TOTAL * np.sqrt(squares / (len(errors) + PRIOR_TESTS) * stretch))
