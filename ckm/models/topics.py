"""Topics of texts: consensus clusters of unit vectors, their centroids, and matches of old and new centroids.

Several k-means solutions from different starts are combined: two texts are similar if many solutions put them in one
cluster. Ward's method then clusters the texts by this similarity (Strehl and Ghosh 2002, Journal of Machine Learning
Research 3:583-617; Fred and Jain 2005, IEEE TPAMI 27(6):835-850). A single k-means or Ward solution depends more on the
start, and changes more with a few additional texts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

SOLUTIONS = 60
"""Number of k-means solutions that are combined."""
COARSEST, FINEST = 0.5, 1.5
"""Smallest and largest number of clusters of these solutions, per cluster of the result. Texts that only a solution
with many clusters separates are more alike than texts that a solution with few clusters separates."""
ROUNDS = 10
"""Iterations of k-means; later iterations move few texts."""
DIMENSIONS = 60
"""Principal components in which the texts are clustered; further ones are mostly noise in short texts."""


def unit(vectors: Floats) -> Floats:
    """Normalise vectors to length 1, shape (n, d); a vector of zeros is returned unchanged."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))


def default_topics(texts: int) -> int:
    """Return the default number of topics: 2 · ln(texts), at least 2; this is 9 for 100 texts, 16 for 3,000."""
    return max(2, round(2 * math.log(max(texts, 1))))


def consensus_clusters(vectors: Floats, clusters: int, seed: int = 0) -> Labels:
    """Cluster texts, and return the cluster number of each, shape (n,); 0 is the largest cluster.

    Parameters
    ----------
    vectors
        Centred vectors of the texts, shape (n, d).
    clusters
        Number of clusters; at most n.
    seed
        Random seed of the k-means starts.
    """
    from sklearn.cluster import AgglomerativeClustering

    clusters = min(clusters, len(vectors))
    if clusters < 2:
        return np.zeros(len(vectors), np.int64)
    points = unit(principal_components(vectors, DIMENSIONS))
    # One column per cluster of each solution, weighted by 1/√size: two texts of a large cluster are less alike.
    columns = []
    sizes = np.linspace(max(2, COARSEST * clusters), min(len(points), FINEST * clusters), SOLUTIONS).astype(int)
    for number, size in enumerate(sizes.tolist()):
        labels = spherical_k_means(points, size, np.random.default_rng([seed, number]))
        member = np.zeros((len(points), size))
        member[np.arange(len(points)), labels] = 1
        columns.append(member / np.sqrt(np.maximum(member.sum(0), 1)))
    shared = unit(principal_components(np.hstack(columns), clusters))
    labels = AgglomerativeClustering(clusters, linkage="ward").fit_predict(shared)
    for _ in range(3):  # Ward does not reassign texts after a merge
        labels = (shared @ centroids(shared, labels, clusters).T).argmax(1)
    return _by_size(labels)


def spherical_k_means(points: Floats, clusters: int, rng: np.random.Generator) -> Labels:
    """Cluster unit vectors by cosine, labels of shape (n,) (Dhillon and Modha 2001, Machine Learning 42:143-175)."""
    middles = points[rng.choice(len(points), clusters, replace=False)]
    labels = np.zeros(len(points), np.int64)
    for _ in range(ROUNDS):
        labels = (points @ middles.T).argmax(1)
        middles = centroids(points, labels, clusters)
        for empty in np.flatnonzero(~np.isin(np.arange(clusters), labels)):
            middles[empty] = points[rng.integers(len(points))]
    return labels


def centroids(vectors: Floats, labels: Labels, clusters: int) -> Floats:
    """Return the mean vector of each cluster, normalised to length 1, shape (clusters, d); zeros for empty clusters."""
    from scipy.sparse import csr_matrix

    texts = len(labels)
    member = csr_matrix((np.ones(texts), (labels, np.arange(texts))), shape=(clusters, texts))
    return unit(member @ vectors)


def principal_components(vectors: Floats, dimensions: int) -> Floats:
    """Return the coordinates of the texts on the first principal components, shape (n, at most ``dimensions``)."""
    left, values, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    return np.asarray(left[:, :dimensions] * values[:dimensions])


def match_topics(old: Floats, new: Floats, least: float) -> dict[int, int]:
    """Match new topics to old ones, one to one with the largest total cosine: number of the old by that of the new.

    Parameters
    ----------
    old, new
        Centroids of length 1, shapes (m, d) and (n, d).
    least
        Smallest cosine of a matched pair; pairs below it are left out.
    """
    from scipy.optimize import linear_sum_assignment

    if not len(old) or not len(new):
        return {}
    cosines = new @ old.T
    rows, columns = linear_sum_assignment(-cosines)
    return {int(row): int(column) for row, column in zip(rows, columns, strict=True) if cosines[row, column] >= least}


def _by_size(labels: Labels) -> Labels:
    """Renumber clusters by decreasing size, clusters of equal size by their first text, without empty clusters."""
    found, first, counts = np.unique(labels, return_index=True, return_counts=True)
    number = np.empty(found.max() + 1, np.int64)
    number[found[np.lexsort((first, -counts))]] = np.arange(len(found))
    return np.asarray(number[labels])
