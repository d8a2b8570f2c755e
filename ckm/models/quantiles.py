"""Scores by quantiles: equal values always share a score, and a larger value never scores lower."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Cuts:
    """Cut points between the scores of one measure.

    Attributes
    ----------
    edges
        Ascending, in the unit of the measure, one fewer than there are scores. Ties repeat an edge: the score
        between two equal edges is then held by nobody.
    fewer_is_better
        True for recency, where fewer days make the better customer.
    """

    edges: tuple[float, ...]
    fewer_is_better: bool = False

    def score(self, value: pl.Expr) -> pl.Expr:
        """Score of ``value``, Int8 from 1 (worst) to ``len(edges) + 1`` (best); null stays null."""
        above = pl.sum_horizontal(value.gt(edge).cast(pl.Int8) for edge in self.edges)
        level = len(self.edges) + 1 - above if self.fewer_is_better else above + 1
        return pl.when(value.is_not_null()).then(level.cast(pl.Int8))


def quantile_cuts(values: pl.Series, bins: int, *, fewer_is_better: bool = False) -> Cuts:
    """Cut points that put equally many customers into each score, as far as equal values allow.

    The edge ``i`` is the smallest value that at least ``i / bins`` of the customers do not exceed (the inverse of
    the empirical distribution function, type 1 in Hyndman and Fan 1996, p. 363). Scores compare values with edges
    and never count rows, so equal values share their score whatever the order of the rows, and a larger value
    never falls below a smaller one. Ties go with the smaller value: among customers of whom half bought once, one
    purchase is score 1, and the next score in use is 3, since half of all customers lie below it.

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
