"""Parsers of setting values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.errors import UsageError
from ckm.setting_values import Target, parse_age, parse_days, parse_duration, parse_goal, parse_months, parse_share


@given(st.integers(0, 100))
def test_a_percentage_and_a_share_are_the_same(percent: int) -> None:
    assert parse_share(f"{percent}%") == parse_share(str(percent / 100))


def test_a_goal_is_a_lower_limit_unless_it_begins_with_at_most() -> None:
    assert parse_goal("0.4") == parse_goal(" >= 40% ") == Target(0.4)
    assert parse_goal("<=30") == Target(30, at_most=True)
    assert parse_goal("-5").is_met_by(-5)
    assert not parse_goal("<= 30").is_met_by(30.5)


@given(st.integers(0, 1000))
def test_seven_days_are_a_week(weeks: int) -> None:
    assert parse_duration(f"{weeks}w") == parse_duration(f"{7 * weeks}d") == parse_duration(f"{168 * weeks}h")


def test_a_lead_time_is_in_days_rounded_up() -> None:
    assert [parse_days(text) for text in ("14d", "2w", "36h", "0d", "1h")] == [14, 14, 2, 0, 1]


def test_an_age_is_one_day_to_two_hundred_years() -> None:
    assert [parse_age(text).days for text in ("1d", "2w", "12mo", "1y", "200y")] == [1, 14, 366, 366, 73_050]
    for text in ("0d", "201y", "5000y", "-1y", "1.5y", "1 fortnight"):
        with pytest.raises(UsageError, match="invalid age"):
            parse_age(text)


def test_a_horizon_is_one_month_to_ten_years() -> None:
    assert [parse_months(text) for text in ("12mo", "1y", " 120 mo ", "1mo", "10y")] == [12, 12, 120, 1, 120]
    for text in ("0mo", "121mo", "11y", "90d", "mo", "-1y", "1.5y"):
        with pytest.raises(UsageError, match="invalid number of months"):
            parse_months(text)
