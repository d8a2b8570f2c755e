"""Newcombe's interval, compared with the examples of the paper, and interval of a relative reduction."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.models.experiments.newcombe import newcombe, relative_reduction
from tests.conftest import examples

TABLE_II = {
    ((56, 70), (48, 80)): (0.0524, 0.3339),
    ((9, 10), (3, 10)): (0.1705, 0.8090),
    ((6, 7), (2, 7)): (0.0582, 0.8062),
    ((5, 56), (0, 29)): (-0.0381, 0.1926),
    ((0, 10), (0, 20)): (-0.1611, 0.2775),
    ((0, 10), (0, 10)): (-0.2775, 0.2775),
    ((10, 10), (0, 20)): (0.6791, 1.0),
    ((10, 10), (0, 10)): (0.6075, 1.0),
}
"""Method 10 in table II of Newcombe (1998), to four decimals."""
arms = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("counts", "ends"), TABLE_II.items())
def test_the_interval_has_the_published_ends(
    counts: tuple[tuple[int, int], tuple[int, int]], ends: tuple[float, float]
) -> None:
    found = newcombe(*counts)
    assert (round(found.low, 4), round(found.high, 4)) == ends


@given(arms, arms)
@settings(max_examples=examples(100))
def test_the_interval_contains_the_estimate_and_lies_within_one(one: tuple[int, int], other: tuple[int, int]) -> None:
    found = newcombe(one, other)
    assert -1 - 1e-12 <= found.low <= found.estimate <= found.high <= 1 + 1e-12


@given(arms, arms)
@settings(max_examples=examples(100))
def test_exchanged_arms_give_the_mirrored_interval(one: tuple[int, int], other: tuple[int, int]) -> None:
    found, mirrored = newcombe(one, other), newcombe(other, one)
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low))


def test_the_relative_reduction_excludes_zero_where_the_rates_differ_clearly() -> None:
    rate, low, high = relative_reduction((30, 100), (50, 100))
    assert rate == pytest.approx(0.4)
    assert 0 < low < rate < high < 1
    _, wide_low, wide_high = relative_reduction((9, 30), (10, 30))
    assert wide_low < 0 < wide_high
