"""Closures: which periods without sales are closures, and which are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers.closures import Closure, closures, closures_ahead, silence_at_end, yearly_closures


def _days(rate: float, days: int, closed: tuple[int, int] | None = None, seed: int = 0) -> np.ndarray:
    counts = np.random.default_rng(seed).poisson(rate, days)
    if closed:
        counts[closed[0] : closed[1] + 1] = 0
    return np.repeat(np.arange(days), counts)


def found_in(days: np.ndarray) -> tuple[Closure, ...]:
    return closures(np.unique(days, return_counts=True), np.unique(days))


@pytest.mark.parametrize("rate", [1, 5, 200])
def test_a_closure_of_months_is_found(rate):
    days = _days(rate, 800, (400, 489))
    (found,) = found_in(days)
    assert found.first <= 400
    assert found.last >= 489
    assert found.days < 100


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 3, 50])
@pytest.mark.parametrize("seed", range(5))
def test_an_open_shop_with_few_sales_has_no_closure(rate, seed):
    assert found_in(_days(rate, 1_500, seed=seed)) == ()


def test_a_club_that_bills_once_a_month_is_not_closed_in_between():
    assert found_in(np.repeat(np.arange(0, 900, 30), 500)) == ()
    assert found_in(np.repeat(np.arange(0, 900, 91), 500)) == ()


def test_a_fortnight_of_holidays_is_no_closure():
    assert found_in(_days(20, 800, (300, 320))) == ()


def test_without_purchases_there_is_no_closure():
    assert found_in(np.array([], dtype=np.int64)) == ()
    assert found_in(np.array([5])) == ()


def test_days_with_guests_or_returns_are_open():
    days = _days(5, 800, (400, 489))
    guests = np.arange(395, 495, 14)
    assert closures(np.unique(days, return_counts=True), np.union1d(days, guests)) == ()


def test_the_few_early_sales_of_a_growing_shop_are_no_closure():
    early = np.arange(0, 400, 40)
    assert found_in(np.concatenate([early, _days(30, 600) + 400])) == ()


@given(st.integers(30, 900), st.integers(0, 400))
def test_with_daily_sales_a_silence_of_more_than_a_week_is_unusual(days: int, later: int) -> None:
    found = silence_at_end(np.arange(days), days - 1 + later)
    assert found == (Closure(days, days - 1 + later) if later > 7 else None)


@pytest.mark.parametrize(("every", "silent"), [(1, 8), (2, 8), (7, 22), (30, 91)])
def test_an_unusual_silence_depends_on_the_usual_pauses(every: int, silent: int) -> None:
    days = np.arange(0, 60 * every, every)
    last = int(days[-1])
    assert silence_at_end(days, last + silent - 1) is None
    assert silence_at_end(days, last + silent) == Closure(last + 1, last + silent)


def test_with_few_days_no_silence_is_unusual() -> None:
    assert silence_at_end(np.arange(29), 1_000) is None


@pytest.mark.parametrize(
    ("day", "days"),
    [(500, 0), (401 + 365 - 61, 0), (401 + 365 - 31, 30), (401 + 365 + 9, 20), (430 + 365, 0), (401 + 730 - 11, 30)],
)
def test_days_ahead_that_were_closed_in_an_earlier_year_are_counted(day: int, days: int) -> None:
    assert closures_ahead((Closure(401, 430),), day, 60) == days
    assert closures_ahead((), day, 60) == 0


def test_a_closure_each_winter_is_yearly_and_a_single_one_is_not():
    days = _days(10, 4 * 365)
    found = found_in(days[days % 365 < 240])
    assert [each.first for each in found] == pytest.approx([year * 365 + 240 for year in range(3)], abs=2)
    assert yearly_closures(found) == found
    once = found_in(_days(10, 1_400, (400, 489)))
    assert len(once) == 1
    assert yearly_closures(once) == ()


def test_closures_at_different_times_of_the_year_are_not_yearly():
    assert yearly_closures((Closure(100, 160), Closure(600, 660))) == ()
    moved = (Closure(100, 160), Closure(485, 535))  # two weeks later than the year before
    assert yearly_closures(moved) == moved
