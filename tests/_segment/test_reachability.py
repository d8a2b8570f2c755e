"""What the proof promises: a rule that can win is never called unreachable, and one that cannot is, with the reason."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._segment.rules.conditions import Condition, parse_condition
from ckm._segment.rules.reachability import Unreachable, unreachable_rules
from tests.conftest import examples

WHOLE = st.sampled_from(["frequency", "categories"])
"""Both count; every customer has a frequency, and those without a category have no number of them."""
SIGN = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])

whole_numbers = st.builds("{} {} {}".format, WHOLE, SIGN, st.sampled_from([-1, 0, 1, 2, 2.5, 3, 4]))
shares = st.builds("weekend_share {} {}".format, SIGN, st.sampled_from([-0.1, 0, 0.3, 0.5, 1, 1.5]))
texts = st.builds("lang {} '{}'".format, st.sampled_from(["=", "<>"]), st.sampled_from(["de", "th", ""]))
ranges = st.builds("{} BETWEEN {} AND {}".format, WHOLE, st.integers(0, 4), st.integers(0, 4))
lists = st.builds("lang {} ('de', '{}')".format, st.sampled_from(["IN", "NOT IN"]), st.sampled_from(["th", "fa"]))
nulls = st.builds("{} IS {}".format, st.sampled_from(["frequency", "lang"]), st.sampled_from(["NULL", "NOT NULL"]))
comparisons = st.one_of(whole_numbers, whole_numbers, shares, texts, ranges, lists, nulls)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("(NOT ({}))".format, inner),
        st.builds("(({}) IS NULL)".format, inner),
    ),
    max_leaves=4,
)
rule_sets = st.lists(conditions, min_size=1, max_size=5)

EVERY = pl.DataFrame(
    list(
        product(
            range(7),
            [None, *range(7)],
            [None, 0.0, 0.1, 0.3, 0.4, 0.5, 0.7, 1.0],
            [None, "", "de", "th", "fa", "zh"],
        )
    ),
    schema={"frequency": pl.Int64, "categories": pl.Int64, "weekend_share": pl.Float64, "lang": pl.String},
    orient="row",
)
"""Customers of every kind that the conditions above can tell apart, and of more."""


def parsed(*texts: str) -> list[Condition]:
    return [parse_condition(text, where="rules.yaml:1") for text in texts]


def winners(rules: list[Condition], customers: pl.DataFrame) -> set[int]:
    holds = (
        pl.when(rule.expression.fill_null(value=False)).then(pl.lit(position)) for position, rule in enumerate(rules)
    )
    return set(customers.select(pl.coalesce(*holds).alias("rule"))["rule"].drop_nulls())


def proved(*texts: str) -> dict[int, tuple[int, ...]]:
    return {found.rule: found.taken_by for found in unreachable_rules(parsed(*texts))}


@pytest.mark.slow
@settings(max_examples=examples(50))
@given(rule_sets)
def test_a_rule_is_unreachable_exactly_when_no_customer_can_fall_under_it(texts: list[str]) -> None:
    rules = parsed(*texts)
    unreachable = {found.rule for found in unreachable_rules(rules)}
    assert unreachable == set(range(len(rules))) - winners(rules, EVERY)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(
    st.lists(
        st.one_of(conditions, st.sampled_from(["frequency > categories", "lang LIKE 'd%'", "lang > 'm'"])), max_size=5
    ),
    conditions,
)
def test_beside_conditions_it_cannot_judge_a_rule_that_wins_is_not_called_unreachable(
    texts: list[str], last: str
) -> None:
    rules = parsed(*texts, last)
    assert not winners(rules, EVERY) & {found.rule for found in unreachable_rules(rules)}


@pytest.mark.slow
@settings(max_examples=examples(50))
@given(rule_sets)
def test_those_who_take_the_customers_do_so_and_none_of_them_can_be_spared(texts: list[str]) -> None:
    rules = parsed(*texts)
    for found in unreachable_rules(rules):
        takers = [rules[position] for position in found.taken_by]
        assert all(position < found.rule for position in found.taken_by)
        assert len(takers) not in winners([*takers, rules[found.rule]], EVERY)
        for spared in takers:
            others = [taker for taker in takers if taker is not spared]
            assert len(others) in winners([*others, rules[found.rule]], EVERY)


@pytest.mark.parametrize(
    "never",
    [
        "spend_12mo > 5 AND spend_12mo < 3",
        "spend_12mo BETWEEN 5 AND 3",
        "frequency > 3 AND frequency < 4",
        "frequency = 2.5",
        "frequency < 0",
        "frequency > 1e30",
        "frequency IS NULL",
        "weekday_main = 8",
        "weekday_main > 1000",
        "weekend_share > 1",
        "lang = 'de' AND lang = 'th'",
        "lang = NULL",
        "lang <> NULL",
        "frequency IN (1, 2) AND frequency NOT IN (1, 2, 3)",
        "last_purchase > DATE '2025-12-30' AND last_purchase < DATE '2025-12-31'",
        "FALSE",
        "NOT TRUE",
        "frequency > 3 AND NOT (frequency > 2)",
        "CASE WHEN frequency > 3 THEN frequency < 2 ELSE FALSE END",
    ],
)
def test_a_condition_that_can_never_hold_is_found(never: str) -> None:
    assert proved(never) == {0: ()}


@pytest.mark.parametrize(
    "sometimes",
    [
        "spend_12mo > 3 AND spend_12mo < 4",
        "spend_12mo > 0.1 AND spend_12mo < 0.1000000001",
        "monetary < 0",
        "last_purchase > DATE '2025-12-29' AND last_purchase < DATE '2025-12-31'",
        "lang <> 'de' AND lang <> 'th'",
        "lang = ''",
        "tenure_days > 1e30 OR tenure_days IS NULL",
        "weekend_share = 1 AND weekend_share >= 1.0",
        "first_purchase IS NULL",
        "weekday_main = 7",
        "return_share > 1",
        "discount_share < 0",
        "TRUE",
    ],
)
def test_a_condition_that_can_hold_is_not_blamed(sometimes: str) -> None:
    assert proved(sometimes) == {}


@pytest.mark.parametrize(
    "unjudged",
    [
        "recency_days > gap_p80_days AND recency_days < gap_p80_days",
        "frequency * 2 > 3 AND frequency * 2 < 4",
        "lang > 'b' AND lang < 'a'",
        "lang LIKE 'a%' AND lang LIKE 'b%'",
        "abs(monetary) < 0",
    ],
)
def test_nothing_is_claimed_of_what_is_not_compared_with_constants(unjudged: str) -> None:
    assert proved(unjudged) == {}
    assert proved(unjudged, "frequency > 3", unjudged, "frequency > 4") == {3: (1,)}


def test_several_rules_may_only_together_take_all_customers_of_another() -> None:
    assert proved(
        "tenure_days > 9", "frequency <= 3", "lang = 'de'", "frequency >= 4", "frequency > 1 AND lang = 'th'"
    ) == {4: (1, 3)}


def test_a_rule_for_everybody_leaves_nobody_but_takes_no_blame_for_what_can_never_hold() -> None:
    assert proved("TRUE", "gaps > 3", "gaps < 0") == {1: (0,), 2: ()}


def test_missing_values_fall_between_a_condition_and_its_opposite() -> None:
    assert proved("tenure_days > 3", "NOT tenure_days > 3", "TRUE") == {}
    assert proved("tenure_days > 3", "NOT tenure_days > 3", "tenure_days IS NULL", "TRUE") == {3: (0, 1, 2)}


def test_a_feature_that_every_customer_has_leaves_nobody_between_a_condition_and_its_opposite() -> None:
    assert proved("frequency > 3", "NOT frequency > 3", "TRUE") == {2: (0, 1)}


@pytest.mark.slow
def test_many_features_are_no_obstacle_as_long_as_few_are_needed_at_a_time() -> None:
    features = [f"channel_share_{letter}" for letter in "abcdefghijklmnopqrst"]
    chain = [f"{one} > 0.5 AND {other} > 0.5" for one, other in pairwise(features)]
    assert proved(*chain, f"{features[3]} > 0.7 AND {features[4]} > 0.6") == {19: (3,)}


def test_beyond_too_many_combinations_nothing_is_claimed() -> None:
    features = [f"channel_share_{letter}" for letter in "abcdefghijklmnopqrst"]
    everything = " OR ".join(f"{name} > 0.5" for name in features)
    assert proved(everything, everything) == {}


@pytest.mark.slow
def test_among_too_many_combinations_a_rule_within_one_other_is_still_found() -> None:
    features = ["spend_12mo", "monetary", "order_value_mean", "recency_days", "tenure_days", "gaps", "rows"]
    rules = [" AND ".join(f"{name} > {limit}" for name in features) for limit in range(9, 0, -1)]
    assert proved(*rules) == {}
    assert proved(*rules, rules[5].replace("rows > 4", "rows > 5")) == {9: (5,)}


def test_a_finding_names_the_rule_and_what_takes_its_customers() -> None:
    assert unreachable_rules(parsed("frequency > 3", "frequency > 4")) == (Unreachable(rule=1, taken_by=(0,)),)


def test_no_rules_no_findings() -> None:
    nothing: tuple[Any, ...] = unreachable_rules([])
    assert nothing == ()
