"""``ckm.evaluate``: every metric of a small shop equals its value computed by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

import pytest

import ckm
from ckm._evaluate.catalogue import load_metrics
from ckm._outcome.outcome_file import read_outcome
from ckm.assignments import OUTCOME
from ckm.errors import UnknownNameError, UsageError
from ckm.evaluate import Evaluation, evaluate
from ckm.models.intervals import wilson
from tests._evaluate.shop import AS_OF, audience, effect, make_shop

if TYPE_CHECKING:
    from pathlib import Path

HALF = sqrt(800**2 + 240**2)
"""Half the width of the interval of the sum of two independent normal effects: 80 × 10 and 40 × 6 EUR."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shop(tmp_path_factory.mktemp("evaluate") / "shop")


@pytest.fixture(scope="module")
def found(shop: Path) -> Evaluation:
    return evaluate(shop, as_of=AS_OF)


def row(found: Evaluation, metric: str, of: str = "") -> dict[str, object]:
    [one] = found.frame.filter(metric=metric, of=of).to_dicts()
    return one


VALUES = {
    # spring: 80 treated × 12 EUR; calls: 40 × 10; before: early, 50 × 2
    "incremental_margin": (1360, 100),
    # spring: 80 × 30; calls and early have no effect on net sales
    "incremental_net_sales": (2400, None),
    # contacts: 2 EUR × (80 + 40) treated persons; before: 2 × 50
    "contact_costs": (240, 100),
    # offers: 5 EUR × 80 treated persons of spring, the only audience with an offer
    "offer_costs": (400, 0),
    # hours: 2 entries × 4 + 2 audiences × 6 + 3 months × 2; before: 1 × 4 + 1 × 6 + 3 × 2
    "hours_of_work": (26, 16),
    "hour_costs": (1300, 800),
    "total_costs": (1940, 900),
    "net_return": (1360 - 1940, 100 - 900),
    "return_on_cost": (-580 / 1940, -800 / 900),
    # months until a margin of 1360 EUR per 3 months equals costs of 1940 EUR
    "payback_months": (1940 * 3 / 1360, 900 * 3 / 100),
    # spring: 80 × 0.1; before: 50 × 0.04 fewer churned
    "incremental_buyers": (8, 2),
    # spring: 80 × 2 + 80 × 5 + 6 × 50; before: 50 × 2 + 6 × 50
    "cost_per_incremental_buyer": (860 / 8, 400 / 2),
    "hours_per_incremental_buyer": (6 / 8, 6 / 2),
    "newly_validated_entries": (2, 1),
    # 4 + 3 months × 2 / 2 entries; before: 4 + 3 × 2 / 1
    "hours_per_validated_entry": (7, 10),
    "cost_per_validated_entry": (350, 500),
    # late: 1 to 11 April, price: 1 to 21 May; before: only an entry from a document
    "days_to_validation": (15, None),
    # Ann, Bo, Cy, Eve; before: Dee, Bo
    "contributors": (4, 2),
    # i4 and i6; i7 was resolved in February
    "open_complaints": (2, 0),
    # i4 since 10 May, i6 since 20 June
    "open_complaint_age": ((51 + 10) / 2, None),
    # cases until 31 May: i1 (repeated by i2), i3, i4 (not resolved), i5
    "first_contact_fix_rate": (2 / 4, 1 / 1),
    # i1 of i1 to i5
    "repeat_contact_rate": (1 / 5, 0 / 1),
    "value_at_risk": (500, None),
    # c1 by late, c2 by price
    "value_at_risk_answered": (400 / 500, None),
    # late has evidence of a benefit
    "value_at_risk_evidenced": (100 / 500, None),
    "searches": (4, 1),
    "search_hit_rate": (3 / 4, 0 / 1),
    "entries_shown": (None, None),
    "entry_uses": (3, None),
    "helpful_rate": (1 / 2, None),
    # late and price of late, price, old
    "used_entry_share": (2 / 3, None),
    # late, price, old, idea; before: old
    "entries": (4, 1),
    # old was due on 1 May
    "fresh_entry_share": (2 / 3, 1 / 1),
    "evidenced_entry_share": (1 / 3, 0 / 1),
    # old: socialise to externalise, late: externalise to combine
    "moves_between_modes": (2, 0),
    # c1, c2, x9; before: c1
    "members": (3, 1),
    # (1000 - 600 - 100 + 200) points of .01 EUR
    "points_liability": (5, 1),
    # x9 never bought
    "member_activity_rate": (2 / 3, 1 / 1),
    "point_redemption_rate": (800 / 1400, 0 / 100),
    "member_difference": (None, None),
    "membership_effect": (None, None),
}


