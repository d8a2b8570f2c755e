"""Samples by hashed id depend only on the ids and the seed."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.models.sampling import sample_by_id

ids = st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True, max_size=40)


@settings(deadline=None)
@given(ids, st.integers(0, 50), st.randoms(use_true_random=False))
def test_the_sample_does_not_depend_on_the_order_of_the_ids(names: list[str], size: int, random: Random) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)
    chosen = {names[place] for place in sample_by_id(names, size)}
    assert chosen == {shuffled[place] for place in sample_by_id(shuffled, size)}
    assert len(chosen) == min(size, len(names))


@settings(deadline=None)
@given(ids, st.integers(0, 20), st.integers(0, 20))
def test_a_larger_sample_contains_a_smaller_one(names: list[str], size: int, more: int) -> None:
    assert set(sample_by_id(names, size)) <= set(sample_by_id(names, size + more))


def test_the_sample_is_reproducible_and_spread_over_the_ids() -> None:
    chosen = sample_by_id([f"C{number:05}" for number in range(10_000)], 1_000)
    assert chosen[:5].tolist() == [0, 1, 20, 26, 32]
    assert abs(np.median(chosen) - 5_000) < 500


def test_another_seed_gives_another_sample_and_a_new_id_replaces_at_most_one() -> None:
    names = [f"C{number:05}" for number in range(1_500)]
    drawn = {seed: set(sample_by_id(names, 500, seed=seed).tolist()) for seed in (0, 1)}
    assert len(drawn[0] & drawn[1]) < 300
    assert len(drawn[0] - set(sample_by_id([*names, "zz"], 500).tolist())) <= 1
