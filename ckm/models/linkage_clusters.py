"""Clusters of linked records: average linkage on the probabilities of a match."""

from __future__ import annotations

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


def clusters(records: int, left: Indices, right: Indices, probability: Floats) -> Indices:
    """Return a cluster of each record, numbered from 0 in order of its first record; shape (records,).

    Clusters are merged in the order of their mean probability of a match (average linkage, UPGMA: Sokal and Michener
    1958) while it is at least :data:`LINKED`. So a chain of links does not join two persons of whose pairs most do not
    match.

    Parameters
    ----------
    records
        Number of records.
    left, right
        Records of each pair; no pair occurs twice.
    probability
        Probability of a match of each pair; of other pairs it is 0.
    """
    found = np.arange(records)
    least, pending = WEAKEST, np.ones(len(left), dtype=bool)
    while pending.any():
        component = connected(records, left, right, pending & (probability >= least))
        size = np.bincount(component, minlength=records)
        of_pair = np.where(pending & (component[left] == component[right]), size[component[left]], 0)
        _merge(found, left, right, probability, component, np.flatnonzero((of_pair > 1) & (of_pair <= LARGEST)))
        pending = of_pair > LARGEST
        least = np.sqrt(least)
    first = np.full(records, records)
    np.minimum.at(first, found, np.arange(records))
    return np.unique(first[found], return_inverse=True)[1].astype(np.int64)


def connected(records: int, left: Indices, right: Indices, linked: NDArray[np.bool_]) -> Indices:
    """Return the connected component of each record; shape (records,)."""
    from scipy.sparse import coo_array  # imported late: only linkage needs it
    from scipy.sparse.csgraph import connected_components

    edges = (left[linked], right[linked])
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(records, records))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _merge(
    found: Indices, left: Indices, right: Indices, probability: Floats, component: Indices, pairs: Indices
) -> None:
    """Set the clusters of all records in the components of ``pairs``."""
    from scipy.cluster.hierarchy import fcluster, linkage

    pairs = _of_undecided(found, left, right, probability, component, pairs)
    pairs = pairs[np.argsort(component[left[pairs]], kind="stable")]
    bounds = np.flatnonzero(np.diff(component[left[pairs]])) + 1
    for own in np.split(pairs, bounds) if len(pairs) else []:
        members, codes = np.unique([left[own], right[own]], return_inverse=True)
        n = len(members)
        a, b = np.sort(codes.reshape(2, -1), axis=0)
        distance = np.ones(n * (n - 1) // 2)
        distance[n * a - a * (a + 1) // 2 + b - a - 1] = 1.0 - probability[own]
        label = fcluster(linkage(distance, "average"), 1.0 - LINKED, "distance")
        for each in np.unique(label):
            found[members[label == each]] = members[label == each][0]


def _of_undecided(
    found: Indices, left: Indices, right: Indices, probability: Floats, component: Indices, pairs: Indices
) -> Indices:
    """Set the cluster of each component in which all pairs are linked; return the pairs of the other components.

    Of two records that are not linked, each stays alone.
    """
    of_pair = component[left[pairs]]
    records = np.bincount(component, minlength=len(found))
    linked = np.bincount(of_pair[probability[pairs] >= LINKED], minlength=len(found))
    whole = linked == records * (records - 1) // 2
    first = np.full(len(found), len(found))
    np.minimum.at(first, component, np.arange(len(found)))
    one_person = whole[component] & np.isin(component, of_pair)
    found[one_person] = first[component[one_person]]
    return pairs[~whole[of_pair] & (records[of_pair] > PAIR)]
