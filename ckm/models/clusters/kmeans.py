"""Dividing points among centres, the same on every run and on any number of threads."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

RESTARTS = 10
"""Starts of k-means, of which the one with the least inertia is kept."""


def fit_centres(points: Floats, number: int, *, seed: int, restarts: int = RESTARTS) -> Floats:
    """Return the centres that k-means finds, in no particular order.

    Lloyd's algorithm from ``restarts`` k-means++ starts (Arthur and Vassilvitskii 2007). Two threads would add up the
    points in another order than one and round otherwise; so it runs on one.

    Parameters
    ----------
    points
        One row per point; the result depends on the order of the rows.
    number
        Of centres; there are no fewer rows.
    seed
        Of the starts.
    restarts
        How many there are.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with one_thread(), warnings.catch_warnings():
        # a bootstrap sample may hold fewer different points than centres; two centres then coincide
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(number, n_init=restarts, random_state=seed, algorithm="lloyd").fit(points)
    return np.asarray(model.cluster_centers_, dtype=np.float64)


def nearest_centre(points: Floats, centres: Floats) -> tuple[Whole, Floats]:
    """Return the index of the nearest centre of each point, and the distance to it.

    Squares are added up feature by feature: a product of matrices would round as the BLAS at hand and its threads
    do. Equally near centres go to the lower index.
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
