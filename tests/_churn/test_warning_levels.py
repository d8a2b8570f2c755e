"""Levels rise with the probability, exclude churned customers, and mark warnings past the lead time."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.base_rate import can_be_retained, past_base_rate
from ckm._churn.warning_levels import LEVELS, Thresholds, at_or_above, give_levels, is_warning, level_remarks
from ckm.errors import UsageError
from ckm.models.churn.training_set import TrainingSet, TrainingSnapshot
from ckm.setting_values import parse_level_start
from ckm.settings import ChurnSettings

USUAL = Thresholds(0.5, 0.7, 0.85)
HORIZON, LEAD = 90, 14
numbers = st.floats(0, 1)
days = st.integers(0, 900)


def customer(
    p: float | None = 0.75, value: float | None = 100.0, silent: float | None = 10, long_gap: float | None = 30.0
) -> pl.DataFrame:
    return pl.DataFrame(
        [("c1", p, value, silent, long_gap)],
        schema={
            "customer_id": pl.String,
            "p_churn": pl.Float64,
            "value_12mo": pl.Float64,
            "days_silent": pl.Float64,
            "long_gap_days": pl.Float64,
        },
        orient="row",
    )


def judged(frame: pl.DataFrame, *, horizon: int | None = HORIZON, lead_time: int = LEAD) -> dict[str, object]:
    return give_levels(frame, USUAL, horizon=horizon, lead_time=lead_time).row(0, named=True)


def place(row: dict[str, object]) -> int:
    return -1 if row["level"] is None else LEVELS.index(str(row["level"]))


@pytest.mark.parametrize(
    ("p", "level"), [(0.49, None), (0.5, "watch"), (0.69, "watch"), (0.7, "warn"), (0.85, "urgent"), (1.0, "urgent")]
)
def test_a_level_begins_at_its_threshold(p: float, level: str | None) -> None:
    assert judged(customer(p))["level"] == level


@given(numbers, numbers, days, st.floats(1, 400), st.integers(0, 60))
def test_a_higher_probability_never_has_a_lower_level(
    one: float, other: float, silent: int, gap: float, lead_time: int
) -> None:
    low, high = (judged(customer(p, silent=silent, long_gap=gap), lead_time=lead_time) for p in sorted((one, other)))
    assert place(low) <= place(high)


@given(numbers, days, st.floats(1, 400), st.integers(0, 60))
def test_churned_customers_get_no_level_and_only_warnings_are_past_the_lead_time(
    p: float, silent: int, gap: float, lead_time: int
) -> None:
    row = judged(customer(p, silent=silent, long_gap=gap), lead_time=lead_time)
    assert row["days_left"] == math.floor(gap + HORIZON - silent)
    assert row["gone"] == (row["days_left"] < 0)
    assert not (row["gone"] and row["level"])
    assert row["past_lead_time"] == (row["level"] is not None and row["days_left"] < lead_time)


@given(numbers, days, days, st.floats(1, 400))
def test_a_longer_recency_never_has_more_days_left(p: float, one: int, other: int, gap: float) -> None:
    shorter, longer = (judged(customer(p, silent=each, long_gap=gap))["days_left"] for each in sorted((one, other)))
    assert longer <= shorter  # type: ignore[operator]


def test_with_gone_churned_customers_get_levels_past_the_lead_time() -> None:
    row = give_levels(customer(0.75, silent=500), USUAL, horizon=HORIZON, lead_time=0, include_churned=True).row(
        0, named=True
    )
    assert (row["gone"], row["level"], row["past_lead_time"]) == (True, "warn", True)


def test_without_a_lead_time_no_warning_is_late_and_no_level_is_raised() -> None:
    row = judged(customer(0.7, silent=120, long_gap=30.0), lead_time=0)
    assert (row["days_left"], row["level"], row["past_lead_time"]) == (0, "warn", False)


@pytest.mark.parametrize(
    ("left", "level", "late"), [(28, "warn", False), (27, "urgent", False), (14, "urgent", False), (13, "warn", True)]
)
def test_the_last_call_raises_a_level_and_a_late_one_does_not(left: int, level: str, late: bool) -> None:
    row = judged(customer(0.75, silent=30 + HORIZON - left, long_gap=30.0))
    assert (row["level"], row["past_lead_time"]) == (level, late)


def test_the_highest_level_stays_the_highest_at_the_last_call() -> None:
    assert judged(customer(0.99, silent=100, long_gap=30.0))["level"] == "urgent"


@pytest.mark.parametrize("value", [0.0, -5.0, None, math.nan])
def test_customers_without_value_get_no_warning(value: float | None) -> None:
    assert judged(customer(0.9, value))["level"] is None


@pytest.mark.parametrize("p", [None, math.nan])
def test_a_customer_without_a_probability_has_no_level_and_no_value_at_risk(p: float | None) -> None:
    row = judged(customer(p))
    assert (row["level"], row["value_at_risk"], row["past_lead_time"]) == (None, None, False)


@pytest.mark.parametrize("horizon", [None, HORIZON])
def test_without_dates_no_customer_has_churned_and_no_warning_is_late(horizon: int | None) -> None:
    row = judged(customer(0.75, silent=None, long_gap=None), horizon=horizon)
    assert (row["days_left"], row["gone"], row["level"], row["past_lead_time"]) == (None, False, "warn", False)


def test_value_at_risk_is_the_probability_times_the_value() -> None:
    assert judged(customer(0.75, 100.0))["value_at_risk"] == 75.0


@pytest.mark.parametrize("limits", [(0.7, 0.5, 0.9), (0.5, 0.9, 0.8), (0.5, 0.7, 1.1)])
def test_thresholds_that_do_not_rise_are_refused(limits: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="must be in ascending order"):
        Thresholds(*limits)


def test_a_negative_lead_time_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be negative"):
        give_levels(customer(), USUAL, horizon=HORIZON, lead_time=-1)


def test_at_or_above_selects_a_level_and_all_higher_ones() -> None:
    frame = pl.DataFrame({"level": ["watch", "warn", "urgent", None]})
    assert frame.select(at_or_above("warn"))["level"].to_list() == [False, True, True, False]
    with pytest.raises(UsageError, match="unknown level 'panic'"):
        at_or_above("panic")


def test_a_suppressed_customer_has_no_warning() -> None:
    frame = pl.DataFrame({"level": ["warn", "warn", None], "suppressed": [None, "contacted", None]})
    assert frame.filter(is_warning()).height == 1


def test_churned_customers_and_late_warnings_are_counted_in_remarks() -> None:
    frame = pl.concat([customer(silent=5000), customer(silent=110), customer(), customer(0.1, silent=5000)])
    told = give_levels(frame, USUAL, horizon=HORIZON, lead_time=LEAD).with_columns(suppressed=pl.lit(None, pl.String))
    assert level_remarks(told, told, USUAL, lead_time=LEAD) == [
        "no warning for 1 customer who churned already: recency exceeds the long interval plus the horizon",
        "1 of 2 warnings are past the lead time of 14 days",
    ]


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_levels_follow_the_base_rate_and_rise(one: float, other: float) -> None:
    low, high = (Thresholds.of(ChurnSettings(), rate) for rate in sorted((one, other)))
    for name in LEVELS:
        assert getattr(low, name) <= getattr(high, name)
    assert low.watch >= 0.2
    assert low.warn >= 0.35
    assert low.urgent >= 0.5


@pytest.mark.parametrize(
    ("rate", "begins"),
    [
        (0.0, (0.2, 0.35, 0.5)),
        (0.01, (0.2, 0.35, 0.5)),
        (0.25, (0.4, 0.5, 0.625)),
        (0.6, (0.75, 0.818, 0.882)),
        (1.0, (1.0, 1.0, 1.0)),
    ],
)
def test_thresholds_of_the_levels_by_hand(rate: float, begins: tuple[float, ...]) -> None:
    found = Thresholds.of(ChurnSettings(), rate)
    assert (found.watch, found.warn, found.urgent) == pytest.approx(begins, abs=0.0005)


def test_a_fixed_probability_does_not_follow_the_base_rate() -> None:
    fixed = ChurnSettings(
        watch=parse_level_start("50%"), warn=parse_level_start("70%"), urgent=parse_level_start("0.85")
    )
    for rate in (0.1, 0.9):
        found = Thresholds.of(fixed, rate)
        assert (found.watch, found.warn, found.urgent) == (0.5, 0.7, 0.85)
        begin = "levels: watch from 50%, warn from 70%, urgent from 85%"
        assert found.sentence == f"{begin}, fixed probabilities; one higher at the last call"


def test_the_sentence_shows_a_fixed_level_beside_multiples_as_set() -> None:
    mixed = ChurnSettings(urgent=parse_level_start("85%"))
    assert Thresholds.of(mixed, 0.25).sentence == (
        "levels: watch from 40%, warn from 50%, urgent from 85%, by watch 2x at least 20%, warn 3x at least 35%, "
        "urgent 85%; x: the odds of the average customer (churn rate 25%)"
    )


def test_the_sentence_states_the_thresholds_and_their_rule() -> None:
    assert Thresholds.of(ChurnSettings(), 0.25).sentence == (
        "levels: watch from 40%, warn from 50%, urgent from 62%: 2, 3, 5 times the odds of the average customer "
        "(churn rate 25%), and at least 20%, 35%, 50%; one higher at the last call"
    )


@pytest.mark.parametrize(
    ("text", "times", "least"),
    [("2x", 2.0, 0.0), ("3x at least 35%", 3.0, 0.35), (" 1.5x  at least 0.2 ", 1.5, 0.2), ("70%", None, 0.7)],
)
def test_thresholds_of_levels_are_parsed(text: str, times: float | None, least: float) -> None:
    found = parse_level_start(text)
    assert (found.times, found.least) == (times, least)
    assert parse_level_start(str(found)) == found


@pytest.mark.parametrize("text", ["", "x", "0.5x", "120%", "2x at least", "2x at least 3", "twice", "-1x"])
def test_an_invalid_threshold_in_the_settings_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_level_start(text)


def test_the_base_rate_covers_customers_who_can_still_be_retained() -> None:
    features = {
        "days_silent": np.array([10.0, 10.0, 500.0, 10.0]),
        "gap_p80_days": np.full(4, 30.0),
        "spend_12mo": np.array([5.0, 5.0, 5.0, 0.0]),
    }
    churned = np.array([True, False, True, True])
    window = TrainingSnapshot(0, features, churned, np.arange(4, dtype=np.uint64))
    assert past_base_rate(TrainingSet((window,), HORIZON, features, HORIZON)) == 0.5
    assert can_be_retained(features, features["spend_12mo"], HORIZON).tolist() == [True, True, False, False]
