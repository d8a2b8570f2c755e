"""Prediction intervals of a customer's spend and of total spend, fitted to the prediction errors of past tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.calibration import Calibration, recalibrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.models.btyd.histories import Floats

LEVEL = 0.8
"""Level of the prediction interval of a customer's spend."""
Z_OF_TOTAL = 1.96
"""Half width of the interval of the total in standard errors; its level is 95 %."""
GROUPS = 5
BUYERS_A_GROUP = 100
"""Fewest buyers per group to estimate the quantiles of spend ÷ expected spend in the group."""
STEPS = 100
"""Number of equal steps from 0 to 1 at which quantiles are stored."""
PRIOR_ERROR = 0.15
"""Prior standard error of the logarithm of a total: on the data of ``bench/loyalty_clv.py``, totals of purchase models
had errors of 5 to 20 %."""
PRIOR_TESTS = 2
"""Weight of the prior standard error, in tests."""


@dataclass(frozen=True)
class PredictionErrors:
    """Expected and actual spend in a past test, by customer; shape (n,).

    Attributes
    ----------
    expected, no_purchase, spend
        Expected spend, log odds of no purchase, actual spend.
    days
        Length of the test window in days.
    """

    expected: Floats
    no_purchase: Floats
    spend: Floats
    days: int

    def half(self, number: int) -> PredictionErrors:
        """Return every second customer, beginning with the first (0) or the second (1)."""
        return PredictionErrors(self.expected[number::2], self.no_purchase[number::2], self.spend[number::2], self.days)


@dataclass(frozen=True)
class SpendInterval:
    """Hurdle model: probability of no spend, and distribution of spend ÷ expected spend among buyers.

    Attributes
    ----------
    calibration
        Calibration of the log odds of no purchase.
    edges
        Expected spend per day at the boundaries between groups of customers, ascending.
    quantiles
        Quantiles of spend ÷ expected spend among buyers, at equal steps from 0 to 1; shape (groups, steps + 1).
    """

    calibration: Calibration
    edges: Floats
    quantiles: Floats

    def bounds(self, expected: Floats, no_purchase: Floats, days: int) -> tuple[Floats, Floats]:
        """Return the lower and upper bound of each customer's spend, inclusive; shape (n,) each.

        If the probability of no spend is 10 % or more, the lower bound is 0 and the upper bound is the 80 % quantile,
        which is 0 if this probability is 80 % or more. Otherwise the bounds are the 10 % and the 90 % quantile.
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


def fit_interval(tests: Sequence[PredictionErrors]) -> SpendInterval | None:
    """Return the interval model fitted to tests; None with fewer than :data:`BUYERS_A_GROUP` buyers."""
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


def coverage(tests: Sequence[PredictionErrors]) -> float | None:
    """Return the share of customers whose spend was within an interval fitted to other customers.

    Two-fold cross-validation: each half of the customers is tested with the interval model of the other half.
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


def total_half_width(errors: Sequence[float], stretch: float) -> float:
    """Return the half width of the 95 % interval of the logarithm of total spend.

    Parameters
    ----------
    errors
        Logarithm of actual ÷ expected total, one per test.
    stretch
        Horizon ÷ length of the test windows; the standard error of a total grows with its square root.
    """
    squares = sum(each**2 for each in errors) + PRIOR_TESTS * PRIOR_ERROR**2
    return float(Z_OF_TOTAL * np.sqrt(squares / (len(errors) + PRIOR_TESTS) * stretch))
