"""Intervals of demand: coverage, common errors of all series, and series without recent demand."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.demand import forecast_demand
from ckm.models.demand_intervals import NEW, SILENT, USUAL, classes, silent_weeks


def coverage(worlds: list[np.ndarray], known: int, weeks: int) -> float:
    inside = []
    for history in worlds:
        made, actual = forecast_demand(history[:, :known], weeks), history[:, known : known + weeks].sum(axis=1)
        inside.append(((actual >= made.low) & (actual <= made.high)).mean())
    return float(np.mean(inside))


def test_the_interval_covers_about_80_percent_of_the_next_totals() -> None:
    dice = np.random.default_rng(5)
    rates = dice.gamma(1.0, 6.0, 400)
    worlds = [dice.poisson(rates[:, None] * dice.gamma(4, 0.25, (400, 44))).astype(float) for _ in range(10)]
    assert 0.77 <= coverage(worlds, 40, 4) <= 0.84  # demand is in whole numbers, and the bounds count as inside


def test_the_interval_covers_about_80_percent_when_all_series_rise_and_fall_together() -> None:
    dice = np.random.default_rng(6)
    worlds = []
    for _ in range(30):
        volume = np.exp(np.cumsum(dice.normal(0, 0.1, 53)))
        worlds.append(dice.poisson(np.outer(dice.gamma(3, 8, 40), volume)).astype(float))
    assert 0.72 <= coverage(worlds, 40, 13) <= 0.92  # 64 % with the errors of each series as independent


def test_every_interval_contains_its_forecast() -> None:
    made = forecast_demand(np.random.default_rng(7).poisson(0.2, (300, 60)).astype(float), 8)
    assert ((made.low <= made.total) & (made.total <= made.high)).all()


def test_a_series_that_ended_is_expected_to_sell_what_ended_series_sold() -> None:
    dice = np.random.default_rng(8)
    ends = dice.integers(20, 200, 400)
    history = dice.poisson(np.where(np.arange(80) < ends[:, None], 10.0, 0.0)).astype(float)
    made = forecast_demand(history, 4)
    ended = ends <= 77
    assert ended.sum() > 50
    assert made.total[ended].max() < 0.5
    assert made.low[ended].max() == 0
    assert made.total[ends > 84].min() > 20


def test_the_interval_of_an_ended_series_begins_at_0_without_earlier_ones() -> None:
    history = np.random.default_rng(9).poisson(20.0, (30, 60)).astype(float)
    history[0, -6:] = 0
    made = forecast_demand(history, 4)
    assert made.low[0] == 0
    assert made.low[1:].min() > 0


def test_new_and_silent_series_are_classes_of_their_own() -> None:
    history = np.ones((3, 40))
    history[1, :35] = 0
    history[2, 30:] = 0
    found = classes(history, np.array([33, 40]))
    assert found.tolist() == [[USUAL, -1, SILENT], [USUAL, NEW, SILENT]]


@pytest.mark.parametrize(("gap", "unusual"), [(1, 0), (2, 2), (10, 10)])
def test_a_silence_of_two_weeks_or_more_of_a_weekly_seller_is_unusual(gap: int, unusual: int) -> None:
    history = np.ones((1, 40))
    history[0, 40 - gap :] = 0
    assert silent_weeks(history, np.array([40]))[0, 0] == unusual
