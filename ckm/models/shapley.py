"""Contributions of feature groups to a score: exact Shapley values relative to one reference row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations
from math import comb
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Features: TypeAlias = Mapping[str, Floats]
    Score: TypeAlias = Callable[[Features], Floats]

MOST_GROUPS = 12
"""Maximum number of groups. The cost doubles with each group; 12 groups need 4,096 scores per row."""
CHUNK = 65_536
"""Maximum number of rows that are scored at once, which limits the memory of the model."""


@dataclass(frozen=True)
class Attribution:
    """Shapley values of scores.

    Attributes
    ----------
    groups
        Group names, in the order of the columns of ``points``.
    base
        Score of the reference row.
    points
        Shapley value of each group for each row's score; shape (n, groups).
    """

    groups: tuple[str, ...]
    base: float
    points: Floats

    @property
    def scores(self) -> Floats:
        """Score of each row: ``base`` plus the sum of its points; shape (n,)."""
        return np.asarray(self.base + self.points.sum(axis=1), dtype=np.float64)


class Term(Protocol):
    """Part of a score that depends on some of the features only."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the features on which the term depends."""

    def __call__(self, features: Features) -> Floats:
        """Return the value of each row, shape (n,)."""

    def shapley(
        self, features: Features, reference: Mapping[str, float], groups: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Floats]:
        """Return the Shapley values of feature groups, shape (n,) each; a group that is absent has zero.

        The parameters are those of :func:`group_shapley`; all features are of :attr:`names`.
        """

    def decrease(self, features: Features, changed: Mapping[str, float]) -> Floats:
        """Return the decrease of the value of each row if the features ``changed`` had these values, shape (n,)."""


@dataclass(frozen=True)
class FunctionTerm:
    """Term that is a function of the features ``names``."""

    names: tuple[str, ...]
    function: Score

    def __call__(self, features: Features) -> Floats:
        """Return the value of each row, shape (n,)."""
        return self.function(features)

    def shapley(
        self, features: Features, reference: Mapping[str, float], groups: Mapping[str, Sequence[str]]
    ) -> dict[str, Floats]:
        """Return the Shapley values by the score of every mixed row; see :func:`group_shapley`."""
        found = group_shapley(self.function, features, reference, groups)
        return {group: found.points[:, at] for at, group in enumerate(groups)}

    def decrease(self, features: Features, changed: Mapping[str, float]) -> Floats:
        """Return the decrease of the value of each row if the features ``changed`` had these values, shape (n,)."""
        rows = len(next(iter(features.values())))
        return self.function(features) - self.function(
            {**features, **{name: np.full(rows, value) for name, value in changed.items()}}
        )


@dataclass(frozen=True)
class WeightedTerm:
    """Term and its factor in a score."""

    weight: float
    term: Term

    def times(self, factor: float) -> WeightedTerm:
        """Return the term with its weight multiplied by ``factor``."""
        return WeightedTerm(factor * self.weight, self.term)


class AdditiveScore(Protocol):
    """Score that is a constant plus a weighted sum of terms."""

    def log_odds(self, features: Features) -> Floats:
        """Return the score of each row, shape (n,)."""

    def terms(self) -> Sequence[WeightedTerm]:
        """Return the terms of the score, without the constant."""


def additive_shapley(
    score: AdditiveScore,
    features: Features,
    reference: Mapping[str, float],
    groups: Mapping[str, Sequence[str]],
) -> Attribution:
    """Return the Shapley values of feature groups for an additive score; see :func:`group_shapley`.

    The values of a sum are the sums of the terms' values, and the players of a term are only the groups with a feature
    of the term. So a term of three groups needs 8 scores per row, where the whole score would need 256.

    Parameters
    ----------
    score
        The score. Its terms use no feature outside of ``features``, or allow its absence.
    features, reference, groups
        As for :func:`group_shapley`.

    Raises
    ------
    ValueError
        As :func:`group_shapley`.
    """
    _check_groups(features, groups)
    base = float(score.log_odds({name: np.full(1, reference[name]) for name in features})[0])
    points = np.zeros((len(groups), len(next(iter(features.values())))))
    for weighted in score.terms():
        own = {name: features[name] for name in weighted.term.names if name in features}
        if not own:
            continue
        played = {group: tuple(name for name in names if name in own) for group, names in groups.items()}
        found = weighted.term.shapley(own, reference, {group: names for group, names in played.items() if names})
        for at, group in enumerate(groups):
            if group in found:
                points[at] += weighted.weight * found[group]
    if not np.isfinite(base) or not np.isfinite(points).all():
        raise ValueError("scores must be finite")
    return Attribution(tuple(groups), base, points.T)


