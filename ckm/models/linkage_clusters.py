"""Clusters of linked records: average linkage on the probabilities of a match."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Indices: TypeAlias = NDArray[np.int64]

LINKED = 0.5
"""Smallest mean probability of the pairs between two clusters that are merged: one person is more likely than two."""
WEAKEST = 0.02
"""Pairs below this probability connect no component; inside a component they count."""
LARGEST = 1000
"""Most records of a component that is clustered as a whole; a larger one is split at its weaker links first."""
PAIR = 2


def clusters(records: int, left: Indices, right: Indices, probability: Floats, automatic: float = LINKED) -> Indices:
    """Return the cluster of each record, numbered from 0 in the order of the clusters' first records; shape (records,).

    The two clusters with the highest mean probability of a match over the pairs between them are merged first (average
    linkage, UPGMA: Sokal and Michener 1958). Merging ends when no mean is at least :data:`LINKED` with one pair of at
    least ``automatic``. So a chain of links does not merge two persons if most pairs between them do not match.

    Parameters
    ----------
    records
        Number of records.
    left, right
        Row numbers of the two records of each pair, without repeats; each of shape (pairs,).
    probability
        Probability of a match of each pair, shape (pairs,); pairs that are not given have the probability 0.
    automatic
        Two clusters are merged only if one pair between them has at least this probability; at least :data:`LINKED`.
    """
    found = np.arange(records)
    least, pending = WEAKEST, np.ones(len(left), dtype=bool)
    while pending.any():
        component = connected(records, left, right, pending & (probability >= least))
        size = np.bincount(component, minlength=records)
        of_pair = np.where(pending & (component[left] == component[right]), size[component[left]], 0)
        decided = np.flatnonzero((of_pair > 1) & (of_pair <= LARGEST))
        _merge(found, left, right, probability, component, decided, automatic)
        pending = of_pair > LARGEST
        least = np.sqrt(least)
    first = np.full(records, records)
    np.minimum.at(first, found, np.arange(records))
    starts = first[found]
    return np.asarray((np.cumsum(np.bincount(starts, minlength=records) > 0) - 1)[starts], dtype=np.int64)


def connected(records: int, left: Indices, right: Indices, linked: NDArray[np.bool_]) -> Indices:
    """Return the number of the connected component of each record; shape (records,).

    ``linked`` is whether each pair of ``left`` and ``right`` is an edge; shape (pairs,).
    """
    from scipy.sparse import coo_array  # imported late: SciPy is slow to import
    from scipy.sparse.csgraph import connected_components

    edges = (left[linked], right[linked])
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(records, records))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _merge(
    found: Indices,
    left: Indices,
    right: Indices,
    probability: Floats,
    component: Indices,
    pairs: Indices,
    automatic: float,
) -> None:
    """Set in ``found`` the cluster of every record in a component of ``pairs``; the cluster's number is a record."""
    pairs = _of_undecided(found, left, probability >= automatic, component, pairs)
    pairs = pairs[np.argsort(component[left[pairs]], kind="stable")]
    bounds = [*(np.flatnonzero(np.diff(component[left[pairs]])) + 1).tolist(), len(pairs)]
    one, other, mean = left[pairs].tolist(), right[pairs].tolist(), probability[pairs].tolist()
    start = 0
    for stop in bounds:
        ends = one[start:stop], other[start:stop]
        for record, cluster in average_linkage(*ends, mean[start:stop], automatic).items():
            found[record] = cluster
        start = stop


def average_linkage(
    left: list[int], right: list[int], probability: list[float], automatic: float = LINKED
) -> dict[int, int]:
    """Return the cluster of each record, named by one record of the cluster.

    The two clusters with the highest mean probability over the pairs between them are merged first, while the mean is
    at least :data:`LINKED` and one of these pairs has at least ``automatic``. Of equal means, the clusters with the
    lower records come first.
    """
    between: dict[int, dict[int, tuple[float, float]]] = {}  # sum and maximum of the probabilities
    queue: list[tuple[float, int, int]] = []
    for one, other, each in zip(left, right, probability, strict=True):
        between.setdefault(one, {})[other] = each, each
        between.setdefault(other, {})[one] = each, each
        if each >= automatic:
            queue.append((-each, min(one, other), max(one, other)))
    members = {record: [record] for record in between}
    heapify(queue)
    while queue:
        negative, one, other = heappop(queue)
        if one not in members or other not in members:
            continue
        if -negative != between[one][other][0] / (len(members[one]) * len(members[other])):
            continue  # outdated: one of the two clusters was merged meanwhile
        members[one] += members.pop(other)
        for third, (total, highest) in between.pop(other).items():
            del between[third][other]
            if third != one:
                before = between[one].get(third, (0.0, 0.0))
                between[one][third] = between[third][one] = before[0] + total, max(before[1], highest)
        for third, (total, highest) in between[one].items():
            mean = total / (len(members[one]) * len(members[third]))
            if mean >= LINKED and highest >= automatic:
                heappush(queue, (-mean, min(one, third), max(one, third)))
    return {record: cluster for cluster, records in members.items() for record in records}


def _of_undecided(
    found: Indices, left: Indices, linked: NDArray[np.bool_], component: Indices, pairs: Indices
) -> Indices:
    """Set in ``found`` the cluster of each component in which all pairs are linked; return the pairs still to merge.

    These are the pairs of the other components of three and more records. The records of a component of two that are
    not linked stay in clusters of one record.
    """
    of_pair = component[left[pairs]]
    records = np.bincount(component, minlength=len(found))
    links = np.bincount(of_pair[linked[pairs]], minlength=len(found))
    whole = links == records * (records - 1) // 2
    first = np.full(len(found), len(found))
    np.minimum.at(first, component, np.arange(len(found)))
    one_person = whole[component] & np.isin(component, of_pair)
    found[one_person] = first[component[one_person]]
    return np.asarray(pairs[~whole[of_pair] & (records[of_pair] > PAIR)], dtype=np.int64)
