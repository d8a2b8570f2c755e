"""Scores by quantiles: equal values have equal scores, and a larger value never has a lower score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import polars as pl


@dataclass(frozen=True)
class Cuts:
    """Cut points between the scores of a metric.

    Attributes
    ----------
    edges
        Cut points, ascending, in the unit of the metric; one fewer than scores. Between two equal edges there is a
        score that no customer has.
    fewer_is_better
        Whether smaller values have higher scores, as for recency.
    scores
        Score of each class, smallest values first (:func:`material_cuts`); empty if the scores are 1, 2, 3 and so on.
    """

    edges: tuple[float, ...]
    fewer_is_better: bool = False
    scores: tuple[int, ...] = ()

    @property
    def varies(self) -> bool:
        """Whether there is more than one class."""
        return bool(self.edges)

    def score(self, value: pl.Expr) -> pl.Expr:
        """Return the score of ``value`` (Int8): 1 (worst) to ``len(edges) + 1`` (best), or from :attr:`scores`.

        The score of null is null.
        """
        above = pl.sum_horizontal(pl.lit(0, pl.Int8), *(value.gt(edge).cast(pl.Int8) for edge in self.edges))
        if self.scores:
            level = above.replace_strict(dict(enumerate(self.scores)), return_dtype=pl.Int8)
            return pl.when(value.is_not_null()).then(level)
        level = len(self.edges) + 1 - above if self.fewer_is_better else above + 1
        return pl.when(value.is_not_null()).then(level.cast(pl.Int8))


def quantile_cuts(values: pl.Series, bins: int, *, fewer_is_better: bool = False) -> Cuts:
    """Return cut points for which all scores have equal numbers of customers, as far as ties allow.

    Edge ``i`` is the smallest value that at least ``i / bins`` of the customers do not exceed: the inverse of the
    empirical distribution function, type 1 in Hyndman and Fan (1996, p. 363). A score depends only on the comparison of
    the value with the edges, so equal values have equal scores in any order of the rows. Tied values get the lowest
    score of their range: if half of the customers bought once, one purchase has score 1, and the next larger number of
    purchases has score 3 of 5.

    Parameters
    ----------
    values
        Numbers, one per customer, without nulls, not empty.
    bins
        Number of scores, at least 1.
    fewer_is_better
        See :class:`Cuts`.

    Examples
    --------
    >>> quantile_cuts(pl.Series([1, 1, 1, 2, 9]), 5).edges
    (1, 1, 1, 2)
    """
    ascending = values.sort()
    count = len(ascending)
    return Cuts(tuple(ascending[-(-count * i // bins) - 1] for i in range(1, bins)), fewer_is_better)


def material_cuts(
    values: pl.Series, bins: int, *, per_class: int, least_ratio: float = 1.0, fewer_is_better: bool = False
) -> Cuts:
    """Return the cut points of :func:`quantile_cuts`, with fewer than ``bins`` classes if classes would hardly differ.

    The result has the largest number of classes, up to ``bins``, for which a class has ``per_class`` customers on
    average and the medians of neighbouring classes differ by a factor of at least ``least_ratio``. Fewer classes than
    ``bins`` are spread over the scores: with ``bins`` = 5, one class has score 3, two have 2 and 4, three have 1, 3 and
    5. If a cut point equals the largest value, no customer is above it; the top class then has the middle of the scores
    that its customers span.

    Parameters
    ----------
    values
        Numbers, one per customer, without nulls, not empty.
    bins
        Number of scores.
    per_class
        Smallest mean number of customers per class, at least 1.
    least_ratio
        Smallest ratio of the medians of neighbouring classes; 1 accepts any difference. If a median is not positive,
        the difference must be at least ``least_ratio - 1`` times the larger absolute median.
    fewer_is_better
        See :class:`Cuts`.

    Examples
    --------
    >>> material_cuts(pl.Series([24] * 20), 5, per_class=5)
    Cuts(edges=(), fewer_is_better=False, scores=(3,))
    """
    for classes in range(min(bins, len(values) // per_class), 1, -1):
        edges = quantile_cuts(values, classes).edges
        if _differ(values, edges, least_ratio):
            return _spread(edges, float(values.max()), bins, fewer_is_better)  # type: ignore[arg-type]
    return _spread((), float("inf"), bins, fewer_is_better)


def _differ(values: pl.Series, edges: tuple[float, ...], least_ratio: float) -> bool:
    """Return whether there are two or more classes, and the medians of neighbouring classes differ enough."""
    classed = values.to_frame().select(value=pl.col(values.name), place=Cuts(edges).score(pl.col(values.name)))
    medians = classed.group_by("place").agg(pl.col("value").median()).sort("place")["value"].to_list()
    return len(medians) > 1 and all(
        above - below >= (least_ratio - 1) * (below if below > 0 else max(abs(above), abs(below)))
        for below, above in pairwise(medians)
    )


def _spread(edges: tuple[float, ...], largest: float, bins: int, fewer_is_better: bool) -> Cuts:
    """Return cut points whose classes have scores that are spread evenly from 1 to ``bins``."""
    kept = tuple(edge for edge in dict.fromkeys(edges) if edge < largest)
    is_tied_at_the_end = len(kept) < len(set(edges))
    classes = len(edges) + 1
    if classes == bins and not is_tied_at_the_end:
        return Cuts(edges, fewer_is_better)
    levels: list[float] = [1, *(1 + sum(edge <= below for edge in edges) for below in kept)]
    if is_tied_at_the_end:
        levels[-1] = (levels[-1] + classes) / 2
    if fewer_is_better:
        levels = [classes + 1 - level for level in levels]
    # the score whose part of the range 0 to 1 contains the middle of the class
    scores = (math.floor((level - 0.5) / classes * bins + 1) for level in levels)
    return Cuts(kept, fewer_is_better, tuple(scores))
