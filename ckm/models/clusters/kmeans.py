"""K-means whose result does not depend on the run or the number of threads."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

RESTARTS = 10
"""Number of k-means starts; the result with the smallest inertia is used."""


def fit_centres(points: Floats, number: int, *, seed: int, restarts: int = RESTARTS) -> Floats:
    """Return the centres of k-means, shape (number, features), in arbitrary order.

    Lloyd's algorithm from ``restarts`` k-means++ starts (Arthur and Vassilvitskii 2007). It runs on one thread, because
    with several threads the order of additions, and with it the rounding, would vary.

    Parameters
    ----------
    points
        Shape (n, features); the result depends on the order of the rows.
    number
        Number of centres, at most the number of rows.
    seed
        Random seed of the starts.
    restarts
        Number of starts.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with one_thread(), warnings.catch_warnings():
        # a bootstrap sample can contain fewer distinct points than centres; two centres then coincide
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(number, n_init=restarts, random_state=seed, algorithm="lloyd").fit(points)
    return np.asarray(model.cluster_centers_, dtype=np.float64)


def nearest_centre(points: Floats, centres: Floats) -> tuple[Integers, Floats]:
    """Return the index of each point's nearest centre, and the Euclidean distance to it; shape (n,) each.

    Squares are summed feature by feature, because the rounding of a matrix product depends on the BLAS library and its
    threads. Of two equally near centres, the one with the lower index is returned.
    """
    nearest = np.zeros(len(points), dtype=np.int64)
    least = np.full(len(points), np.inf)
    for index, centre in enumerate(centres):
        square = np.zeros(len(points))
        for feature, coordinate in enumerate(centre):
            difference = points[:, feature] - coordinate
            square += difference * difference
        nearer = square < least
        nearest[nearer] = index
        least[nearer] = square[nearer]
    return nearest, np.sqrt(least)
