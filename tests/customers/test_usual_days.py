"""Usual days: stray dates do not extend the range, and no day of a shop's own data is stray."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers.calendar import day_number
from ckm.customers.usual_days import UsualDays, usual_days

END = day_number(date(2025, 12, 30))
SPAN = 915
FAR = [date(1900, 1, 1), date(1970, 1, 1), date(1999, 12, 31), date(2037, 12, 31), date(2052, 7, 1), date(2099, 12, 31)]

Days = np.ndarray[Any, np.dtype[np.int64]]


def found(days: Any) -> UsualDays:
    return usual_days(*np.unique(np.asarray(days, dtype=np.int64), return_counts=True))


def shop(rows_a_day: float, span: int = SPAN, seed: int = 0) -> Days:
    """Return the day of each row of a shop with this mean volume; the first and the last day of the span have a row."""
    rng = np.random.default_rng(seed)
    days = rng.integers(END - span + 1, END + 1, int(rows_a_day * span))
    return np.concatenate([days, [END - span + 1, END]])


def monthly(months: int) -> Days:
    return END - 30 * np.arange(months)


def seasonal() -> Days:
    """Return days of a shop that is open five months a year; the data end within the third season."""
    return np.concatenate([END - 730 * 1 + np.arange(150), END - 365 + np.arange(150), END - np.arange(60)])


SHOPS = {
    "a row a day": shop(1),
    "three rows a day": shop(3.5),
    "a hundred rows a day": shop(100),
    "half a year": shop(5, span=180),
    "an order a month": monthly(36),
    "one order a month for half a year": monthly(6),
    "closed for months": seasonal(),
    "closed for a year": np.concatenate([shop(4, span=300) - 700, shop(4, span=300)]),
    "every second year": np.repeat(END - 720 * np.arange(8), 40),
    "five days": END - np.array([0, 3, 10, 50, 400]),
}


@pytest.mark.parametrize("name", SHOPS)
def test_no_day_of_a_shop_is_stray(name: str) -> None:
    days = SHOPS[name]
    assert found(days) == (days.min(), days.max())


@pytest.mark.parametrize("stray", FAR, ids=str)
@pytest.mark.parametrize("name", [name for name in SHOPS if name != "every second year"])
def test_one_row_decades_away_does_not_change_the_range(name: str, stray: date) -> None:
    days = SHOPS[name]
    assert found(np.append(days, day_number(stray))) == (days.min(), days.max())


@pytest.mark.parametrize("name", ["a row a day", "three rows a day", "a hundred rows a day", "an order a month"])
def test_a_row_some_years_away_does_not_change_the_range(name: str) -> None:
    days = SHOPS[name]
    strays = [day_number(date(2033, 5, 5)), day_number(date(2018, 5, 5)) if name != "an order a month" else END]
    assert found(np.append(days, strays)) == (days.min(), days.max())


def test_several_stray_dates_on_both_sides_do_not_change_the_range() -> None:
    days = SHOPS["a hundred rows a day"]
    strays = [0, 0, 1, *map(day_number, FAR), END + 900, END + 901, END + 400, END + 60]
    assert found(np.append(days, strays)) == (days.min(), days.max())


@pytest.mark.parametrize("rows_a_day", [4, 100])
def test_orders_dated_next_month_do_not_move_the_as_of_date(rows_a_day: float) -> None:
    days = np.append(shop(rows_a_day), [END, END])
    assert found(np.append(days, END + np.array([8, 12, 20, 32]))).last == END


@given(st.integers(1, 3), st.integers(1, 4), st.sampled_from(sorted(SHOPS)))
def test_a_last_day_with_few_rows_is_the_as_of_date(later: int, rows: int, name: str) -> None:
    days = SHOPS[name]
    assert found(np.append(days, [days.max() + later] * rows)).last == days.max() + later


def test_days_after_a_reopening_are_not_stray() -> None:
    before = shop(1, span=600) - 500
    assert found(np.append(before, [END - 2, END - 1, END])).last == END, "three days in a row"
    large = shop(100, span=600) - 500
    assert found(np.append(large, [END] * 40)).last == END, "a day of usual volume"
    assert found(np.append(large, [END])).last == large.max(), "a single row is no volume"


def test_days_of_declining_volume_are_not_stray() -> None:
    trickle = END - 2 * np.arange(45)
    days = np.append(shop(100) - 90, trickle)
    assert found(days).last == END


def test_without_a_part_of_80_percent_of_the_rows_all_days_are_usual() -> None:
    assert found([0, END]) == (0, END)
    assert found([0, 1, END]) == (0, END)
    assert found([END]) == (END, END)


@given(
    st.lists(st.tuples(st.integers(0, 1_500), st.integers(1, 40)), min_size=1, max_size=120, unique_by=lambda x: x[0]),
    st.lists(st.integers(-15_000, 15_000), max_size=3),
)
def test_the_usual_range_contains_at_least_80_percent_of_the_rows(bulk: list[tuple[int, int]], far: list[int]) -> None:
    rows = dict(bulk) | dict.fromkeys(far, 1)
    days = np.array(sorted(rows))
    counts = np.array([rows[day] for day in days.tolist()])
    first, last = usual_days(days, counts)
    assert {first, last} <= set(days.tolist())
    inside = counts[(days >= first) & (days <= last)].sum()
    assert inside >= 0.8 * counts.sum()
    assert usual_days(days - 400, counts) == (first - 400, last - 400), "no day is special"


@given(st.sampled_from(sorted(SHOPS)), st.lists(st.sampled_from(FAR), max_size=2))
def test_data_cut_at_their_last_usual_day_end_there(name: str, strays: list[date]) -> None:
    days = np.append(SHOPS[name], [day_number(day) for day in strays]).astype(np.int64)
    last = found(days).last
    assert found(days[days <= last]).last == last


@given(
    st.sampled_from(["plain", "closed on Sundays", "small Sundays", "growing", "seasonal", "paused"]),
    st.integers(0, 10_000),
    st.floats(-1.5, 2),
    st.floats(0.05, 1),
    st.sampled_from([None, *FAR]),
)
def test_the_last_day_of_data_cut_at_any_point_is_usual(
    kind: str, seed: int, magnitude: float, part: float, stray: date | None
) -> None:
    rng = np.random.default_rng(seed)
    day = np.arange(int(rng.integers(120, 1_200)))
    rate = np.full(len(day), 10**magnitude)
    pause = int(rng.integers(0, len(day)))
    rate *= {
        "plain": 1.0,
        "closed on Sundays": np.where(day % 7 == 6, 0, 1),
        "small Sundays": np.where(day % 7 == 6, 0.02, 1),
        "growing": np.exp(5 * (day - len(day)) / len(day)),
        "seasonal": np.where(day % 365 < 150, 1, 0),
        "paused": np.where((day >= pause) & (day < pause + 120), 0, 1),
    }[kind]
    rows = END - len(day) + np.repeat(day, rng.poisson(rate))
    rows = rows[: max(1, int(part * len(rows)))]
    if len(rows) < 10:
        return
    days = rows if stray is None else np.append(rows, day_number(stray))
    assert found(days) == (rows.min(), rows.max())


@pytest.mark.parametrize("lines", [1, 2, 3])
@pytest.mark.parametrize("orders", [1, 3])
def test_orders_of_several_lines_dated_ahead_do_not_move_the_end(lines: int, orders: int) -> None:
    counts = np.random.default_rng(lines).poisson(9, 900) + 1
    ahead = 900 + 30 * np.arange(1, orders + 1) + 100
    days, rows = np.concatenate([np.arange(900), ahead]), np.concatenate([counts, np.full(orders, lines)])
    assert usual_days(days, rows).last == 899


@pytest.mark.parametrize("days_open", [1, 5])
def test_a_reopening_moves_the_end(days_open: int) -> None:
    counts = np.random.default_rng(days_open).poisson(9, 900) + 5
    again = 1000 + np.arange(days_open)
    days, rows = np.concatenate([np.arange(900), again]), np.concatenate([counts, np.full(days_open, 9)])
    assert usual_days(days, rows).last == 1000 + days_open - 1
