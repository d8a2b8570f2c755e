"""Demand forecasts: choice of the method, coverage of the interval, and series with known forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.demand import MEDIAN, forecast_demand, weeks_needed
from ckm.models.demand_methods import SAME_WEEKS, SEASONAL


def test_a_constant_demand_is_forecast_exactly_with_an_interval_of_zero_width() -> None:
    made = forecast_demand(np.full((3, 30), 7.0), 4)
    assert made.total.tolist() == [28.0, 28.0, 28.0]
    assert made.low.tolist() == made.high.tolist() == [28.0, 28.0, 28.0]
    assert made.error == 0


def test_methods_that_are_equally_good_are_combined_by_their_median() -> None:
    assert forecast_demand(np.full((3, 30), 7.0), 4).method == MEDIAN


def test_the_method_names_both_parts_of_the_forecast_with_weights_of_100_percent() -> None:
    made = forecast_demand(np.random.default_rng(1).poisson(3.0, (50, 30)).astype(float), 4)
    share = round(100 * made.weight)
    assert made.method == f"{made.best} ({share} %) and {MEDIAN} ({100 - share} %)"
    assert made.used == (made.best, MEDIAN)


def test_a_clear_winner_has_nearly_all_the_weight() -> None:
    dice = np.random.default_rng(2)
    made = forecast_demand(dice.poisson(3.0, (400, 60)).astype(float), 4)
    assert made.best == "mean of 26 weeks"
    assert made.weight > 0.9


def test_the_forecast_of_noise_has_no_larger_error_than_the_median_of_the_methods() -> None:
    dice = np.random.default_rng(3)
    for _ in range(5):
        made = forecast_demand(dice.poisson(3.0, (50, 40)).astype(float), 4)
        assert made.error <= made.errors[MEDIAN]


def test_a_yearly_season_is_forecast_by_the_same_weeks_of_the_last_year() -> None:
    weeks = np.arange(130)
    season = 50 + 40 * np.sin(2 * np.pi * weeks / 52)
    made = forecast_demand(np.tile(season[:126], (4, 1)), 4)
    assert made.best in SEASONAL
    assert made.total[0] == pytest.approx(season[126:].sum(), rel=0.05)


def test_the_method_same_weeks_last_year_is_not_tested_with_less_than_two_years() -> None:
    assert SAME_WEEKS not in forecast_demand(np.ones((2, 80)), 4).errors


def test_a_month_in_which_the_shop_closes_each_year_is_forecast_as_closed() -> None:
    dice = np.random.default_rng(4)
    weeks = np.arange(148)
    history = dice.poisson(np.outer(dice.gamma(4, 3, 60), (weeks % 52 < 40) | (weeks % 52 >= 44))).astype(float)
    made = forecast_demand(history[:, :144], 4)  # closed in the next four weeks
    assert made.best in SEASONAL
    assert made.total.sum() < 0.3 * history[:, 140:144].sum()


def test_a_series_without_any_demand_is_forecast_as_zero() -> None:
    history = np.zeros((2, 120))
    history[1] = 3
    made = forecast_demand(history, 4)
    assert (made.total[0], made.low[0], made.high[0]) == (0, 0, 0)


def test_a_series_is_forecast_alike_whether_earlier_weeks_before_its_first_demand_are_known() -> None:
    history = np.random.default_rng(6).poisson(4.0, (30, 70)).astype(float)
    assert forecast_demand(history, 4).total == pytest.approx(forecast_demand(history[:, 10:], 4).total, rel=0.05)


def test_the_weeks_before_the_first_demand_of_a_new_series_are_no_weeks_without_demand() -> None:
    history = np.full((20, 60), 9.0)
    history[0, :57] = 0
    made = forecast_demand(history, 4)
    assert made.total[0] == pytest.approx(36)
    assert np.isnan(made.low[0])  # no earlier series was new


def test_new_series_are_expected_to_sell_as_much_less_as_earlier_new_series_did() -> None:
    history = np.zeros((80, 60))
    for series in range(80):
        start = 10 + series // 2 if series < 79 else 57
        history[series, start : start + 2] = 20  # a launch
        history[series, start + 2 :] = 5
    made = forecast_demand(history, 4)
    assert 20 <= made.total[79] < 40  # 60 by its first three weeks
    assert made.low[79] <= 20 <= made.high[79]


def test_too_few_weeks_are_refused() -> None:
    with pytest.raises(ValueError, match="15 weeks"):
        forecast_demand(np.ones((1, weeks_needed(4) - 1)), 4)