def group_shapley(
    log_odds: Score,
    features: Features,
    reference: Mapping[str, float],
    groups: Mapping[str, Sequence[str]],
    *,
    chunk: int = CHUNK,
) -> Attribution:
    """Return the Shapley values of feature groups for each row's score, relative to a reference row.

    For each row, the groups are the players of a cooperative game. The worth ``v(S)`` of a coalition S of groups is the
    score of a mixed row: features of S from the row, all other features from the reference. The points of a group are
    its Shapley value (Shapley 1953, *A value for n-person games*, Contributions to the Theory of Games II, 307-317),
    with k groups:

    ``points(g) = Σ over S without g of |S|! (k - |S| - 1)! / k! · (v(S and g) - v(S))``

    No other attribution has these four properties: the points add up to score minus base; a group that never changes
    the score gets 0; groups with equal effects get equal points; the points of a sum of models are the sums of the
    models' points. With single features as players it is SHAP with a background of one row (Lundberg and Lee 2017, *A
    unified approach to interpreting model predictions*, NeurIPS 30), or baseline Shapley in Sundararajan and Najmi
    (2020, *The many Shapley values for model explanation*, ICML). With groups as players it is the value of the
    quotient game, equal to the sum over a group's members in Owen (1977, *Values of games with a priori unions*,
    76-88).

    The values are exact, because every mixed row is scored. A group whose features are equal in row and reference is no
    player, so a row with k differing groups needs 2^k scores. Mixed rows are scored ``chunk`` at a time, so that the
    model's memory does not grow with the number of rows.

    Parameters
    ----------
    log_odds
        Function from features by name, shape (m,), to finite scores, shape (m,); each score depends on its row only.
        The feature arrays may be read-only.
    features
        Features of the rows by name, shape (n,); NaN is a value like any other.
    reference
        Reference value of each feature.
    groups
        Feature names by group; each feature is in exactly one group.
    chunk
        Maximum number of rows that are scored at once.

    Raises
    ------
    ValueError
        A feature is in no group or in two, there are more than :data:`MOST_GROUPS` groups, or a score is not finite.
    """
    _check_groups(features, groups)
    mixtures = _Mixtures(log_odds, features, reference, chunk)
    base = mixtures.base()
    plays = np.column_stack([_differs(features, reference, names) for names in groups.values()])
    points = np.zeros(plays.shape)
    players = plays.sum(axis=1)
    joins, misses = _weights(len(groups))
    for inside, _, _ in coalitions(len(groups)):
        rows = np.flatnonzero(plays[:, inside].all(axis=1))
        names = list(chain.from_iterable(list(groups.values())[group] for group in inside))
        worth = mixtures.worth(names, rows) if inside else np.full(len(rows), base)
        joined, missed = (worth * weights[len(inside)][players[rows]] for weights in (joins, misses))
        for group in range(len(groups)):
            if group in inside:
                points[rows, group] += joined
            else:
                points[rows, group] -= np.where(plays[rows, group], missed, 0.0)
    return Attribution(tuple(groups), base, points)


@dataclass(frozen=True)
class _Mixtures:
    """Scores of mixed rows: some features from the row, all others from the reference."""

    log_odds: Score
    features: Features
    reference: Mapping[str, float]
    chunk: int

    def base(self) -> float:
        """Return the score of the reference row."""
        return float(self._scored({name: np.full(1, self.reference[name]) for name in self.features})[0])

    def worth(self, own: Sequence[str], rows: NDArray[np.intp]) -> Floats:
        """Return the score of each of ``rows`` with the features ``own`` from the row, the rest from the reference."""
        worth = np.empty(len(rows))
        for start in range(0, len(rows), self.chunk):
            part = rows[start : start + self.chunk]
            mixed: dict[str, Floats] = {
                name: values[part] if name in own else np.broadcast_to(np.float64(self.reference[name]), len(part))
                for name, values in self.features.items()
            }
            worth[start : start + self.chunk] = self._scored(mixed)
        return worth

    def _scored(self, mixed: Features) -> Floats:
        scores = self.log_odds(mixed)
        if not np.isfinite(scores).all():
            raise ValueError("scores must be finite")
        return scores


def _check_groups(features: Features, groups: Mapping[str, Sequence[str]]) -> None:
    if len(groups) > MOST_GROUPS:
        raise ValueError(f"{len(groups)} groups are more than {MOST_GROUPS}")
    if sorted(chain.from_iterable(groups.values())) != sorted(features):
        raise ValueError("each feature must be in exactly one group")


def _differs(features: Features, reference: Mapping[str, float], names: Sequence[str]) -> NDArray[np.bool_]:
    """Return whether a row differs from the reference in any of the features ``names``; NaN equals NaN."""
    differs = np.zeros(len(next(iter(features.values()))), np.bool_)
    for name in names:
        own, usual = features[name], np.float64(reference[name])
        differs |= ~((own == usual) | (np.isnan(own) & np.isnan(usual)))
    return differs


@cache
def coalitions(players: int) -> tuple[tuple[tuple[int, ...], float, float], ...]:
    """Return all coalitions of a game by size, with the factor of the coalition's worth in the players' values.

    Each element is the players inside (numbers from 0), the factor for a player inside, and the factor for a player
    outside, which is zero or negative: ``points(g) = Σ over all coalitions S of factor · v(S)``.
    """
    joins, misses = _weights(players)
    return tuple(
        (inside, float(joins[size, players]), -float(misses[size, players]))
        for size in range(players + 1)
        for inside in combinations(range(players), size)
    )


def _weights(most: int) -> tuple[Floats, Floats]:
    """Return the weights of a coalition's worth in the values of its members, and of all other players.

    ``(s - 1)! (k - s)! / k! = 1 / (s C(k, s))`` for members, ``s! (k - s - 1)! / k! = 1 / ((k - s) C(k, s))`` for
    others; index [s, k] for a coalition of s in a game of k players.
    """
    joins, misses = np.zeros((most + 1, most + 1)), np.zeros((most + 1, most + 1))
    for k in range(1, most + 1):
        for s in range(k + 1):
            joins[s, k] = 1 / (s * comb(k, s)) if s else 0.0
            misses[s, k] = 1 / ((k - s) * comb(k, s)) if s < k else 0.0
    return joins, misses