def test_every_metric_has_an_expected_value_in_this_file(found: Evaluation) -> None:
    below = {"return_probability", "entries_by_mode", "days_in_mode", "slowest_mode"}
    assert {*VALUES, *below} == set(found.frame["metric"]) == set(load_metrics())


@pytest.mark.parametrize("metric", VALUES)
def test_the_values_of_both_periods_equal_those_computed_by_hand(found: Evaluation, metric: str) -> None:
    value, previous = VALUES[metric]
    one = row(found, metric)
    assert one["value"] == (None if value is None else pytest.approx(value, abs=1e-6))
    assert one["previous"] == (None if previous is None else pytest.approx(previous, abs=1e-6))


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [
        ("incremental_margin", 1360 - HALF, 1360 + HALF),
        ("net_return", 1360 - HALF - 1940, 1360 + HALF - 1940),
        ("return_on_cost", (1360 - HALF - 1940) / 1940, (1360 + HALF - 1940) / 1940),
        ("payback_months", 1940 * 3 / (1360 + HALF), 1940 * 3 / (1360 - HALF)),
        ("incremental_net_sales", 80 * 5, 80 * 55),
        ("incremental_buyers", 80 * 0.02, 80 * 0.18),
        ("cost_per_incremental_buyer", 860 / (80 * 0.18), 860 / (80 * 0.02)),
    ],
)
def test_simulated_intervals_equal_those_of_a_sum_of_normal_effects(
    found: Evaluation, metric: str, low: float, high: float
) -> None:
    one = row(found, metric)
    width = high - low
    assert one["low"] == pytest.approx(low, abs=0.015 * width)
    assert one["high"] == pytest.approx(high, abs=0.015 * width)


def test_the_upper_end_of_a_cost_per_buyer_is_null_if_the_effect_may_be_zero(shop: Path) -> None:
    one = row(evaluate(shop, as_of=AS_OF.replace(month=3, day=31)), "cost_per_incremental_buyer")
    assert one["low"] == pytest.approx(400 / (50 * 0.1), rel=0.02)
    assert one["high"] is None


def test_the_return_probability_equals_that_of_a_sum_of_normal_effects(found: Evaluation) -> None:
    deviation = HALF / NormalDist().inv_cdf(0.975)
    assert row(found, "return_probability")["value"] == pytest.approx(
        1 - NormalDist(1360, deviation).cdf(1940), abs=0.004
    )


def test_rates_have_wilson_intervals_and_their_number_of_observations(found: Evaluation) -> None:
    for metric, part, whole in (
        ("first_contact_fix_rate", 2, 4),
        ("repeat_contact_rate", 1, 5),
        ("search_hit_rate", 3, 4),
        ("helpful_rate", 1, 2),
        ("fresh_entry_share", 2, 3),
    ):
        one = row(found, metric)
        assert (one["low"], one["high"]) == pytest.approx(wilson(part, whole), abs=1e-6)
        assert one["n"] == whole


def test_the_margin_of_each_audience_has_the_measured_interval(found: Evaluation) -> None:
    spring, calls = row(found, "incremental_margin", "spring"), row(found, "incremental_margin", "calls")
    assert (spring["value"], spring["low"], spring["high"]) == (960, 160, 1760)
    assert (calls["value"], calls["low"], calls["high"]) == (400, 160, 640)
    assert row(found, "incremental_net_sales", "calls")["note"] is not None


