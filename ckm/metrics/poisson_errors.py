"""Standard errors of metrics that follow from Poisson variation of the customers.

A metric is a function of sums over customers. If each customer occurs a Poisson(1) number of times, with the same
behaviour in both periods, the covariances of the sums are the sums of squares and products of the customers'
contributions. A Poisson bootstrap over customers with a thousand draws has the same variance (Chamandy, Muralidharan,
Najmi and Naidu 2012, Estimating uncertainty for massive data streams, Google); this is its closed form, without draws
and seed. The error of a smooth function of the sums follows from its gradient (delta method).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.experiments.multiplicity import holm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.int64] | NDArray[np.float64] | NDArray[np.bool_]

NORMAL_975 = 1.959963984540054
"""97.5 % quantile of the standard normal distribution, for two-sided 95 % intervals."""
STEP = 1e-5
"""Relative step of a central difference; the error is of the order of its square."""


@dataclass(frozen=True)
class Sums:
    """Sums over customers, and their squares and products.

    Attributes
    ----------
    totals
        Sum of each column.
    products
        Square matrix: the sum over customers of the products of two columns.
    """

    totals: Floats
    products: Floats

    def error_of(self, gradient: Sequence[float] | Floats) -> float:
        """Return the standard error of a function of the totals that has the gradient ``gradient``."""
        slope = np.asarray(gradient, dtype=np.float64)
        return sqrt(max(0.0, float(slope @ self.products @ slope)))


def sums(columns: Sequence[Numbers]) -> Sums:
    """Return the sums over customers of columns and of products of two columns.

    Products are summed one after the other, because the order of additions in a matrix product depends on the threads.
    """
    values = [np.asarray(each, dtype=np.float64) for each in columns]
    products = np.zeros((len(values), len(values)))
    for one, left in enumerate(values):
        for other in range(one + 1):
            products[one, other] = products[other, one] = (left * values[other]).sum()
    return Sums(np.array([each.sum() for each in values]), products)


def gradient(function: Callable[[Floats], float], at: Floats) -> Floats:
    """Return the gradient of a smooth function by central differences."""
    slopes = np.zeros(len(at))
    for each, value in enumerate(at):
        step = np.zeros(len(at))
        step[each] = STEP * max(abs(float(value)), 1.0)
        slopes[each] = (function(at + step) - function(at - step)) / (2 * step[each])
    return slopes


def ratio_gradient(above: float, below: float) -> tuple[float, float]:
    """Return the gradient of ``above / below`` with respect to both."""
    return 1 / below, -above / below**2


def error_of_days(days: Numbers) -> float:
    """Return the standard error of a sum over days, for guest sales: each day counts as an independent observation."""
    return sqrt(len(days) * float(np.var(days, ddof=1))) if len(days) > 1 else 0.0


def interval(value: float, error: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a normal estimate with standard error ``error``."""
    return value - NORMAL_975 * error, value + NORMAL_975 * error


def p_value(value: float, error: float) -> float:
    """Return the two-sided p-value of a normal estimate under the hypothesis that it is zero."""
    if not error:
        return 0.0 if value else 1.0
    return erfc(abs(value) / error / sqrt(2))


def holm_significant(p_values: Sequence[float], level: float = 0.05) -> tuple[bool, ...]:
    """Return which findings are significant when all are tested together at ``level``.

    Holm 1979, Scandinavian Journal of Statistics 6(2):65-70: the smallest p-value is compared with level / m, the next
    with level / (m - 1), until one fails.
    """
    return tuple(each <= level for each in holm(p_values))
