"""The catalogue of churn reasons is valid, and errors in another one are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm._churn.customer_facts import ESTIMATES, FEWEST_INTERVAL_DAYS
from ckm._churn.feature_catalogue import GROUPS, load_catalogue
from ckm._churn.reason_catalogue import REASONS_FILE, load_reasons, read_reasons
from ckm.errors import UsageError


def test_every_group_has_a_reason_and_every_reason_has_features_of_its_group() -> None:
    book = load_reasons()
    assert {reason.group for reason in book.reasons} == set(GROUPS)
    for reason in book.reasons:
        of_group = {feature.name for feature in load_catalogue().of_group(reason.group)}
        assert set(reason.features) <= of_group, reason.code


def test_a_reason_applies_to_values_on_the_worse_side_of_its_feature() -> None:
    directions = {feature.name: feature.higher_is_worse for feature in load_catalogue().features}
    for reason in load_reasons().reasons:
        assert directions[reason.features[0]] in ("unclear", "yes" if reason.above else "no"), reason.code


def test_no_sentence_contains_an_estimate() -> None:
    for reason in load_reasons().reasons:
        assert not set(reason.facts) & ESTIMATES, reason.code


def test_a_sentence_about_an_interval_needs_three_purchase_days() -> None:
    intervals = {"median_interpurchase_days", "gap_last", "gap_before", "gap_ratio"}
    speaks = [reason for reason in load_reasons().reasons if intervals & set(reason.facts)]
    assert {reason.code for reason in speaks} == {"silent", "longer_gap", "slow_rhythm"}
    for reason in speaks:
        assert reason.days_least >= FEWEST_INTERVAL_DAYS
        assert "{purchase_days} purchase days" in reason.text


@pytest.mark.parametrize(
    ("code", "facts", "typical", "sentence"),
    [
        (
            "silent",
            {"days_silent": 94.0, "purchase_days": 7.0},
            21.5,
            "no order for 94 days; median interval 21.5 days (7 purchase days)",
        ),
        ("no_recent_purchase", {"days_silent": 1.0}, 0.0, "no order for 1 day; median of returning customers 0 days"),
        (
            "bought_once",
            {"purchase_days": 1.0, "last_day_value": 1034.0, "days_silent": 200.0},
            3.0,
            "one-time buyer: 1,034 EUR, 200 days ago",
        ),
        ("open_complaint", {"open_complaints": 1.0}, 0.0, "a complaint of the last 180 days is not settled"),
        ("open_complaint", {"open_complaints": 2.0}, 0.0, "2 complaints of the last 180 days are not settled"),
        ("complaint", {"complaints_90d": 1.0}, 0.0, "complained once in the last 90 days"),
        ("complaint", {"complaints_90d": 3.0}, 0.0, "complained 3 times in the last 90 days"),
        (
            "late_delivery",
            {"days_late_90d": 12.0},
            0.0,
            "a delivery of the last 90 days was 12 days late",
        ),
        (
            "low_spend",
            {"spend_12mo": 1234.4},
            99.5,
            "spent 1,234 EUR in 12 months; median of returning customers 99.50 EUR",
        ),
        (
            "discounts",
            {"discounted": 0.003},
            0.0,
            "discounts were less than 1 % of the price; median of returning customers nothing",
        ),
        (
            "falling_spend",
            {"spend_6mo_change": -0.5, "spend_6mo": 50.0, "spend_previous_6mo": 100.0},
            0.0,
            "spent 50.00 EUR in the last 6 months and 100 EUR in the 6 months before",
        ),
        (
            "small_orders",
            {"order_value": 9.9, "orders": 1.0},
            30.0,
            "average order value 9.90 EUR (of 1 order); median of returning customers 30.00 EUR",
        ),
    ],
)
def test_a_sentence_has_the_value_of_the_customer_and_the_usual_value(
    code: str, facts: dict[str, float], typical: float, sentence: str
) -> None:
    assert load_reasons()[code].sentence(typical, facts, "EUR") == sentence


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("group: recency", "group: recensy", "unknown group 'recensy'", "group: recency"),
        (
            "features: [days_silent]",
            "features: [days_silnt]",
            "unknown feature 'days_silnt'",
            "features: [days_silent]",
        ),
        ("features: [days_silent]", "features: [spend_12mo]", "of the group spend", "features: [days_silent]"),
        ("features: [days_silent]", "features: []", "at least one feature", "features: [days_silent]"),
        (
            "usual: median_interpurchase_days",
            "usual: gap_middle",
            "unknown fact 'gap_middle'",
            "usual: median_interpurchase_days",
        ),
        (
            "value: median_interpurchase_days",
            "value: gap_median_days",
            "unknown fact 'gap_median_days'",
            "value: median_interpurchase_days",
        ),
        (
            "value: median_interpurchase_days\n",
            "one: x\n",
            "is an estimate",
            "features: [gap_median_days, gap_p80_days]",
        ),
        ("days: [1, 2]", "days: [1, 2, 3]", "3 or [1, 2]", "days: [1, 2]"),
        ("code: bought_once", "code: silent", "the code 'silent' is defined twice", "code: bought_once"),
        ("interval {typical}", "interval {usual}", "only {value}, {typical} and facts", "interval {typical}"),
        ("interval {typical}", "interval {typical", "brace", "interval {typical}"),
        (
            "title: No recent purchase\n",
            "title: No recent purchase\n    weight: 3\n",
            "unknown key 'weight'",
            "features: [days_silent]",
        ),
    ],
)
def test_an_error_in_the_catalogue_is_reported_with_its_line(
    tmp_path: Path, old: str, new: str, message: str, line: str
) -> None:
    text = REASONS_FILE.read_text(encoding="utf-8")
    number = next(at for at, each in enumerate(text.splitlines(), 1) if line in each)
    path = tmp_path / "reasons.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read_reasons(path)
    assert message in str(raised.value)
    assert f"reasons.yaml:{number}" in str(raised.value)


def test_a_feature_group_without_a_reason_is_an_error(tmp_path: Path) -> None:
    text = REASONS_FILE.read_text(encoding="utf-8")
    path = tmp_path / "reasons.yaml"
    path.write_text(text[: text.index("  # tenure")], encoding="utf-8")
    with pytest.raises(UsageError, match="no reason for the group tenure"):
        read_reasons(path)


@pytest.mark.parametrize("text", ["", "# nothing\n", "schema: ckm.other/1\nreasons: []\n"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reasons.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        read_reasons(path)