def test_moves_between_modes_and_the_slowest_mode_are_computed_from_git(found: Evaluation) -> None:
    assert row(found, "entries_by_mode", "externalise")["value"] == 1
    assert row(found, "entries_by_mode", "combine")["value"] == 2
    assert row(found, "moves_between_modes", "socialise → externalise")["value"] == 1
    assert row(found, "moves_between_modes", "externalise → combine")["value"] == 1
    # old since 15 April; late since 1 June and price since 25 May
    assert row(found, "days_in_mode", "externalise")["value"] == 76
    assert row(found, "days_in_mode", "combine")["value"] == (29 + 36) / 2
    assert row(found, "slowest_mode", "externalise")["value"] == 76


def test_members_are_counted_by_tier(found: Evaluation) -> None:
    assert row(found, "members", "Gold")["value"] == 2
    assert row(found, "members", "(none)")["value"] == 1


def test_an_invitation_to_the_programme_is_measured_against_its_holdout(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop", git=False)
    audience(root, "join", date(2026, 4, 1), 30, 50, "membership", effect("net", 4, 1, 7, 50))
    one = row(evaluate(root, as_of=AS_OF), "membership_effect")
    assert (one["value"], one["low"], one["high"], one["n"]) == (4, 1, 7, 70)


def test_the_change_is_null_if_the_previous_value_is_incomplete(found: Evaluation) -> None:
    assert row(found, "net_return")["change"] == -580 + 800
    assert row(found, "contributors")["change"] == 2
    assert row(found, "searches")["change"] is None  # the log begins in March


def test_goals_are_compared_with_their_metrics(found: Evaluation) -> None:
    assert (row(found, "days_to_validation")["goal"], row(found, "days_to_validation")["goal_reached"]) == (
        "<= 14",
        False,
    )
    assert row(found, "first_contact_fix_rate")["goal_reached"] is True
    assert row(found, "net_return")["goal"] is None


def test_metrics_without_a_value_have_the_reason(found: Evaluation) -> None:
    missing = {(each["metric"], each["of"]): each["note"] for each in found.missing.to_dicts()}
    assert missing["entries_shown", ""] == "showing an entry is not logged (kb.log_queries)"
    assert all(missing.values())


def test_without_git_metrics_of_past_states_have_no_value(tmp_path: Path) -> None:
    found = evaluate(make_shop(tmp_path / "shop", git=False), as_of=AS_OF)
    assert row(found, "entries")["value"] == 4
    assert row(found, "entries")["previous"] is None
    assert "git" in str(row(found, "moves_between_modes")["note"])


def test_without_costs_in_the_settings_a_note_names_the_missing_costs(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop", git=False)
    (root / "ckm.yaml").write_text("evaluate: {period: 3mo}\n", encoding="utf-8")
    found = evaluate(root, as_of=AS_OF)
    assert row(found, "total_costs")["value"] == 120  # 1 EUR per contact: churn.contact_cost
    assert row(found, "net_return")["value"] == 1360 - 120
    assert "without costs of offers and hours" in str(row(found, "net_return")["note"])
    assert row(found, "cost_per_validated_entry")["value"] is None


def test_an_unknown_goal_is_refused(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop", git=False)
    (root / "ckm.yaml").write_text("evaluate: {goals: {net_returns: 5}}\n", encoding="utf-8")
    with pytest.raises(UnknownNameError, match="net_returns"):
        evaluate(root, as_of=AS_OF)


def test_a_file_instead_of_a_workspace_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("order_id,customer_id,ordered_at,net\n1,a,2026-01-01,5\n", encoding="utf-8")
    with pytest.raises(UsageError, match="workspace"):
        evaluate(path)


def test_the_same_data_and_seed_give_the_same_bytes(shop: Path, found: Evaluation) -> None:
    again = ckm.open(shop).evaluate(as_of=AS_OF)
    assert again.to_json() == found.to_json()
    assert json.loads(again.to_json())["schema"] == "ckm.evaluation/1"


def test_the_page_has_the_return_the_goals_and_the_metrics_without_a_value(found: Evaluation) -> None:
    page = found.to_html()
    assert "−€580" in page.replace("\u2060", "")
    assert "What cannot be said" in page
    assert "≤ 14 days" in page
    assert "≥ 50.0%" in page


def test_outcomes_recorded_as_of_a_later_day_are_not_used(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop", git=False)
    may = date(2026, 5, 31)
    assert row(evaluate(root, as_of=may), "incremental_margin")["value"] == 1360
    path = root / "audiences" / "spring" / OUTCOME
    replace(read_outcome(path), as_of=date(2026, 6, 10)).write(path)
    found = evaluate(root, as_of=may)
    assert row(found, "incremental_margin")["value"] == 40 * 10  # the audience calls alone
    assert row(found, "incremental_margin", "spring")["value"] is None
    assert any("1 outcome was recorded as of a day after 2026-05-31" in each for each in found.remarks)
    assert any("ckm outcome record spring --as-of 2026-05-31" in each for each in found.remarks)
    later = evaluate(root, as_of=date(2026, 6, 10))
    assert row(later, "incremental_margin")["value"] == 1360
    assert not any("recorded as of a day after" in each for each in later.remarks)


def test_audiences_assigned_later_are_not_running(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop", git=False)
    assert any("1 audience whose window has not ended" in each for each in evaluate(root, as_of=AS_OF).remarks)
    assert not any("has not ended" in each for each in evaluate(root, as_of=date(2026, 6, 10)).remarks)


def test_the_entries_of_an_earlier_day_are_those_committed_by_then(shop: Path) -> None:
    found = evaluate(shop, as_of=date(2026, 5, 15))
    assert row(found, "entries")["value"] == 2  # old and late; price was committed on 25 May, idea on 1 June
    assert row(found, "evidenced_entry_share")["value"] == 0  # the evidence of late was committed on 1 June
    assert row(found, "newly_validated_entries")["value"] == 1


def test_without_git_entries_collected_later_are_left_out_of_an_earlier_day(tmp_path: Path) -> None:
    found = evaluate(make_shop(tmp_path / "shop", git=False), as_of=date(2026, 5, 15))
    assert row(found, "entries")["value"] == 3  # old, late and price; idea was collected on 1 June
    assert any("1 knowledge entry collected after 2026-05-15" in each for each in found.remarks)


def test_an_effect_on_net_sales_becomes_a_margin_by_the_margin_share_in_the_settings(tmp_path: Path) -> None:
    root = make_shop(tmp_path / "shop", git=False)
    audience(root, "calls-net", date(2026, 5, 1), 14, 40, "", effect("net", 30, 10, 50, 40))
    without = evaluate(root, as_of=AS_OF)
    assert row(without, "incremental_margin", "calls-net")["value"] is None
    config = root / "ckm.yaml"
    config.write_text(config.read_text().replace("hour_cost: 50", "hour_cost: 50\n  margin_share: 30%"))
    found = evaluate(root, as_of=AS_OF)
    one = row(found, "incremental_margin", "calls-net")
    # 40 treated × 30 EUR × 30 %, from 40 × 10 × .3 to 40 × 50 × .3
    assert (one["value"], one["low"], one["high"]) == (360, 120, 600)
    assert "evaluate.margin_share" in str(one["note"])
    # the two measured margins stay: 80 × 12 and 40 × 10
    assert row(found, "incremental_margin")["value"] == 1360 + 360


def test_a_remark_counts_persons_treated_in_two_audiences_at_the_same_time(tmp_path: Path) -> None:
    from tests._outcome.shop import make_shop as make_campaign_shop

    shop = make_campaign_shop(tmp_path / "shop")
    rows = [f"c{number:04d},{'control' if number % 4 == 0 else 'test'},2026-03-31" for number in range(40)]
    (shop / "campaign.csv").write_text("\n".join(["customer_id,arm,assigned_at", *rows]) + "\n")
    for name in ("one", "two"):
        ckm.audience.new(shop, name, origin=str(shop / "campaign.csv"))
    found = evaluate(shop, as_of=date(2026, 5, 31))
    assert any("30 persons were treated in audiences whose windows overlap" in each for each in found.remarks)
    assert not any("overlap" in each for each in evaluate(make_shop(tmp_path / "other"), as_of=AS_OF).remarks)
