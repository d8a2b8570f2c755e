"""Centred vectors of length 1, which stay sparse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.topics import unit

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]


@dataclass(frozen=True)
class CentredVectors:
    """Centred vectors of length 1, (row - mean) / length, stored as these three so that sparse rows stay sparse.

    Attributes
    ----------
    rows
        Vectors before centring, dense or sparse, shape (n, d).
    mean
        Mean that is subtracted from each row, shape (d,).
    lengths
        Length of each row less the mean, shape (n,).
    """

    rows: Any
    mean: Floats
    lengths: Floats

    @classmethod
    def of(cls, rows: Any, mean: Floats | None = None) -> CentredVectors:
        """Centre rows of length 1 by a mean; without a mean the rows must be centred and of length 1 already."""
        if mean is None:
            return cls(rows, np.zeros(rows.shape[1]), np.ones(rows.shape[0]))
        return cls(rows, mean, np.sqrt(np.maximum(1 - 2 * np.asarray(rows @ mean).ravel() + mean @ mean, 1e-9)))

    def centroids(self, labels: Labels, clusters: int) -> Floats:
        """Return the direction of the mean of each cluster, shape (clusters, d)."""
        from scipy.sparse import csr_matrix

        places = np.arange(len(labels))
        member = csr_matrix((1 / self.lengths, (labels, places)), shape=(clusters, len(labels)))
        sums = member @ self.rows
        dense = np.asarray(sums.todense() if hasattr(sums, "todense") else sums)
        return unit(dense - np.outer(np.asarray(member.sum(1)).ravel(), self.mean))

    def cosines(self, middles: Floats) -> Floats:
        """Return the cosine of each vector with each centroid, shape (n, k)."""
        return np.asarray(np.asarray(self.rows @ middles.T) - middles @ self.mean) / self.lengths[:, None]
