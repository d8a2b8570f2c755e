"""A report without an earlier year covers a shorter period: first the same months of last year, then as many days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ckm.config import Config
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import Comparison, Period, compared_with, period_until, previous_days
from ckm.metrics.context import ReportContext
from ckm.metrics.report_period import report_period
from tests.metrics.rows import on, tables

AS_OF = date(2026, 6, 30)
YEAR = 12


def chosen(
    months_of_data: int, months: int | None = None, comparison: Comparison = "previous"
) -> tuple[Period, Period, Comparison]:
    """Return the period, the comparison period and the comparison of a shop with a purchase on every day."""
    days = (AS_OF - period_until(AS_OF, months_of_data).first).days
    data = tables(*(on(AS_OF - timedelta(back), f"c{back % 7}") for back in range(days + 1)))
    ledger = read_ledger(data, as_of=AS_OF, needs=EVERYTHING)

    def of(period: Period, compared: Period) -> ReportContext:
        return ReportContext(data, ledger, period, compared, Config())

    context, used = report_period(of, AS_OF, months, comparison)
    return context.period, context.compared, used


def test_two_years_are_compared_as_requested() -> None:
    year = period_until(AS_OF, YEAR)
    assert chosen(24) == (year, compared_with(year, YEAR, "previous"), "previous")


@pytest.mark.parametrize(("months_of_data", "months"), [(18, 6), (15, 3)])
def test_the_same_months_of_last_year_are_compared_where_the_data_hold_them(months_of_data: int, months: int) -> None:
    period = period_until(AS_OF, months)
    assert chosen(months_of_data) == (period, compared_with(period, months, "year-ago"), "year-ago")


def test_a_year_of_data_without_the_same_months_is_compared_half_with_half() -> None:
    half = period_until(AS_OF, 6)
    assert chosen(14) == (half, previous_days(half), "previous")


def test_less_than_a_year_and_a_requested_length_stay() -> None:
    year = period_until(AS_OF, YEAR)
    assert chosen(8)[0] == year
    assert chosen(14, months=12) == (year, compared_with(year, YEAR, "previous"), "previous")
