"""Random numbers that are equal on every computer and for every version of Python."""

from __future__ import annotations

import math
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

T = TypeVar("T")
_NORMAL = NormalDist()


class RandomStream:
    """A named stream of random numbers.

    Each customer and each purpose has a separate stream, so that a changed number of draws in one stream does not
    change any other stream. Only :meth:`random.Random.random` is used, because Python guarantees its sequence for all
    versions, but not the sequences of ``sample``, ``shuffle`` and ``gauss``. Logarithms of different C libraries can
    differ in the last digit: callers round all results to days, points or cents.

    Parameters
    ----------
    *name
        Name of the stream, such as ``RandomStream(7, "life", "0010423")``. Equal names give equal numbers.
    """

    def __init__(self, *name: object) -> None:
        self._random = Random("/".join(map(str, name))).random

    def unit(self) -> float:
        """Return a uniformly distributed number in [0, 1)."""
        return self._random()

    def chance(self, probability: float) -> bool:
        """Return true with a probability, else false."""
        return self._random() < probability

    def whole(self, low: int, high: int) -> int:
        """Return a uniformly distributed integer from ``low`` to ``high``, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """Return one of the items with equal probability."""
        return items[int(self._random() * len(items))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """Return one of the keys with probability in proportion to its weight."""
        left = self._random() * sum(weights.values())
        for item, weight in weights.items():
            left -= weight
            if left < 0:
                return item
        return next(reversed(list(weights)))

    def count(self, weights: Sequence[float]) -> int:
        """Return an integer from 1 to the number of weights, with probabilities in proportion to the weights."""
        left = self._random() * sum(weights)
        for number, weight in enumerate(weights, start=1):
            left -= weight
            if left < 0:
                return number
        return len(weights)

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """Return the items in random order."""
        return [item for _, _, item in sorted((self._random(), i, item) for i, item in enumerate(items))]

    def weibull(self, mean: float, shape: float) -> float:
        """Return a Weibull-distributed time with a mean; a ``shape`` of 1 is exponential, a larger one more regular."""
        scale = mean / math.gamma(1 + 1 / shape)
        return float(scale * (-math.log(1 - self._random())) ** (1 / shape))

    def normal(self, mean: float, deviation: float) -> float:
        """Return a normally distributed number, by inversion of the distribution function."""
        return mean + deviation * _NORMAL.inv_cdf(max(self._random(), 1e-12))

    def around(self, median: float, spread: float) -> float:
        """Return a log-normally distributed number; ``spread`` is the standard deviation of its logarithm."""
        return median * math.exp(self.normal(0.0, spread))
