"""Forecast methods: recursions by hand, and no look-ahead."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.demand_methods import FIRST_ORIGIN, METHODS, SAME_WEEKS, SEASON_OF_TOTAL


def made(name: str, history: list[list[float]] | np.ndarray, weeks: int = 4) -> np.ndarray:
    return np.stack([each.mean(axis=1) for each in METHODS[name](np.asarray(history, dtype=float), weeks)])


def test_smoothing_equals_its_recursion_by_hand() -> None:
    forecasts = made("smoothing 0.5", [[4, 4, 4, 4, 4, 4, 14, 4, 4]])
    assert forecasts[:, 0].tolist() == [6.5, 5.25]  # 4, 9, 6.5, 5.25


@pytest.mark.parametrize("name", METHODS)
def test_no_forecast_depends_on_later_weeks(name: str) -> None:
    history = np.random.default_rng(0).poisson(1.0, (20, 90)).astype(float)
    whole, cut = made(name, history), made(name, history[:, :70])
    np.testing.assert_allclose(whole[: len(cut)], cut)
    assert len(whole) == 90 - FIRST_ORIGIN + 1


@pytest.mark.parametrize("name", METHODS)
def test_a_series_without_any_demand_is_forecast_as_zero(name: str) -> None:
    history = np.zeros((2, 120))
    history[1] = 3
    assert made(name, history)[-1].tolist() == pytest.approx([0, 3], abs=0.2)


def test_a_fall_of_all_series_is_followed_by_the_total_before_their_own_smoothing() -> None:
    history = np.repeat(np.array([[40.0], [4.0]]), 30, axis=1)
    history[:, 24:] /= 2
    assert made("total 0.5 by shares 0.1", history)[-1] == pytest.approx([20, 2], rel=0.05)
    assert made("smoothing 0.1", history)[-1, 0] > 30


def test_both_seasonal_methods_forecast_a_repeated_peak() -> None:
    history = np.tile(np.where(np.arange(52) < 4, 30.0, 10.0), (5, 2))  # 104 weeks: the peak follows
    assert made(SAME_WEEKS, history)[-1] == pytest.approx([30] * 5)
    assert made(SEASON_OF_TOTAL, history)[-1] == pytest.approx([30] * 5, rel=0.05)
