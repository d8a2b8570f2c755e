"""Record linkage: candidate pairs, probabilities of a match, and clusters, with decisions of people as constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ckm._link.agreement import EXCHANGED, Comparer, Comparison
from ckm._link.blocking import candidate_pairs
from ckm.errors import NotEnoughDataError
from ckm.models.linkage import LinkageModel, fit_linkage
from ckm.models.linkage_clusters import LINKED, clusters, connected

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Indices: TypeAlias = NDArray[np.int64]

AUTOMATIC = 0.95
"""Smallest probability of a link that is made without a person's decision."""
OF_RELATIVES = 0.9
"""Highest probability of a pair that may be of relatives: such a pair is linked only by a person's decision."""
LIKELY = 0.1
"""Probability from which two records are in one group, of which all pairs are compared."""
LARGEST_GROUP = 60
"""Most records of a group of which all pairs are compared."""
APART = 1e6
"""Negative probability of a forbidden link: no mean with it is high enough for a merge."""
NEGLIGIBLE = 0.01
"""Probability below which a pair is left out; between clusters it counts as 0."""
FITTED = 300_000
"""Most candidate pairs that the model is learned from."""
BATCH = 1_000_000
"""Pairs that are compared at a time."""
AGREES = 4
"""Lowest level at which a field is named as agreeing."""


@dataclass(frozen=True)
class ScoredPairs:
    """Pairs of records that may be of one person.

    Attributes
    ----------
    left, right
        Row numbers of the two records of each pair, ``left < right``; each of shape (pairs,).
    probability
        Probability that the pair is of one person; shape (pairs,).
    weight
        Sum of the weights of the pair's fields, in bits; shape (pairs,).
    agreement
        Level of agreement of each pair in each field; shape (pairs, fields).
    may_be_relatives
        Whether a pair may be two members of one household: its probability is limited to :data:`OF_RELATIVES`. Shape
        (pairs,).
    """

    left: Indices
    right: Indices
    probability: Floats
    weight: Floats
    agreement: NDArray[np.int8]
    may_be_relatives: NDArray[np.bool_]

    def joined(self, other: ScoredPairs) -> ScoredPairs:
        """Return the pairs of ``self`` followed by the pairs of ``other``."""
        names = [each.name for each in dataclass_fields(self)]
        return ScoredPairs(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))


