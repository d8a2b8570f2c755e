"""Matching of new clusters with old clusters by common points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME = 0.5
"""Jaccard index above which two clusters are the same. Hennig (2007), *Computational Statistics & Data Analysis* 52(1),
258-271, calls a cluster dissolved if its best match is not above this."""


def match_clusters(old: NDArray[np.int64], new: NDArray[np.int64]) -> dict[int, int]:
    """Return the old cluster that each new cluster continues.

    Old and new clusters are paired one to one so that pairs have the most points in common (the assignment problem,
    Kuhn 1955). Only pairs with a Jaccard index (points in both ÷ points in either) above :data:`SAME` are returned.

    Parameters
    ----------
    old, new
        Cluster number of each point, from 0, by the old and by the new centres; shape (n,).
    """
    from scipy.optimize import linear_sum_assignment

    width = int(old.max()) + 1
    shared = np.bincount(new * width + old, minlength=(int(new.max()) + 1) * width).reshape(-1, width)
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    rows, columns = linear_sum_assignment(shared, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {mine: its for mine, its in pairs if shared[mine, its] > SAME * either[mine, its]}
