"""Seasonal clock: estimates of a known season, and errors for too little history."""

import numpy as np
import pytest

from ckm.errors import NotEnoughDataError
from ckm.models.churn.seasonal_clock import YEAR, RepeatPurchases

PEAK = 330


def _purchases(years: float, swing: float, *, growth: float = 0.0, level: float = 40.0) -> RepeatPurchases:
    days = np.arange(round(years * YEAR))
    rate = level * np.exp(growth * days / YEAR) * (1 + swing * np.cos(2 * np.pi * (days - PEAK) / YEAR))
    return RepeatPurchases(0, np.round(rate).astype(np.int64), np.full(len(days), 1_000))


def _rates(clock, first: int, last: int) -> np.ndarray:
    return np.diff(clock(np.arange(first, last + 1)))


@pytest.mark.parametrize("years", [1.3, 2.0, 3.4])
@pytest.mark.parametrize("growth", [-0.5, 0.0, 0.7])
def test_the_rates_of_a_known_season_are_estimated_at_any_growth(years, growth):
    bought = _purchases(years, 0.5, growth=growth)
    day = len(bought.purchases) - 1
    coming = _rates(bought.clock(day), day, day + YEAR)
    truth = 1 + 0.5 * np.cos(2 * np.pi * (np.arange(day + 1, day + YEAR + 1) - PEAK) / YEAR)
    assert np.abs(coming - truth).max() < 0.09


def test_without_a_season_a_seasonal_day_is_a_calendar_day():
    clock = _purchases(2, 0.0).clock(729)
    assert np.abs(_rates(clock, 600, 900) - 1).max() < 0.02
    assert clock(np.array([729 + 2 * YEAR]))[0] == pytest.approx(2 * YEAR)
    assert clock(np.array([729]))[0] == 0


def test_later_purchases_do_not_change_the_clock():
    bought = _purchases(3, 0.6)
    other = RepeatPurchases(0, np.where(np.arange(len(bought.purchases)) > 700, 0, bought.purchases), bought.customers)
    assert np.array_equal(bought.clock(700).passed, other.clock(700).passed)


@pytest.mark.parametrize(("years", "level", "words"), [(1.2, 40.0, "456 are needed"), (2, 0.4, "365 are needed")])
def test_too_little_history_is_an_error_with_the_number_needed(years, level, words):
    bought = _purchases(years, 0.2, level=level)
    with pytest.raises(NotEnoughDataError, match=words):
        bought.clock(len(bought.purchases) - 1)
