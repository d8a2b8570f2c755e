"""Check of a cluster's name: figures of its customers compared with those of all customers.

Centres are computed after logarithms, shrinkage and clipping, but readers take a name literally: *big baskets* states
that the orders of these customers are larger than those of other customers. A word is therefore used only if figures
without these transformations confirm it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

TOLERANCE = 0.01
"""Relative difference up to which figures count as equal: 1 %."""
KNOWN_SHARE = 0.5
"""A word about a figure is used only if the figure is known for at least this share of the cluster's customers."""


@dataclass(frozen=True)
class Fact:
    """A figure of the feature table, without transformation, that a word describes.

    Attributes
    ----------
    column
        Column of the feature table.
    over
        Denominator column; None without one.
    pooled
        Whether the figure is the ratio of sums, as in the summary; otherwise mean and median of the customers must both
        confirm the word.
    level
        Value to compare with; None means the figure of all customers.
    """

    column: str
    over: str | None = None
    pooled: bool = False
    level: float | None = None

    def is_known(self, frame: pl.DataFrame) -> bool:
        """Return whether ``frame`` has the columns from which the figure is computed."""
        return all(name is None or name in frame.columns for name in (self.column, self.over))

    def side(self, frame: pl.DataFrame, members: Mask) -> int:
        """Return 1 if the figure of ``members`` is larger than the level, -1 if it is smaller, else 0.

        The level is :attr:`level`, or else the figure of all customers. 0 means equal, unknown for many members, or
        that mean and median contradict each other.
        """
        values, over = _numbers(frame, self.column), np.ones(frame.height)
        if self.over is not None:
            over = _numbers(frame, self.over)
        known = ~np.isnan(values) & ~np.isnan(over) & (over > 0)
        some = known & members
        if not some.any() or some.sum() < KNOWN_SHARE * members.sum():
            return 0
        if self.pooled:
            return _compare(values[some].sum() / over[some].sum(), values[known].sum() / over[known].sum())
        ratios = values / np.where(known, over, 1.0)
        mean, middle = (
            _compare(float(average(ratios[some])), float(average(ratios[known])) if self.level is None else self.level)
            for average in (np.mean, np.median)
        )
        return mean if middle in (0, mean) else 0


def true_deviations(
    deviations: Sequence[Sequence[float]],
    facts: Sequence[Sequence[Fact]],
    frame: pl.DataFrame,
    labels: NDArray[np.int64],
) -> list[list[float]]:
    """Return the deviations of clusters, set to 0 where a fact contradicts the word for the deviation.

    Parameters
    ----------
    deviations
        Deviations by cluster and feature.
    facts
        For each feature, the facts that its words describe.
    frame, labels
        All customers, and the cluster of each.
    """

    def holds(deviation: float, about: Sequence[Fact], members: Mask) -> bool:
        return all(each.side(frame, members) == np.sign(deviation) for each in about if each.is_known(frame))

    return [
        [
            deviation if holds(deviation, about, labels == cluster) else 0.0
            for deviation, about in zip(row, facts, strict=True)
        ]
        for cluster, row in enumerate(deviations)
    ]


def _compare(one: float, other: float) -> int:
    return 0 if abs(one - other) <= TOLERANCE * abs(other) else int(np.sign(one - other))


def _numbers(frame: pl.DataFrame, column: str) -> Floats:
    return frame[column].cast(float).fill_null(float("nan")).to_numpy()
