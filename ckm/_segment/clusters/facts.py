"""Check of a cluster's name: figures of its customers compared with those of all customers.

A cluster lies where it does after logarithms, borrowed purchases and clipping. Its name is read without them: *big
baskets* says that these customers' orders are larger than the others'. A word is therefore used only where the plain
figures say so too.
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
"""Figures that differ by no more than a hundredth are equal."""
KNOWN_SHARE = 0.5
"""Of a cluster's customers that must have a figure for a word to be about all of them."""


@dataclass(frozen=True)
class Fact:
    """A plain figure that a word is about.

    Attributes
    ----------
    column
        Of the feature table.
    over
        Column that it is divided by; None for a plain figure.
    pooled
        Whether the sums of the two columns are divided, as the summary does; else mean and median of the customers
        must both agree.
    level
        What the figure is compared with; None means the figure of all customers.
    """

    column: str
    over: str | None = None
    pooled: bool = False
    level: float | None = None

    def is_known(self, frame: pl.DataFrame) -> bool:
        """Whether a table has the columns."""
        return all(name is None or name in frame.columns for name in (self.column, self.over))

    def side(self, frame: pl.DataFrame, members: Mask) -> int:
        """Return 1 where the members' figure is larger, -1 where it is smaller, 0 where neither is known."""
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
    """Return the deviations of :func:`~ckm._segment.clusters.names.name_clusters`, 0 where a fact contradicts.

    Parameters
    ----------
    deviations
        Per cluster and feature.
    facts
        Per feature, those that its words are about.
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
