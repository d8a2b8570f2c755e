"""Churn cost: equals a count by hand, is at most a year's spend, and ignores later rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.churn_cost import ChurnCost, churn_cost
from ckm.customers.calendar import calendar_day
from ckm.customers.history import read_history
from tests._churn.shops import FIRST, Row, order, tables

HORIZON = 90
SPAN = 500


def regulars(count: int, every: int, until: int = SPAN, net: float = 10.0, name: str = "a") -> list[Row]:
    return [order(f"{name}{who}", day + who % every, net) for who in range(count) for day in range(0, until, every)]


def learned(rows: list[Row], day: int = SPAN, horizon: int = HORIZON) -> ChurnCost:
    return churn_cost(read_history(tables(rows), as_of=calendar_day(FIRST + day)), FIRST + day, horizon)


def test_if_no_silent_customer_returns_the_cost_is_the_spend_of_buyers() -> None:
    found = learned(regulars(40, 30) + regulars(40, 30, until=140, name="b"))
    assert (found.returned, found.silent_spend) == (0.0, 0.0)
    assert found.back_spend == pytest.approx(1.0, abs=0.1)
    assert found.share == pytest.approx(min(found.back_spend, 1.0), abs=1e-4)


def test_customers_who_pause_and_then_spend_as_before_cost_the_horizon_only() -> None:
    """Bought each month, paused for 120 days, and went on: of a year, the horizon's spend is lost."""
    paused = [row for row in regulars(60, 30, name="b") if not 200 <= (row[1].date() - calendar_day(FIRST)).days < 320]
    found = learned(regulars(60, 30) + paused)
    assert found.silent > 0
    assert found.returned > 0.9
    assert found.share < 0.6


def test_a_short_history_is_reported_and_costs_the_whole_year() -> None:
    found = learned(regulars(40, 30, until=190), day=200)
    assert (found.share, found.days) == (1.0, 0)
    assert found.sentence("revenue") == (
        "the history is too short to estimate the churn cost: it is set to a whole year's revenue"
    )


def test_with_too_few_silent_customers_the_cost_is_not_estimated() -> None:
    assert learned(regulars(40, 30) + regulars(3, 30, until=220, name="b")).days == 0


@given(st.integers(200, 900), st.sampled_from([30, 60, 90, 180]), st.floats(0.1, 50))
def test_the_cost_is_at_most_one_and_later_rows_change_nothing(day: int, horizon: int, growth: float) -> None:
    past = regulars(35, 25, until=day) + regulars(35, 25, until=day // 2, name="b")
    later = [order("a0", each, 1000 * growth) for each in range(day + 1, day + 60, 7)]
    found = learned(past, day, horizon)
    assert 0 <= found.share <= 1
    assert churn_cost(read_history(tables(past + later)), FIRST + day, horizon) == found


def test_the_sentence_states_the_observed_shares() -> None:
    found = ChurnCost(0.54, 90, 90, 4253, 0.38, 0.51, 1.05)
    assert found.sentence("revenue") == (
        "churn cost 54% of a year's revenue: of 4,253 past customers without a purchase in 90 days, 38% bought in the "
        "next 90 days, at 51% of the former spend of all; customers with a purchase spent 105%"
    )
