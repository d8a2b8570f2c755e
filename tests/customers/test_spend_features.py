"""Features of spend: windows, margins and trends, compared with hand calculations."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from polars.testing import assert_frame_equal

from ckm.customers.calendar import months_before
from ckm.errors import InputError
from tests.customers.rows import START, of, row, table


def test_spend_of_a_year_is_by_calendar_months() -> None:
    as_of = START.date() + timedelta(days=731)  # 2026-03-02
    days = {date(2026, 3, 2): 1.0, date(2025, 3, 3): 2.0, date(2025, 3, 2): 4.0, date(2024, 3, 3): 8.0}
    rows = [row("ann", (day - START.date()).days, net) for day, net in days.items()]
    found = table(*rows, row("ann", 1, 16.0), row("ann", 700, -0.5, "return"), as_of=as_of)
    assert of(found, "ann", "spend_12mo", "spend_previous_12mo", "net_total") == (2.5, 12.0, 30.5)


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2024, 1, 15), 1, date(2023, 12, 15)),
        (date(2024, 12, 31), 24, date(2022, 12, 31)),
    ],
)
def test_months_before_a_date_end_with_the_month(day: date, months: int, earlier: date) -> None:
    assert months_before(day, months) == earlier


@pytest.mark.slow
def test_a_window_changes_only_frequency_and_monetary_value() -> None:
    found = table(
        row("ann", 0, 10.0), row("ann", 50, 5.0), row("ann", 55, -1.0, "return"), row("bob", 0, 7.0), window=1
    )
    assert of(found, "ann", "frequency", "monetary", "net_total", "rows", "recency_days") == (1, 4.0, 14.0, 3, 5)
    assert of(found, "bob", "frequency", "monetary", "net_total", "recency_days") == (0, 0.0, 7.0, 55)


@pytest.mark.slow
def test_a_window_longer_than_history_is_all_time() -> None:
    rows = [row("ann", 0, 10.0), row("ann", 50, 5.0)]
    for time_zone in ("UTC", "Asia/Bangkok"):
        found = table(*rows, window=99_999, time_zone=time_zone)
        assert_frame_equal(found.frame, table(*rows, time_zone=time_zone).frame)


@pytest.mark.slow
def test_monetary_value_can_be_net_per_order() -> None:
    rows = [row("ann", 0, 10.0), row("ann", 0, 2.0), row("ann", 40, 5.0), row("ann", 41, -1.0, "return")]
    assert of(table(*rows, money="mean"), "ann", "monetary", "frequency") == (8.0, 2)
    assert of(table(*rows, row("ann", 300, -3.0, "return"), money="mean", window=1), "ann", "monetary") == -3.0


def test_margin_is_net_minus_cost_and_the_margin_share_where_no_cost_is_known() -> None:
    found = table(
        row("ann", 0, 100.0, cost=60.0),
        row("ann", 1, 50.0),
        row("bob", 1, 100.0, cost=70.0),
        row("bob", 2, 0.0, cost=5.0),
    )
    assert found.population.margin_share == 0.325  # (200 - 135) / 200
    assert of(found, "ann", "margin_12mo", "cost_known_share") == (56.25, 0.666666666667)
    assert of(found, "bob", "margin_12mo", "cost_known_share") == (25.0, 1.0)
    assert found.remarks == ("margin_12mo: 20.0% of the net amount has no cost; 32.5% of it counts as margin",)


@pytest.mark.parametrize("cost", [-6.0, 6.0])
def test_the_cost_of_a_return_is_subtracted_whatever_its_sign(cost: float) -> None:
    found = table(
        row("ann", 0, 10.0, cost=6.0), row("ann", 1, 10.0, cost=6.0), row("ann", 2, -10.0, "return", cost=cost)
    )
    assert of(found, "ann", "margin_12mo") == 4.0


def test_without_any_cost_the_margin_is_the_net_amount_with_a_remark() -> None:
    found = table(row("ann", 0, 10.0), money="margin")
    assert of(found, "ann", "margin_12mo", "monetary") == (10.0, 10.0)
    assert found.remarks == (
        "no cost is known: margin_12mo is the net amount",
        "no cost is known: monetary is the net amount",
    )


@pytest.mark.slow
def test_monetary_value_as_margin_is_limited_to_the_window() -> None:
    rows = [row("ann", 0, 100.0, cost=60.0), row("ann", 100, 10.0, cost=5.0), row("bob", 99, 8.0, cost=1.0)]
    assert table(*rows, money="margin", scope="rfm").frame["monetary"].to_list() == [45.0, 7.0]
    assert table(*rows, money="margin", scope="rfm", window=1).frame["monetary"].to_list() == [5.0, 7.0]


def test_the_trend_is_the_least_squares_slope_relative_to_the_mean() -> None:
    values = {0: 10.0, 30: 14.0, 90: 12.0, 365: 30.0}
    found = table(*(row("ann", day, net) for day, net in values.items()), *(row("bob", day, 5.0) for day in values))
    x, y = list(values), list(values.values())
    mean_x, mean_y = sum(x) / 4, sum(y) / 4
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)
    assert of(found, "ann", "order_value_mean") == mean_y
    assert of(found, "ann", "order_value_trend") == pytest.approx(slope * 365.25 / mean_y, abs=1e-6)
    assert of(found, "bob", "order_value_trend") == 0.0


def test_two_purchase_days_have_a_trend_of_zero_and_free_items_none() -> None:
    found = table(row("ann", 0, 1.0), row("ann", 9, 5.0), *(row("bob", day, 0.0) for day in (0, 5, 9)))
    assert of(found, "ann", "order_value_trend") == 0.0
    assert of(found, "bob", "order_value_trend", "order_value_mean") == (None, 0.0)


def test_the_trend_of_very_large_amounts_is_precise() -> None:
    found = table(*(row("ann", day, net) for day, net in ((0, 1e14), (365, 2e14), (730, 3e14))))
    assert of(found, "ann", "order_value_trend") == pytest.approx(0.5 * 365.25 / 365, abs=1e-5)


def test_an_impossible_cost_is_an_error_with_the_columns_that_may_contain_it() -> None:
    with pytest.raises(InputError, match="'net' or 'cost' or 'discount' holds an amount too large"):
        table(row("ann", 0, 1.0, cost=1e19))
