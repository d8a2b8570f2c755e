"""Choice of the number of clusters: the largest stable number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from ckm.models.clusters.cluster_stability import StabilityTrial, adjusted_rand_index, choose, stability_trials
from ckm.models.clusters.kmeans import fit_centres, nearest_centre

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=60)


def blobs(number: int, each: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Return well separated groups of points, and the group of each point."""
    random = np.random.default_rng(3)
    centres = random.permutation(np.array([[x, y] for x in (-9, 0, 9) for y in (-9, 0, 9)], dtype=np.float64))[:number]
    truth = np.repeat(np.arange(number), each)
    return centres[truth] + random.normal(0, 0.5, (len(truth), 2)), truth


def trial(clusters: int, stability: float) -> StabilityTrial:
    return StabilityTrial(clusters, stability, 0.0, stability, 0.5, 0.1)


@settings(deadline=None)
@given(labels)
def test_the_adjusted_rand_index_equals_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    left, right = (np.array(side) for side in zip(*pairs, strict=True))
    assert adjusted_rand_index(left, right) == pytest.approx(adjusted_rand_score(left, right))


@pytest.mark.slow
def test_separate_groups_are_found_with_their_number() -> None:
    points, truth = blobs(5)
    best = choose(stability_trials(points, range(3, 8), seed=0))
    assert (best.clusters, best.stability) == (5, 1.0)
    found, _ = nearest_centre(points, fit_centres(points, 5, seed=0))
    assert adjusted_rand_index(found, truth) == 1.0


@pytest.mark.slow
def test_noise_is_not_stable() -> None:
    points = np.random.default_rng(5).normal(size=(300, 6))
    assert not any(each.is_stable for each in stability_trials(points, range(3, 6), seed=0))


def test_the_largest_stable_number_is_chosen_or_the_most_stable_one() -> None:
    assert choose([trial(3, 0.99), trial(4, 0.90), trial(5, 0.8999)]).clusters == 4
    assert choose([trial(3, 0.5), trial(4, 0.7), trial(5, 0.6)]).clusters == 4


@pytest.mark.slow
def test_fewer_distinct_points_than_clusters_work() -> None:
    points = np.repeat(np.eye(4), [60, 60, 60, 1], axis=0)
    assert [each.clusters for each in stability_trials(points, [3, 4], seed=0)] == [3, 4]


def test_a_point_between_two_centres_goes_to_the_first() -> None:
    nearest, distance = nearest_centre(np.array([[0.0], [2.0]]), np.array([[1.0], [-1.0], [1.0]]))
    assert nearest.tolist() == [0, 0]
    assert distance.tolist() == [1.0, 1.0]
