"""Matching: a cluster that keeps most of its customers is the same cluster."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.models.clusters.matching import match_clusters


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.permutations(range(6)))
def test_renumbered_clusters_are_matched(groups: list[int], numbers: list[int]) -> None:
    old = np.array(groups)
    new = np.array([numbers[group] for group in groups])
    assert match_clusters(old, new) == {numbers[group]: group for group in set(groups)}


def test_a_cluster_that_keeps_at_most_half_of_its_customers_is_new() -> None:
    old = np.repeat([0, 1], [60, 40])
    new = np.concatenate([np.zeros(30), np.ones(30), np.full(40, 2)]).astype(int)
    assert match_clusters(old, new) == {2: 1}


def test_no_old_cluster_is_matched_twice() -> None:
    old = np.repeat([0, 1, 2], 30)
    new = np.where(np.arange(90) < 80, 0, 1)
    assert len(set(match_clusters(old, new).values())) == len(match_clusters(old, new))
