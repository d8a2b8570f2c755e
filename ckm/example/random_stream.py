"""Random numbers that are equal on every machine."""

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

    Every customer and every purpose has its own stream, so that a change in one place changes nothing elsewhere. Only
    :meth:`random.Random.random` is used: Python guarantees its sequence for all versions, but not those of ``sample``,
    ``shuffle`` and ``gauss``. Logarithms can differ between C libraries in the last digit, so every result is rounded
    to days, points or cents before use.

    Parameters
    ----------
    *name
        Name of the stream, such as ``RandomStream(7, "life", "0010423")``. Equal names give equal numbers.
    """

    def __init__(self, *name: object) -> None:
        self._random = Random("/".join(map(str, name))).random

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        return self._random()

    def chance(self, probability: float) -> bool:
        """Return true with this probability."""
        return self._random() < probability

    def whole(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
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
        """Return 1, 2, 3, … with probabilities in proportion to the weights."""
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
        """Return a Weibull-distributed time with this mean; ``shape`` 1 is memoryless, above 1 is regular."""
        scale = mean / math.gamma(1 + 1 / shape)
        return float(scale * (-math.log(1 - self._random())) ** (1 / shape))

    def normal(self, mean: float, deviation: float) -> float:
        """Return a normally distributed number, by inversion."""
        return mean + deviation * _NORMAL.inv_cdf(max(self._random(), 1e-12))

    def around(self, median: float, spread: float) -> float:
        """Return a log-normally distributed number with this median; ``spread`` is the deviation of its logarithm."""
        return median * math.exp(self.normal(0.0, spread))
