"""Effects of an experiment: refusal with too few buyers, groups with Holm's correction, and rules of targeting."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ckm._outcome.effects import FEWEST_BUYERS, Experiment, group_effects, rule_effects
from ckm.errors import NotEnoughDataError


def experiment(values: np.ndarray, treated: np.ndarray, metric: str = "order") -> Experiment:
    customers = len(values)
    third = np.arange(customers) % 3 + 1
    members = pl.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(customers)],
            "stratum": [f"value {each}, risk {1 + each % 2}" for each in third],
            "segment": pl.Series([None] * customers, dtype=pl.String),
            "entry": ["a" if number % 2 else "" for number in range(customers)],
            "value": third.astype(float),
            "risk": np.linspace(0, 1, customers),
            "before": np.zeros(customers),
            "expected_gain": pl.Series([None] * customers, dtype=pl.Float64),
        }
    )
    return Experiment(metric, values.astype(float), treated, members)


def test_the_refusal_depends_on_the_number_of_buyers_and_not_on_their_arms() -> None:
    treated = np.arange(1_000) >= 100
    bought = np.zeros(1_000)
    bought[:100] = 1  # every buyer is in the holdout
    assert experiment(bought, treated).expected_buyers == pytest.approx(10)
    assert experiment(bought[::-1].copy(), treated).expected_buyers == pytest.approx(10)


def test_too_few_buyers_in_expectation_are_refused_with_both_numbers() -> None:
    treated = np.arange(1_000) >= 100
    few = experiment((np.arange(1_000) % 12 == 0).astype(float), treated)
    with pytest.raises(
        NotEnoughDataError, match=f"8 persons with an order in the window in expectation, {FEWEST_BUYERS} are needed"
    ):
        few.require_enough()


def test_for_a_rate_near_one_the_persons_without_the_outcome_are_counted() -> None:
    treated = np.arange(1_000) >= 500
    nearly_all = experiment((np.arange(1_000) % 100 != 0).astype(float), treated)
    assert nearly_all.expected_buyers == pytest.approx(5)
    assert not nearly_all.is_enough


def test_the_effect_on_an_amount_needs_positive_amounts_in_both_arms() -> None:
    treated = np.arange(1_000) >= 500
    amounts = np.where(np.arange(1_000) >= 502, 20.0, 0.0)
    assert not experiment(amounts, treated, "net").is_enough


def test_dimensions_with_one_value_have_no_groups_and_small_groups_are_not_tested() -> None:
    random = np.random.default_rng(1)
    treated = random.random(900) < 0.7
    values = random.random(900) < np.where(treated, 0.5, 0.2)
    groups = group_effects(experiment(values, treated))
    assert list(dict.fromkeys(groups["dimension"])) == ["value", "risk"]  # all have one entry and no segment
    assert groups["significant"].all()
    few = group_effects(experiment(np.arange(900) % 60 == 0, treated))
    assert few["effect"].null_count() == few.height == few["p_holm"].null_count()


def test_without_an_effect_groups_are_rarely_significant() -> None:
    random = np.random.default_rng(2)
    declared = 0
    for _ in range(60):
        treated = random.random(600) < 0.6
        declared += bool(group_effects(experiment(random.random(600) < 0.3, treated))["significant"].any())
    assert declared <= 8  # 3 of 60 are expected at 5 %; the probability of more than 8 is below 0.5 %


def test_the_two_halves_of_a_rule_contain_all_persons() -> None:
    random = np.random.default_rng(3)
    treated = random.random(500) < 0.5
    rules = rule_effects(experiment(random.random(500) < 0.4, treated))
    assert rules["rule"].to_list() == ["response", "response", "uplift", "uplift"]
    assert (rules["treated"] + rules["holdout"]).to_list() == [250] * 4


@pytest.mark.parametrize(
    ("metric", "values", "message"),
    [
        ("order", [1.0] * 96 + [0.0] * 4, "smaller arm has 2 persons without an order in the window in expectation"),
        ("order", [1.0] * 4 + [0.0] * 96, "smaller arm has 2 persons with an order in the window in expectation"),
        ("churn", [1.0] * 96 + [0.0] * 4, "smaller arm has 2 persons with an order in the window in expectation"),
        ("visit", [1.0] * 4 + [0.0] * 96, "smaller arm has 2 persons with a visit in the window in expectation"),
        ("net", [9.0] * 50 + [0.0] * 50, "holdout has 0 persons with a positive net in the window, 3 are needed"),
    ],
)
def test_a_refusal_names_the_arm_and_of_whom_there_are_too_few(metric: str, values: list[float], message: str) -> None:
    treated = np.arange(100) < 50
    found = np.array(values)[:100] if metric == "net" else np.array(values)[np.argsort(np.arange(100) % 2)]
    with pytest.raises(NotEnoughDataError, match=message):
        Experiment(metric, found, treated, pl.DataFrame()).require_enough()
