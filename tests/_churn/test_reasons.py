"""Reasons: true of the customer, with contributions that add up, in their documented order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ckm._churn.customer_facts import FEWEST_INTERVAL_DAYS, ReturningCustomers
from ckm._churn.feature_catalogue import load_catalogue
from ckm._churn.reason_catalogue import load_reasons
from ckm._churn.reasons import CLEAR_POINTS, Reasons, explain
from ckm._churn.typical_customer import TypicalRetainedCustomer
from ckm.models.shapley import FunctionTerm, WeightedTerm
from tests.conftest import examples

Floats = NDArray[np.float64]
NAN = float("nan")
USUAL = {
    "days_silent": 20.0,
    "purchase_days": 6.0,
    "gap_median_days": 30.0,
    "gap_last_ratio": 1.0,
    "spend_12mo": 200.0,
    "category_lost": 0.0,
    "categories_12mo": 2.0,
    "days_late_90d": 0.0,
    "late_deliveries_90d": 0.0,
    "rejected_invoices_90d": 0.0,
    "open_complaints": 0.0,
    "complaints_90d": 0.0,
    "rating_last": 0.8,
    "tenure_days": 300.0,
}
RETAINED = {name: np.array([value, value, value, 2 * value]) for name, value in USUAL.items()}
RETAINED |= {"days_silent": np.array([10.0, 20.0, 60.0, 90.0]), "gap_median_days": np.full(4, 30.0)}
TYPICAL = TypicalRetainedCustomer(USUAL, RETAINED)
BESIDE = {
    "gap_last": 60.0,
    "gap_before": 30.0,
    "last_day_value": 12.5,
    "lost_purchases": 3.0,
    "category_purchases": 6.0,
}
"""Facts that sentences state besides the compared value."""


def facts_of(features: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the raw facts of features; facts about intervals are NaN below three purchase days."""
    known = features.get("purchase_days", np.full(len(next(iter(features.values()))), 6.0)) >= FEWEST_INTERVAL_DAYS
    drawn = {"median_interpurchase_days": "gap_median_days", "gap_ratio": "gap_last_ratio"}
    facts = {name: values for name, values in features.items() if name not in drawn.values()}
    facts |= {name: np.full(len(known), value) for name, value in BESIDE.items()}
    return facts | {fact: np.where(known, features[name], NAN) for fact, name in drawn.items() if name in features}


RETURNING = ReturningCustomers(0, facts_of(RETAINED))
WEIGHTS = {
    "days_silent": 0.02,
    "gap_last_ratio": 0.3,
    "spend_12mo": -0.001,
    "category_lost": 2.0,
    "categories_12mo": -0.2,
    "days_late_90d": 0.1,
    "open_complaints": 1.0,
    "complaints_90d": 0.3,
    "rejected_invoices_90d": 0.2,
    "rating_last": -1.0,
}
VALUES = {name: st.one_of(st.sampled_from([value, 0.0, 1.0, NAN]), st.floats(0, 500)) for name, value in USUAL.items()}
VALUES["gap_median_days"] = st.floats(1, 500)  # two purchases of a day are one
ROWS = st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=6)


def weighed(features: Mapping[str, Floats]) -> Floats:
    """Return a sum of the features, without unknown ones; late deliveries count more with a longer recency."""
    known = {name: np.nan_to_num(values) for name, values in features.items()}
    total = sum(WEIGHTS[name] * known[name] for name in WEIGHTS if name in known)
    return np.asarray(total + 0.001 * known["days_silent"] * known.get("days_late_90d", 0.0) - 1)


class Weighed:
    """The score :func:`weighed` as one term."""

    log_odds = staticmethod(weighed)

    def terms(self) -> tuple[WeightedTerm, ...]:
        return (WeightedTerm(1.0, FunctionTerm(tuple(USUAL), weighed)),)


def told(*rows: Mapping[str, float], without: tuple[str, ...] = ()) -> Reasons:
    features = {name: np.array([row.get(name, USUAL[name]) for row in rows]) for name in USUAL if name not in without}
    customers = np.arange(len(rows), dtype=np.uint32) + 40
    return explain(
        Weighed(),
        customers,
        features,
        TYPICAL,
        facts=facts_of(features),
        returning=RETURNING,
        currency="EUR",
    )


def codes(reasons: Reasons) -> list[str | None]:
    return reasons.frame["code"].to_list()


@pytest.mark.slow
@settings(max_examples=examples(14))
@given(rows=ROWS)
def test_base_contributions_and_remainder_add_up_to_the_log_odds(
    rows: list[dict[str, float]],
) -> None:
    found = told(*rows)
    points = found.frame.group_by("customer", maintain_order=True).agg(pl.col("contribution").sum())
    features = {name: np.array([row[name] for row in rows]) for name in USUAL}
    assert points["customer"].to_list() == list(range(40, 40 + len(rows)))
    np.testing.assert_allclose(found.attribution.base + points["contribution"].to_numpy(), weighed(features), atol=1e-6)


