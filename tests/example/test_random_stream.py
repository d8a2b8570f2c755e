from __future__ import annotations

from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.example.random_stream import RandomStream


def test_equal_names_give_equal_draws_on_every_computer() -> None:
    stream = RandomStream(7, "life", "0010017")
    assert [stream.whole(0, 999) for _ in range(5)] == [164, 359, 313, 271, 547]


def test_streams_with_different_names_differ() -> None:
    assert [RandomStream(7, "a").unit()] != [RandomStream(7, "b").unit()]


@given(st.integers(-50, 50), st.integers(0, 100), st.integers())
def test_random_integers_lie_between_their_bounds(low: int, width: int, seed: int) -> None:
    assert low <= RandomStream(seed).whole(low, low + width) <= low + width


@given(st.lists(st.integers(), unique=True), st.integers())
def test_shuffling_is_a_permutation(items: list[int], seed: int) -> None:
    assert sorted(RandomStream(seed).shuffled(items)) == sorted(items)


@given(st.integers())
def test_an_item_with_weight_zero_is_never_drawn(seed: int) -> None:
    assert RandomStream(seed).weighted({"never": 0.0, "always": 1.0, "nor this": 0.0}) == "always"


@pytest.mark.parametrize("shape", [1.0, 1.5, 3.2])
def test_weibull_times_have_the_given_mean(shape: float) -> None:
    stream = RandomStream("weibull", shape)
    waits = [stream.weibull(30.0, shape) for _ in range(4000)]
    assert fmean(waits) == pytest.approx(30.0, abs=4 * stdev(waits) / 4000**0.5)


def test_a_higher_shape_gives_more_regular_weibull_times() -> None:
    stream = RandomStream("rhythm")
    spreads = [stdev(stream.weibull(30.0, shape) for _ in range(1000)) for shape in (1.0, 2.0, 4.0)]
    assert spreads == sorted(spreads, reverse=True)
