"""The bound on the similarity of two values never excludes a pair that is similar."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from ckm._link.vocabulary import LEAST_SIMILARITY, Vocabulary

TEXTS = st.text(st.sampled_from("abcz017ä@.สม伟ع "), max_size=12) | st.text(max_size=6)


@given(st.lists(TEXTS, min_size=2, max_size=12, unique=True))
def test_similar_values_are_always_compared(texts: list[str]) -> None:
    vocabulary = Vocabulary(pl.Series(texts, dtype=pl.String))
    left, right = np.triu_indices(len(texts), 1)
    compared = vocabulary.may_be_similar(left, right)
    for a, b, is_compared in zip(left.tolist(), right.tolist(), compared.tolist(), strict=True):
        assert is_compared or OSA.normalized_similarity(texts[a], texts[b]) < LEAST_SIMILARITY


def test_values_with_few_common_characters_are_not_compared() -> None:
    vocabulary = Vocabulary(pl.Series(["abcdef", "abcxyz", "mnopqr"]))
    assert vocabulary.may_be_similar(np.array([0, 0]), np.array([1, 2])).tolist() == [True, False]