@pytest.mark.slow
@settings(max_examples=examples(15))
@given(rows=ROWS)
def test_every_reason_has_known_facts_and_raises_the_churn_odds(rows: list[dict[str, float]]) -> None:
    for reason in told(*rows).frame.drop_nulls("code").iter_rows(named=True):
        row, entry = rows[reason["customer"] - 40], load_reasons()[reason["code"]]
        facts = {name: values[0] for name, values in facts_of({key: np.array([row[key]]) for key in row}).items()}
        assert reason["value"] == facts[entry.value]
        assert reason["typical"] == (RETURNING.median(entry.value) if entry.usual is None else facts[entry.usual])
        assert entry.days_least <= row["purchase_days"] <= entry.days_most or not entry.days_least
        assert 0 <= reason["share_of_retained"] <= 1
        if not entry.always:
            assert reason["value"] > reason["typical"] if entry.above else reason["value"] < reason["typical"]
            assert reason["contribution"] > 0


@pytest.mark.slow
@settings(max_examples=examples(11))
@given(rows=ROWS)
def test_clear_causes_rank_first_and_the_remainder_last(rows: list[dict[str, float]]) -> None:
    for (_,), frame in told(*rows).frame.group_by("customer"):
        assert frame["rank"].to_list() == list(range(len(frame)))
        assert frame["code"].is_null().to_list() == [False] * (len(frame) - 1) + [True]
        assert frame["group"].drop_nulls().is_unique().all()
        reasons = frame.drop_nulls("code")
        first = reasons["cause"] & (reasons["contribution"] >= CLEAR_POINTS)
        assert first.to_list() == sorted(first, reverse=True)
        once = reasons["code"] == "bought_once"
        assert not once.any() or once.arg_max() == first.sum()  # before all other signs
        for part in (reasons.filter(first), reasons.filter(~first & ~once)):
            assert part["contribution"].is_sorted(descending=True)


def test_the_typical_customer_has_no_reason() -> None:
    found = told({})
    assert codes(found) == [None]
    assert found.frame["contribution"].to_list() == [0.0]


def test_silence_is_measured_in_the_customers_own_intervals() -> None:
    found = told({"days_silent": 94.0, "gap_median_days": 21.0}, {"days_silent": 60.0, "gap_median_days": 70.0})
    assert codes(found) == ["silent", None, None]
    first = found.frame.row(0, named=True)
    assert first["text"] == "no order for 94 days; median interval 21 days (6 purchase days)"
    assert first["share_of_retained"] == 0.0  # the longest silence of a retained customer is three of the own gaps
    assert found.frame["contribution"].to_list() == pytest.approx([1.48, 0.0, 0.8])


def test_share_of_retained_counts_returning_customers_with_the_same_or_a_worse_value() -> None:
    assert told({"days_silent": 60.0}).frame["share_of_retained"][0] == 0.5


def test_a_clear_cause_ranks_before_a_stronger_sign_and_a_weak_cause_after_it() -> None:
    found = told({"days_silent": 100.0, "open_complaints": 1.0, "rejected_invoices_90d": 1.0})
    assert codes(found) == ["open_complaint", "silent", "rejected_invoice", None]
    assert found.frame["contribution"].to_list() == pytest.approx([1.0, 1.6, 0.2, 0.0])


def test_the_reason_with_the_largest_effect_has_the_contribution_of_its_group() -> None:
    lost = told({"category_lost": 0.5, "categories_12mo": 1.0})
    assert codes(lost) == ["lost_category", None]
    assert lost.frame["contribution"][0] == pytest.approx(1.2)
    few = told({"category_lost": 0.05, "categories_12mo": 1.0})
    assert codes(few) == ["few_categories", None]


def test_contributions_of_groups_without_a_reason_are_in_the_remainder() -> None:
    found = told({"spend_12mo": 900.0, "rating_last": NAN})
    assert codes(found) == [None]
    assert found.frame["contribution"][0] == pytest.approx(-0.7 + 0.8)


@pytest.mark.parametrize("days", [1.0, 2.0])
def test_customers_with_fewer_than_three_purchase_days_get_no_sentence_about_an_interval(days: float) -> None:
    row = {"days_silent": 94.0, "gap_median_days": 21.0, "gap_last_ratio": 3.0, "purchase_days": days}
    texts = told(row).frame["text"].drop_nulls().to_list()
    assert texts
    assert not any("interval" in text for text in texts)


def test_one_time_buyer_is_the_first_reason_whatever_its_contribution() -> None:
    found = told({"days_silent": 94.0, "purchase_days": 1.0}, {"purchase_days": 1.0, "gap_last_ratio": 0.0})
    assert codes(found) == ["bought_once", "no_recent_purchase", None, "bought_once", None]
    assert found.frame["text"][0] == "one-time buyer: 12.50 EUR, 94 days ago"
    assert found.frame["contribution"][3] < 0
    assert codes(told({"purchase_days": 1.0, "open_complaints": 1.0}))[:2] == ["open_complaint", "bought_once"]


def test_values_that_are_formatted_equally_give_no_reason() -> None:
    assert codes(told({"spend_12mo": 199.7})) == [None]
    assert codes(told({"spend_12mo": 190.0})) == ["low_spend", None]


def test_features_without_source_data_give_no_reason() -> None:
    lacking = tuple(name for name in USUAL if name not in {"days_silent", "gap_median_days", "purchase_days"})
    assert codes(told({"days_silent": 80.0}, without=lacking)) == ["silent", None]


def test_groups_are_in_the_attribution_as_in_the_catalogue() -> None:
    order = [feature.group for feature in load_catalogue().features if feature.name in USUAL]
    assert told({}).attribution.groups == tuple(dict.fromkeys(order))
