"""Confidence intervals: published numbers, hand calculations, and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.models.intervals import mean, net_promoter_score, wilson

counts = st.integers(0, 5_000)


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_of_shares_equal_those_of_newcombe(part: int, whole: int, low: float, high: float) -> None:
    assert wilson(part, whole) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(counts, counts)
def test_a_share_is_within_its_interval_and_the_interval_within_0_and_1(part: int, rest: int) -> None:
    low, high = wilson(part, part + rest)
    if not part + rest:
        assert low is high is None
        return
    assert low is not None
    assert high is not None
    assert 0 <= low <= part / (part + rest) <= high <= 1
    assert low < high


def test_the_interval_of_a_mean_is_students() -> None:
    """Values 1 to 5: mean 3, standard error sqrt(2.5 / 5), t of 4 degrees of freedom 2.7764."""
    half = 2.7764451052 * math.sqrt(2.5 / 5)
    assert mean([5.0, 1.0, 4.0, 2.0, 3.0]) == (pytest.approx(3 - half), pytest.approx(3 + half))
    assert mean([4.0]) == (None, None)
    assert mean([4.0, 4.0]) == (4.0, 4.0)


def test_the_interval_of_a_net_promoter_score_by_hand() -> None:
    """With the three added responses: 4.75 promoters, 2.5 passives and 1.75 detractors of 9 responses.

    Score 3 / 9; variance of the score (6.5 / 9 - 1 / 9) / 9.
    """
    half = 1.959963985 * math.sqrt((6.5 / 9 - 1 / 9) / 9)
    low, high = net_promoter_score(4, 1, 1)
    assert (low, high) == (pytest.approx(100 * (3 / 9 - half)), pytest.approx(100 * (3 / 9 + half)))
    assert net_promoter_score(0, 0, 0) == (None, None)


@given(counts, counts, counts)
def test_swapping_promoters_and_detractors_mirrors_the_interval(promoters: int, passives: int, detractors: int) -> None:
    low, high = net_promoter_score(promoters, passives, detractors)
    if low is None or high is None:
        assert not promoters + passives + detractors
        return
    assert -100 <= low < high <= 100
    mirrored = net_promoter_score(detractors, passives, promoters)
    assert mirrored == (pytest.approx(-high), pytest.approx(-low))


@pytest.mark.parametrize("truth", [(0.5, 0.3, 0.2), (0.85, 0.1, 0.05), (0.2, 0.3, 0.5)])
@pytest.mark.parametrize("answers", [10, 30, 300])
def test_95_percent_of_the_intervals_contain_the_true_score(truth: tuple[float, float, float], answers: int) -> None:
    draws = np.random.default_rng(answers).multinomial(answers, truth, size=2_000)
    held = 0
    for promoters, passives, detractors in draws.tolist():
        low, high = net_promoter_score(promoters, passives, detractors)
        assert low is not None
        assert high is not None
        held += low <= 100 * (truth[0] - truth[2]) <= high
    assert held / len(draws) == pytest.approx(0.95, abs=0.025)
