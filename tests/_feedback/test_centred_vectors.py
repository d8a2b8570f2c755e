"""Centroids and cosines of centred sparse rows equal those of dense vectors."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from ckm._feedback.centred_vectors import CentredVectors
from ckm.models.topics import centroids, unit


def test_centroids_and_cosines_of_sparse_rows_equal_those_of_dense_vectors() -> None:
    random = np.random.default_rng(1)
    rows = unit(np.where(random.random((60, 40)) < 0.2, random.random((60, 40)), 0.0) + np.eye(60, 40))
    mean, labels = rows.mean(0), random.integers(0, 4, 60)
    dense = unit(rows - mean)
    found = CentredVectors.of(csr_matrix(rows), mean)
    middles = found.centroids(labels, 4)
    assert np.allclose(middles, centroids(dense, labels, 4))
    assert np.allclose(found.cosines(middles), dense @ middles.T)
