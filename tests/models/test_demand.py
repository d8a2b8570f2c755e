"""Demand forecasts: choice of the method, coverage of the interval, and series with known forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.demand import METHODS, SAME_WEEKS, forecast_demand, weeks_needed


def test_a_constant_demand_is_forecast_exactly_with_an_interval_of_zero_width() -> None:
    made = forecast_demand(np.full((3, 30), 7.0), 4)
    assert made.total.tolist() == [28.0, 28.0, 28.0]
    assert made.low.tolist() == made.high.tolist() == [28.0, 28.0, 28.0]
    assert made.errors[made.method] == 0


def test_the_interval_covers_about_80_percent_of_the_next_totals() -> None:
    dice = np.random.default_rng(5)
    rates = dice.gamma(1.0, 6.0, 400)
    inside = []
    for _ in range(10):
        history = dice.poisson(rates[:, None] * dice.gamma(4, 0.25, (400, 44))).astype(float)
        made, actual = forecast_demand(history[:, :40], 4), history[:, 40:].sum(axis=1)
        inside.append(((actual >= made.low) & (actual <= made.high)).mean())
    assert 0.77 <= np.mean(inside) <= 0.84  # demand is in whole numbers, and the bounds count as inside


def test_the_default_or_a_similar_method_is_chosen_for_pure_noise() -> None:
    dice = np.random.default_rng(1)
    chosen = {forecast_demand(dice.poisson(3.0, (50, 30)).astype(float), 4).method for _ in range(20)}
    assert chosen <= {"smoothing 0.2", "smoothing 0.1", "mean of 13 weeks", "mean of 26 weeks"}


def test_a_yearly_season_is_forecast_by_the_same_weeks_of_the_last_year() -> None:
    weeks = np.arange(130)
    season = 50 + 40 * np.sin(2 * np.pi * weeks / 52)
    made = forecast_demand(np.tile(season[:126], (4, 1)), 4)
    assert made.method == SAME_WEEKS
    assert made.total[0] == pytest.approx(season[126:].sum(), rel=0.02)


def test_the_method_same_weeks_last_year_is_not_tested_with_less_than_two_years() -> None:
    assert SAME_WEEKS not in forecast_demand(np.ones((2, 80)), 4).errors


def test_a_series_without_any_demand_is_forecast_as_zero_by_every_method() -> None:
    history = np.zeros((2, 120))
    history[1] = 3
    for name, method in METHODS.items():
        assert method(history, 4)[0].tolist() == [0, 0, 0, 0], name


def test_too_few_weeks_are_refused() -> None:
    with pytest.raises(ValueError, match="15 weeks"):
        forecast_demand(np.ones((1, weeks_needed(4) - 1)), 4)


def test_smoothing_equals_its_recursion_by_hand() -> None:
    history = np.array([[4.0, 4, 4, 4, 14, 4]])
    assert METHODS["smoothing 0.5"](history, 1)[0, 0] == pytest.approx(6.5)  # 4, 9, 6.5
