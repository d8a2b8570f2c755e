"""The default horizon follows from the purchase intervals, and a horizon longer than the history is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.forecast_remarks import _known
from ckm._churn.horizon import (
    COMMON_HORIZONS,
    Horizon,
    check_fixed_intervals,
    check_horizon,
    default_horizons,
    nearest_common,
    parse_horizon,
)
from ckm.customers.history import History, read_history
from ckm.errors import NotEnoughDataError, UsageError
from tests._churn.shops import example_history, order, tables
from tests.test_segment import cdnow_master


def every(gap: int, *, orders: int = 20, who: str = "ann") -> list[tuple[object, ...]]:
    return [order(who, gap * number) for number in range(orders)]


def history(*rows: tuple[object, ...]) -> History:
    return read_history(tables(list(rows)))


def default_horizon(shop: History) -> Horizon:
    return default_horizons(shop).default


@pytest.mark.parametrize(
    ("gap", "days"), [(2, 30), (42, 30), (43, 60), (73, 60), (74, 90), (127, 90), (128, 180), (256, 180), (257, 365)]
)
def test_the_horizon_is_the_usual_span_that_is_nearest_by_ratio(gap: int, days: int) -> None:
    assert nearest_common(gap) == days
    uneven = [order("ann", day) for number in range(12) for day in (gap * 2 * number, gap * 2 * number + gap // 2)]
    assert default_horizon(history(*uneven)).days >= days


@pytest.mark.parametrize(
    ("gap", "days"), [(7, 30), (28, 30), (30, 30), (31, 60), (42, 60), (61, 90), (91, 180), (183, 365), (400, 400)]
)
def test_the_horizon_is_never_shorter_than_the_interval_of_customers_who_buy_on_fixed_days(gap: int, days: int) -> None:
    found = default_horizon(history(*every(gap)))
    assert found.days == days
    if days != nearest_common(gap):
        assert f"but not shorter than the fixed interval of {gap} days" in found.reasoning


def test_the_horizon_is_never_shorter_than_the_median_interval() -> None:
    found = default_horizon(history(*[order("ann", day) for day in (0, 40, 41, 81, 121, 123, 163, 200)]))
    assert found.days == 60
    assert "but not shorter than the median interval of 40 days" in found.reasoning


@pytest.mark.parametrize("gap", [31, 91])
def test_a_horizon_shorter_than_the_fixed_interval_is_refused_and_the_hint_works(gap: int) -> None:
    club = history(*[row for who in ("ann", "bob", "cho") for row in every(gap, who=who)])
    with pytest.raises(NotEnoughDataError, match=f"fixed interval of {gap} days at which 3 of 3") as caught:
        check_fixed_intervals(club, gap - 1)
    hint = str(caught.value.hint)
    check_fixed_intervals(club, parse_horizon(hint.removeprefix("--horizon ")))


def test_customers_with_irregular_purchases_have_no_fixed_interval() -> None:
    days = [0, 3, 40, 44, 90, 97, 150, 170]
    check_fixed_intervals(history(*[order(who, day) for who in ("ann", "bob") for day in days]), 1)


def test_one_weekly_buyer_does_not_set_the_horizon_of_all_customers() -> None:
    rows = every(7, orders=100)
    for who in ("bob", "cho", "dee"):
        rows += every(180, orders=3, who=who)
    found = default_horizon(history(*rows))
    assert found.days == 180
    assert found.reasoning == (
        "180 days: 80 % of the purchase intervals are at most 180 days "
        "(4 repeat customers, equally weighted), the nearest of 30, 60, 90, 180, 365 by ratio"
    )


@pytest.mark.slow
def test_real_and_example_shops_have_a_horizon() -> None:
    assert default_horizon(example_history()).days in COMMON_HORIZONS
    found = default_horizon(read_history({"transactions": cdnow_master()}))
    assert found.days == 180
    assert "repeat customers" in found.reasoning


@given(st.lists(st.integers(1, 500), min_size=1, max_size=20))
def test_the_shorter_horizons_are_usual_and_at_least_the_median_interval(gaps: list[int]) -> None:
    rows, day = [order("ann", 0)], 0
    for gap in gaps:
        day += gap
        rows.append(order("ann", day))
    found = default_horizons(history(*rows))
    assert set(found.shorter) < set(COMMON_HORIZONS)
    assert list(found.days) == sorted(set(found.days), reverse=True)
    assert min(found.days) >= sorted(gaps)[(len(gaps) - 1) // 2]


def test_without_a_repeat_customer_no_horizon_is_chosen() -> None:
    with pytest.raises(NotEnoughDataError, match="none of 2 customers bought on a second day; at least 1 is needed"):
        default_horizon(history(order("ann", 0), order("ann", 0), order("bob", 9)))


def test_a_horizon_longer_than_the_history_is_refused_with_both_numbers() -> None:
    short = history(order("ann", 0), order("ann", 20))
    check_horizon(short, 20)
    with pytest.raises(
        NotEnoughDataError, match="21 days is longer than the history: 20 days from 2024-03-01"
    ) as found:
        check_horizon(short, 21)
    assert found.value.details == {"horizon_days": 21, "history_days": 20}


@pytest.mark.parametrize(
    ("text", "days"),
    [("90d", 90), ("12w", 84), ("3mo", 91), ("12mo", 365), ("1y", 365), (" 1D ", 1), ("10y", 3652), ("1mo", 30)],
)
def test_a_horizon_is_written_in_days_weeks_months_or_years(text: str, days: int) -> None:
    assert parse_horizon(text) == days


@pytest.mark.parametrize("text", ["", "90", "d", "-3d", "0d", "1.5mo", "3 m", "11y", "99999w", "٣d"])
def test_other_notations_of_a_horizon_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not 1 to 3660 days"):
        parse_horizon(text)


@given(st.text(max_size=8))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(UsageError):
        assert 1 <= parse_horizon(text) <= 3660


@pytest.mark.parametrize("days", [1, 40, 95, 200, 700])
def test_without_repeat_customers_the_hint_fits_the_history_or_asks_for_more_data(days: int) -> None:
    shop = history(*[order(f"c{number}", number % days) for number in range(max(days, 30))])
    with pytest.raises(NotEnoughDataError) as caught:
        default_horizon(shop)
    hint = str(caught.value.hint)
    if days < 3 * COMMON_HORIZONS[0]:
        assert hint == f"load at least {3 * COMMON_HORIZONS[0]} days of transactions"
    else:
        check_horizon(shop, parse_horizon(hint.removeprefix("--horizon ")))


def test_an_undefined_score_is_shown_as_text_and_never_as_nan() -> None:
    assert _known(float("nan")) == "not defined"
    assert _known(0.8123) == "0.812"
