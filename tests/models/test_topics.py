"""Consensus clusters of vectors, and matches of their centroids."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.topics import centroids, consensus_clusters, default_topics, match_topics, unit


def groups(seed: int, sizes: tuple[int, ...] = (60, 40, 20), spread: float = 0.35) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    middles = unit(rng.standard_normal((len(sizes), 30)))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    vectors = middles[labels] + spread / np.sqrt(30) * rng.standard_normal((len(labels), 30))
    return unit(vectors - vectors.mean(0)), labels


@pytest.mark.parametrize("seed", range(3))
def test_separate_groups_are_the_clusters_numbered_by_decreasing_size(seed: int) -> None:
    vectors, truth = groups(seed)
    assert consensus_clusters(vectors, 3).tolist() == truth.tolist()


def test_equal_input_gives_equal_clusters() -> None:
    vectors, _ = groups(5, (30, 30, 30, 30), 2.0)
    assert consensus_clusters(vectors, 6).tolist() == consensus_clusters(vectors, 6).tolist()


def test_the_number_of_clusters_is_at_most_the_number_of_texts() -> None:
    vectors, _ = groups(1, (3, 2))
    assert len(set(consensus_clusters(vectors, 20).tolist())) <= 5
    assert consensus_clusters(vectors[:1], 4).tolist() == [0]


def test_topics_match_only_topics_with_the_same_centroid() -> None:
    vectors, truth = groups(2)
    old = centroids(vectors, truth, 3)
    assert match_topics(old, old[[2, 0]], 0.6) == {0: 2, 1: 0}
    assert match_topics(old[:1], old[1:], 0.6) == {}
    assert match_topics(old[:0], old, 0.6) == {}


def test_the_default_number_of_topics_increases_with_the_number_of_texts() -> None:
    counts = [default_topics(texts) for texts in (1, 10, 100, 1000, 100_000)]
    assert counts == sorted(counts)
    assert counts[0] == 2
