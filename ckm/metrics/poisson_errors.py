"""How far a number moves by chance alone, when customers come and go each by themselves.

Every number here is a function of sums over customers. Had other customers come, as many as come by chance (Poisson),
each with what they did in both periods, the sums would vary by the sums of squares and products of what each customer
adds to them. That is what a Poisson bootstrap over customers finds with a thousand draws (Chamandy, Muralidharan,
Najmi and Naidu 2012, Estimating uncertainty for massive data streams, Google), written down at once: no draws and no
seed. A number that is a smooth function of the sums follows by its gradient (delta method).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64] | NDArray[np.float64] | NDArray[np.bool_]

NORMAL_975 = 1.959963984540054
"""Quantile of the standard normal distribution: 95 % lie within so many deviations."""
STEP = 1e-5
"""Relative step of a central difference: its error is of the order of the square."""


@dataclass(frozen=True)
class Sums:
    """Sums over customers, and their squares and products.

    Attributes
    ----------
    totals
        One per column.
    products
        Square: the sum over customers of the products of two columns.
    """

    totals: Floats
    products: Floats

    def error_of(self, gradient: Sequence[float] | Floats) -> float:
        """Return the standard error of a number that changes by ``gradient`` with the totals."""
        slope = np.asarray(gradient, dtype=np.float64)
        return sqrt(max(0.0, float(slope @ self.products @ slope)))


def sums(columns: Sequence[Numbers]) -> Sums:
    """Add up columns with one value per customer.

    By numpy's own sums, one product after the other: a matrix product adds in an order that hangs on the threads.
    """
    values = [np.asarray(each, dtype=np.float64) for each in columns]
    products = np.zeros((len(values), len(values)))
    for one, left in enumerate(values):
        for other in range(one + 1):
            products[one, other] = products[other, one] = (left * values[other]).sum()
    return Sums(np.array([each.sum() for each in values]), products)


def gradient(function: Callable[[Floats], float], at: Floats) -> Floats:
    """Return the slopes of a smooth function by central differences."""
    slopes = np.zeros(len(at))
    for each, value in enumerate(at):
        step = np.zeros(len(at))
        step[each] = STEP * max(abs(float(value)), 1.0)
        slopes[each] = (function(at + step) - function(at - step)) / (2 * step[each])
    return slopes


def ratio_gradient(above: float, below: float) -> tuple[float, float]:
    """Slopes of ``above / below``."""
    return 1 / below, -above / below**2


def error_of_days(days: Numbers) -> float:
    """Return the standard error of a sum of days, for what has no customer: days count as drawn one by one."""
    return sqrt(len(days) * float(np.var(days, ddof=1))) if len(days) > 1 else 0.0


def interval(value: float, error: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval."""
    return value - NORMAL_975 * error, value + NORMAL_975 * error


def chance(value: float, error: float) -> float:
    """Return the probability of a number at least as far from zero where it is zero in truth."""
    if not error:
        return 0.0 if value else 1.0
    return erfc(abs(value) / error / sqrt(2))


def beyond_chance(chances: Sequence[float], level: float = 0.05) -> tuple[bool, ...]:
    """Say which of several findings stand, so that all of them together err with probability ``level`` at most.

    Holm 1979, Scandinavian Journal of Statistics 6(2):65-70: the least is compared with level / m, the next against
    level / (m - 1), until one fails.
    """
    significant = [False] * len(chances)
    for rank, each in enumerate(sorted(range(len(chances)), key=lambda at: (chances[at], at))):
        if chances[each] > level / (len(chances) - rank):
            break
        significant[each] = True
    return tuple(significant)
