"""Shares of candidates: fitted to the distribution of spend among customers, not to its total."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.models.spend.ensemble_shares import combined, fit_shares

SPEND = np.array([0.0, 0.0, 10.0, 40.0, 0.0, 90.0])


def test_without_tests_the_shares_are_equal() -> None:
    assert fit_shares(("a", "b", "c"), []) == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    assert fit_shares(("a",), []) == {"a": 1.0}


def test_the_better_distribution_has_the_larger_share_whatever_its_total() -> None:
    right, even = SPEND * 0.2, np.full(6, SPEND.mean())
    shares = fit_shares(("even", "right"), [({"even": even, "right": right}, SPEND)])
    assert shares["right"] > 0.8
    scaled = fit_shares(("even", "right"), [({"even": even * 7, "right": right * 3}, SPEND)])
    assert scaled == shares


def test_a_test_without_spend_is_ignored() -> None:
    predictions = {"a": SPEND, "b": SPEND[::-1]}
    assert fit_shares(("a", "b"), [(predictions, np.zeros(6))]) == {"a": 0.5, "b": 0.5}


@given(st.lists(st.lists(st.integers(0, 10**8), min_size=6, max_size=6), min_size=3, max_size=3))
def test_the_ensemble_is_a_weighted_mean(cents: list[list[int]]) -> None:
    predictions = {name: np.array(row) / 100 for name, row in zip("abc", cents, strict=True)}
    shares = fit_shares(tuple("abc"), [(predictions, SPEND)])
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share > 0 for share in shares.values())
    mixed = combined(predictions, shares)
    stacked = np.stack(list(predictions.values()))
    assert (mixed <= stacked.max(axis=0) * (1 + 1e-9)).all()
    assert (mixed >= stacked.min(axis=0) * (1 - 1e-9)).all()