@dataclass(frozen=True)
class Linkage:
    """Result of record linkage: scored pairs, and the person of each record.

    Attributes
    ----------
    pairs
        Pairs with a probability of at least :data:`NEGLIGIBLE`.
    cluster
        Number of the cluster of each record; a cluster is a person. Shape (records,).
    comparer, model
        Comparer and fitted model, for the score of any pair; None if there was no candidate pair.
    """

    pairs: ScoredPairs
    cluster: Indices
    comparer: Comparer | None = None
    model: LinkageModel | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the compared fields, without the field on exchanged names."""
        return tuple(name for name in self.comparer.names if name != EXCHANGED) if self.comparer else ()

    def agreeing(self, pair: int) -> list[str]:
        """Return the names of the fields that agree in the pair at the position ``pair``."""
        return [name for name, level in self._levels(pair) if level >= AGREES]

    def differing(self, pair: int) -> list[str]:
        """Return the names of the fields that differ in the pair at the position ``pair``; missing fields do not."""
        return [name for name, level in self._levels(pair) if 0 <= level < AGREES]

    def _levels(self, pair: int) -> list[tuple[str, int]]:
        return list(zip(self.fields, self.pairs.agreement[pair].tolist(), strict=False))  # exchanged names come last


def link_records(
    fields: pl.DataFrame,
    *,
    forbidden: tuple[Indices, Indices] | None = None,
    required: tuple[Indices, Indices] | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Linkage:
    """Return the pairs of records that may be of one person, and the person of each record.

    Parameters
    ----------
    fields
        Normalised fields; one row per record.
    forbidden, required
        Pairs of records that people decided to be of different persons, and of one person.
    seed
        Seed of the sample of random pairs.
    progress
        Called with the name of each stage.

    Raises
    ------
    NotEnoughDataError
        There are fewer than two records, or no field has more than one value.
    """
    n = fields.height
    if n < 2:  # there is no pair
        raise NotEnoughDataError(
            "there are not two records with a field of different values to compare",
            hint="load a file with names, e-mail addresses, telephone numbers or addresses",
        )
    progress("finding candidate pairs")
    left, right = candidate_pairs(fields)
    if not len(left):
        return _without_candidates(n)
    progress("fitting the model")
    comparer = Comparer(fields)
    model = _fit(comparer, left, right, seed)
    progress("comparing pairs")
    found = _score(comparer, model, left, right)
    progress("forming persons")
    found = found.joined(_score(comparer, model, *_pairs_within_groups(n, found)))
    cluster = _constrained_clusters(n, found, forbidden, required)
    return Linkage(found, cluster, comparer, model)


def _without_candidates(n: int) -> Linkage:
    nothing = np.empty(0, dtype=np.int64)
    pairs = ScoredPairs(
        nothing, nothing, np.empty(0), np.empty(0), np.empty((0, 0), dtype=np.int8), np.empty(0, dtype=bool)
    )
    return Linkage(pairs, np.arange(n, dtype=np.int64))


def _fit(comparer: Comparer, left: Indices, right: Indices, seed: int) -> LinkageModel:
    """Fit the model to the candidate pairs; of more than :data:`FITTED` pairs, to every k-th."""
    step = -(-len(left) // FITTED)
    sample = comparer.compare(left[::step], right[::step])
    population = comparer.population(seed)
    population = replace(population, pairs=population.pairs / step)
    if EXCHANGED in sample.names:
        place = sample.names.index(EXCHANGED)
        population = population.with_all_pairs(place, sample.levels[place])
    return fit_linkage(sample.levels, population, comparer.personal, sample.rarity, comparer.typical)


def _score(comparer: Comparer, model: LinkageModel, left: Indices, right: Indices) -> ScoredPairs:
    """Return the pairs with a probability of at least :data:`NEGLIGIBLE`; compared in batches to save memory."""
    found: list[ScoredPairs] = []
    for start in range(0, max(1, len(left)), BATCH):
        one, other = left[start : start + BATCH], right[start : start + BATCH]
        compared = comparer.compare(one, other)
        probability = probability_of(model, compared)
        kept = np.flatnonzero(probability >= NEGLIGIBLE)
        relatives = compared.may_be_relatives
        levels = np.stack(compared.levels, axis=1)[kept]
        rarity = (compared.rarity.of_person + compared.rarity.of_household)[kept]
        weights = [np.append(weight, 0.0)[levels[:, field]] for field, weight in enumerate(model.weights())]
        weight = (np.sum(weights, axis=0) + rarity) / np.log(2)
        found.append(ScoredPairs(one[kept], other[kept], probability[kept], weight, levels, relatives[kept]))
    first, *rest = found
    for each in rest:
        first = first.joined(each)
    return first


def probability_of(model: LinkageModel, compared: Comparison) -> Floats:
    """Return the probability of a match of each pair, shape (pairs,); at most :data:`OF_RELATIVES` for relatives."""
    probability = model.posterior(compared.levels, compared.rarity)["match"]
    return np.where(compared.may_be_relatives, np.minimum(probability, OF_RELATIVES), probability)


def _pairs_within_groups(n: int, found: ScoredPairs) -> tuple[Indices, Indices]:
    """Return all pairs within groups of records that are not yet in ``found``.

    A group is a set of records that pairs with a probability of at least :data:`LIKELY` connect. Groups of more than
    :data:`LARGEST_GROUP` records get no further pairs.
    """
    group = connected(n, found.left, found.right, found.probability >= LIKELY)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(group[order]) != 0))
    sizes = np.diff(np.append(starts, n))
    keys = [np.empty(0, dtype=np.int64)]
    for size in range(3, LARGEST_GROUP + 1):
        members = order[starts[sizes == size][:, None] + np.arange(size)]
        a, b = np.triu_indices(size, 1)
        one, other = members[:, a].ravel(), members[:, b].ravel()
        keys.append(np.minimum(one, other) * n + np.maximum(one, other))
    new = np.setdiff1d(np.concatenate(keys), found.left * n + found.right)
    return new // n, new % n


def support(probability: Floats) -> Floats:
    """Return the value of each pair in the mean of a cluster's pairs (average linkage), from 0 to 1; shape (pairs,).

    A probability of at least one half is its own value. A lower probability becomes its log odds, scaled from 0 at
    :data:`NEGLIGIBLE` to one half at even odds. So a pair with few common fields, of a low probability, counts much
    less against one person than a pair whose fields contradict each other, of a probability near 0.
    """
    odds = np.log(np.clip(probability, NEGLIGIBLE, 0.5) / (1 - np.clip(probability, NEGLIGIBLE, 0.5)))
    return np.where(probability >= LINKED, probability, 0.5 - 0.5 * odds / np.log(NEGLIGIBLE / (1 - NEGLIGIBLE)))


def _constrained_clusters(
    n: int,
    pairs: ScoredPairs,
    forbidden: tuple[Indices, Indices] | None,
    required: tuple[Indices, Indices] | None,
) -> Indices:
    """Return the number of the cluster of each record, shape (n,).

    The records of a required pair are always in one cluster; those of a forbidden pair are in two clusters, unless
    required pairs connect them.
    """
    nothing = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    apart, together = forbidden or nothing, required or nothing
    keys = np.concatenate([pairs.left * n + pairs.right, together[0] * n + together[1], apart[0] * n + apart[1]])
    supported = np.where(pairs.may_be_relatives, 0.0, support(pairs.probability))
    values = np.concatenate([supported, np.ones(len(together[0])), np.full(len(apart[0]), -APART)])
    last = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]  # a person's decision on a pair comes last
    found = clusters(n, keys[last] // n, keys[last] % n, values[last], AUTOMATIC)
    if not len(together[0]):
        return found
    return connected(n, found[together[0]], found[together[1]], np.ones(len(together[0]), dtype=bool))[found]
