"""Months before a date: one definition for periods, features and windows, at all ends of months."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers.calendar import months_before
from ckm.customers.features import feature_table
from ckm.customers.period import Period, compared_with, period_until

DAY = timedelta(1)
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
months = st.integers(1, 36)


@pytest.mark.parametrize(
    ("last", "count", "first"),
    [
        ("2024-02-28", 12, "2023-03-01"),  # the day before the leap day
        ("2024-02-29", 12, "2023-03-01"),
        ("2025-02-28", 12, "2024-03-01"),  # a year after the leap day: 12 whole months, the leap day before them
        ("2025-02-27", 12, "2024-02-28"),
        ("2023-02-28", 12, "2022-03-01"),
        ("2024-03-01", 12, "2023-03-02"),
        ("2025-03-31", 1, "2025-03-01"),
        ("2025-03-30", 1, "2025-03-01"),  # February has no 30th: the days after its end
        ("2025-03-29", 1, "2025-03-01"),
        ("2025-03-28", 1, "2025-03-01"),
        ("2025-04-30", 1, "2025-04-01"),
        ("2025-02-28", 1, "2025-02-01"),
        ("2024-02-28", 1, "2024-01-29"),
        ("2025-06-30", 3, "2025-04-01"),
        ("2025-01-31", 1, "2025-01-01"),
        ("2025-01-30", 1, "2024-12-31"),
    ],
)
def test_the_first_day_of_the_last_months(last: str, count: int, first: str) -> None:
    assert str(period_until(date.fromisoformat(last), count)) == f"{first} to {last}"


@given(days, months)
def test_a_period_that_ends_with_a_month_begins_with_a_month(day: date, count: int) -> None:
    last = day.replace(day=1) - DAY
    assert period_until(last, count).first.day == 1


@given(days, months)
def test_periods_begin_in_the_order_of_their_ends_and_a_year_has_at_most_366_days(day: date, count: int) -> None:
    assert period_until(day, count).first <= period_until(day + DAY, count).first
    assert period_until(day, 12).days in (365, 366)


@given(days, months)
def test_consecutive_periods_neither_overlap_nor_leave_gaps(day: date, count: int) -> None:
    period = period_until(day, count)
    before = compared_with(period, count, "previous")
    assert before.last + DAY == period.first
    assert before.last == months_before(day, count)


@given(days, st.integers(1, 12))
def test_the_same_period_of_the_previous_year_differs_by_at_most_the_leap_day(day: date, count: int) -> None:
    period = period_until(day, count)
    ago = compared_with(period, count, "year-ago")
    assert abs(ago.days - period.days) <= 1
    assert ago.last < period.first
    if count == 12:
        assert ago.last + DAY == period.first


@pytest.mark.parametrize("as_of", ["2023-02-28", "2024-02-28", "2024-02-29", "2024-03-01", "2025-02-28", "2025-04-30"])
def test_spend_12mo_equals_the_revenue_of_the_12_month_period(as_of: str) -> None:
    # a purchase on every day of four years; its amount identifies the day
    first = date(2021, 1, 1)
    rows = [(f"o{n}", "A", first + n * DAY, float(1 + n)) for n in range(4 * 365 + 200)]
    last = date.fromisoformat(as_of)
    orders = pl.DataFrame(rows, schema=["order_id", "customer_id", "ordered_at", "net"], orient="row").with_columns(
        pl.col("ordered_at").cast(pl.Datetime("us", "UTC")), currency=pl.lit("EUR"), type=pl.lit("sale")
    )
    period: Period = period_until(last, 12)
    table = feature_table({"transactions": orders.lazy()}, as_of=last)
    expected = sum(net for _, _, day, net in rows if period.first <= day <= period.last)
    assert table.frame["spend_12mo"].item() == expected
