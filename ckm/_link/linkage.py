"""Links of records: candidates, their probabilities, and clusters, with decisions of people as constraints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ckm._link.agreement import EXCHANGED, Comparer, Comparison
from ckm._link.blocking import candidate_pairs
from ckm.errors import NotEnoughDataError
from ckm.models.linkage import LinkageModel, fit_linkage
from ckm.models.linkage_clusters import clusters, connected

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Indices: TypeAlias = NDArray[np.int64]

LIKELY = 0.1
"""Probability from which two records are in one group, of which all pairs are compared."""
LARGEST_GROUP = 60
"""Most records of a group of which all pairs are compared."""
APART = 1e6
"""Negative probability of a forbidden link: no mean with it is high enough for a merge."""
AGREES = 4
"""Lowest level at which a field is named as agreeing."""


@dataclass(frozen=True)
class Linkage:
    """Probabilities of pairs, and the clusters.

    Attributes
    ----------
    left, right
        Records of each compared pair, ``left < right``.
    probability
        Probability that the pair is of one person.
    weight
        Sum of the weights of its fields, in bits.
    fields
        Names of the fields of ``agreement``.
    agreement
        Level of each pair and field; shape (pairs, fields).
    cluster
        Cluster of each record.
    model, comparer
        Fitted model, and what compares further pairs; None if no pair was a candidate.
    """

    left: Indices
    right: Indices
    probability: Floats
    weight: Floats
    fields: tuple[str, ...]
    agreement: NDArray[np.int8]
    cluster: Indices
    model: LinkageModel | None = None
    comparer: Comparer | None = field(default=None, repr=False)

    def agreeing(self, pair: int) -> list[str]:
        """Return the names of the agreeing fields of a pair."""
        levels = zip(self.fields, self.agreement[pair].tolist(), strict=True)
        return [name for name, level in levels if level >= AGREES and name != EXCHANGED]


def link_records(
    fields: pl.DataFrame,
    *,
    forbidden: tuple[Indices, Indices] | None = None,
    required: tuple[Indices, Indices] | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Linkage:
    """Return the links of records.

    Parameters
    ----------
    fields
        Normalised fields; one row per record.
    forbidden, required
        Pairs of records that people found to be of different persons, and of one person.
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
    if n < 2 or not fields.width:  # a pair
        raise NotEnoughDataError(
            f"{n} records with {fields.width} fields to compare: at least 2 records and 1 field are needed",
            hint="load a file with names, e-mail addresses, telephone numbers or addresses",
        )
    progress("finding candidate pairs")
    left, right = candidate_pairs(fields)
    if not len(left):
        return _without_candidates(n)
    progress("comparing pairs")
    comparer = Comparer(fields)
    found = comparer.compare(left, right)
    progress("fitting the model")
    model = fit_linkage(found.levels, comparer.population(seed), comparer.personal, found.rarity)
    probability = model.posterior(found.levels, found.rarity)["match"]
    progress("forming persons")
    more = _pairs_within_groups(n, left, right, probability)
    if len(more[0]):
        others = comparer.compare(*more)
        probability = np.append(probability, model.posterior(others.levels, others.rarity)["match"])
        found = _joined(found, others)
        left, right = np.append(left, more[0]), np.append(right, more[1])
    cluster = _constrained_clusters(n, left, right, probability, forbidden, required)
    levels = np.stack(found.levels, axis=1)
    weights = sum(
        np.append(weight, 0.0)[level] for weight, level in zip(model.weights(), found.levels, strict=True)
    ) / np.log(2)
    return Linkage(left, right, probability, np.asarray(weights), found.names, levels, cluster, model, comparer)


def _without_candidates(n: int) -> Linkage:
    nothing = np.empty(0, dtype=np.int64)
    return Linkage(
        nothing, nothing, np.empty(0), np.empty(0), (), np.empty((0, 0), dtype=np.int8), np.arange(n, dtype=np.int64)
    )


def _pairs_within_groups(n: int, left: Indices, right: Indices, probability: Floats) -> tuple[Indices, Indices]:
    """Return the pairs that are no candidates, although other pairs connect their records."""
    group = connected(n, left, right, probability >= LIKELY)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(group[order]) != 0))
    sizes = np.diff(np.append(starts, n))
    keys = [np.empty(0, dtype=np.int64)]
    for size in range(3, LARGEST_GROUP + 1):
        members = order[starts[sizes == size][:, None] + np.arange(size)]
        a, b = np.triu_indices(size, 1)
        one, other = members[:, a].ravel(), members[:, b].ravel()
        keys.append(np.minimum(one, other) * n + np.maximum(one, other))
    new = np.setdiff1d(np.concatenate(keys), left * n + right)
    return new // n, new % n


def _joined(found: Comparison, others: Comparison) -> Comparison:
    levels = tuple(np.append(a, b) for a, b in zip(found.levels, others.levels, strict=True))
    return Comparison(found.names, levels, tuple(None for _ in levels))


def _constrained_clusters(
    n: int,
    left: Indices,
    right: Indices,
    probability: Floats,
    forbidden: tuple[Indices, Indices] | None,
    required: tuple[Indices, Indices] | None,
) -> Indices:
    """Return clusters in which required pairs are together and no forbidden pair is, unless these contradict."""
    nothing = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    apart, together = forbidden or nothing, required or nothing
    keys = np.concatenate([left * n + right, together[0] * n + together[1], apart[0] * n + apart[1]])
    values = np.concatenate([probability, np.ones(len(together[0])), np.full(len(apart[0]), -APART)])
    last = len(keys) - 1 - np.unique(keys[::-1], return_index=True)[1]  # people's decisions come last
    found = clusters(n, keys[last] // n, keys[last] % n, values[last])
    if not len(together[0]):
        return found
    return connected(n, found[together[0]], found[together[1]], np.ones(len(together[0]), dtype=bool))[found]
