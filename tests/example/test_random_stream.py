from __future__ import annotations

from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.example.random_stream import RandomStream


def test_equal_names_give_equal_draws_on_every_machine() -> None:
    dice = RandomStream(7, "life", "0010017")
    assert [dice.whole(0, 999) for _ in range(5)] == [164, 359, 313, 271, 547]


def test_another_name_is_another_stream() -> None:
    assert [RandomStream(7, "a").unit()] != [RandomStream(7, "b").unit()]


@given(st.integers(-50, 50), st.integers(0, 100), st.integers())
def test_whole_numbers_stay_within_both_ends(low: int, width: int, seed: int) -> None:
    assert low <= RandomStream(seed).whole(low, low + width) <= low + width


@given(st.lists(st.integers(), unique=True), st.integers())
def test_shuffling_loses_and_doubles_nothing(items: list[int], seed: int) -> None:
    assert sorted(RandomStream(seed).shuffled(items)) == sorted(items)


@given(st.integers())
def test_what_has_no_weight_never_happens(seed: int) -> None:
    assert RandomStream(seed).weighted({"never": 0.0, "always": 1.0, "nor this": 0.0}) == "always"


@pytest.mark.parametrize("shape", [1.0, 1.5, 3.2])
def test_waiting_times_have_the_mean_they_were_asked_for(shape: float) -> None:
    dice = RandomStream("weibull", shape)
    waits = [dice.weibull(30.0, shape) for _ in range(4000)]
    assert fmean(waits) == pytest.approx(30.0, abs=4 * stdev(waits) / 4000**0.5)


def test_a_higher_shape_is_a_steadier_rhythm() -> None:
    dice = RandomStream("rhythm")
    spreads = [stdev(dice.weibull(30.0, shape) for _ in range(1000)) for shape in (1.0, 2.0, 4.0)]
    assert spreads == sorted(spreads, reverse=True)
