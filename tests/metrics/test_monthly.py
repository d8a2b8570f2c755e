"""Metrics by month by hand, and the seasonal revenue of the newest month."""

from __future__ import annotations

from datetime import date
from math import exp, log, sqrt

import pytest

from ckm.metrics.metric import Metrics
from ckm.metrics.monthly import monthly_metrics, normal_prediction_interval
from tests.metrics.rows import context, on, tables
from tests.metrics.shop import shop_context


def measured(*rows: object, as_of: date) -> Metrics:
    return Metrics(monthly_metrics(context(tables(*rows), as_of=as_of))[0])  # type: ignore[arg-type]


def test_months_of_the_small_shop_by_hand() -> None:
    """January: dong 600, elif 90; June: anna 80 - 30, hugo 900, the till -5; December: hugo 1100 - 100, lena 60."""
    found = Metrics(monthly_metrics(shop_context())[0])
    months = found.all("monthly_revenue", "month")
    assert [each.of("month") for each in months] == ["2024-12", *(f"2025-{month:02}" for month in range(1, 13))]
    values = {each.of("month"): (each.value, each.previous) for each in months}
    assert values["2025-01"] == (690.0, 500.0)
    assert values["2025-06"] == (945.0, 1000.0)
    assert values["2025-12"] == (1060.0, 0.0)
    assert found.value("monthly_orders", month="2025-01") == 2
    assert found.value("monthly_active_customers", month="2025-06") == 2


def test_the_average_order_value_of_a_month_is_before_returns() -> None:
    """In June, five customers return 8 of the 40 that each of them spent."""
    names = [f"c{number}" for number in range(5)]
    rows = [on(date(2025, month, 5), name, 40.0) for month in (5, 6) for name in names]
    rows += [on(date(2025, 6, 9), name, -8.0, "return") for name in names]
    shop = measured(on(date(2025, 4, 1), "c0"), *rows, on(date(2025, 7, 1), "c1"), as_of=date(2025, 7, 1))
    months = shop.all("monthly_average_order_value", "month")
    assert [(each.of("month"), each.value, each.n) for each in months][1:] == [("2025-05", 40, 5), ("2025-06", 40, 5)]
    assert shop.value("monthly_revenue", month="2025-06") == 160


def test_no_month_has_an_average_order_value_where_the_returns_of_one_are_of_few_customers() -> None:
    rows = [on(date(2025, month, 1), f"c{number}", 40.0) for month in (4, 5, 6) for number in range(9)]
    few = measured(*rows, on(date(2025, 5, 9), "c0", -8.0, "return"), as_of=date(2025, 6, 30))
    none = measured(*rows, as_of=date(2025, 6, 30))
    assert few.all("monthly_average_order_value", "month") == ()
    assert [each.n for each in none.all("monthly_average_order_value", "month")] == [0, 0, 0]


def test_the_months_of_a_calendar_year_add_up_to_its_revenue() -> None:
    shop = shop_context()
    months = Metrics(monthly_metrics(shop)[0]).all("monthly_revenue", "month")[1:]
    assert sum(each.value or 0.0 for each in months) == shop.ledger.money(shop.ledger.revenue(shop.period)) == 3778


def test_incomplete_months_have_no_metric() -> None:
    rows = [on(date(2025, 3, day), "ann") for day in (10, 20)] + [
        on(date(2025, 5, 4), "ann"),
        on(date(2025, 6, 20), "bob"),
    ]
    months = measured(*rows, as_of=date(2025, 6, 20)).all("monthly_revenue", "month")
    assert [each.of("month") for each in months] == ["2025-04", "2025-05"]
    assert all(each.previous is None for each in months)


def test_the_season_is_last_years_month_times_the_mean_change_of_the_months_between() -> None:
    """Each month of the second year brings a tenth more than the same month before, whatever the season."""
    season = [100.0, 80, 90, 120, 110, 70, 60, 50, 95, 130, 200, 400]
    rows = []
    for year, factor in ((2023, 1.0), (2024, 1.1)):
        rows += [on(date(year, month, 1), "ann", round(net * factor, 2)) for month, net in enumerate(season, 1)]
    found = measured(*rows, on(date(2024, 12, 31), "bob", 0.0), as_of=date(2024, 12, 31)).get(
        "seasonal_revenue", month="2024-12"
    )
    assert found is not None
    assert found.value == pytest.approx(440.0, abs=0.01)
    assert found.n == 11
    assert found.lo == pytest.approx(440.0, abs=0.1)
    assert measured(*rows[3:], as_of=date(2023, 12, 31)).all("seasonal_revenue", "month") == ()


def test_a_shop_with_months_without_revenue_has_no_seasonal_range() -> None:
    """A month of zero is common there, and would be below any range of ratios."""
    days = [date(year, month, 1) for year in (2024, 2025) for month in range(1, 13)]
    closed = {date(2025, 5, 1)}
    rows = [on(day, "ann", 10.0 + day.month) for day in days if day not in closed]
    assert measured(*rows, as_of=date(2025, 12, 31)).all("seasonal_revenue", "month") == ()
    both = closed | {date(2024, 5, 1)}  # a month that is closed in every year leaves out its ratio
    rows = [on(day, "ann", 10.0 + day.month) for day in days if day not in both]
    found = measured(*rows, on(date(2025, 12, 31), "bob", 0.0), as_of=date(2025, 12, 31)).get(
        "seasonal_revenue", month="2025-12"
    )
    assert found is not None
    assert found.n == 10


def test_the_interval_is_that_of_one_more_value() -> None:
    """Student's t with 4 degrees of freedom is 2.776 at 97.5 %."""
    values = [log(each) for each in (1.0, 1.1, 1.2, 1.3, 1.4)]
    mean, low, high = normal_prediction_interval(values)
    deviation = sqrt(sum((each - mean) ** 2 for each in values) / 4)
    assert exp(mean) == pytest.approx(1.1914, abs=1e-3)
    assert high - mean == pytest.approx(mean - low) == pytest.approx(2.7764 * deviation * sqrt(1.2), rel=1e-3)
