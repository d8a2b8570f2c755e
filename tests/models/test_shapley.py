"""Shapley values of feature groups: the axioms, and the definition by brute force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ckm.models.shapley import group_shapley
from tests.conftest import examples

Floats = NDArray[np.float64]
Score = Callable[[Mapping[str, Floats]], Floats]

GROUPS = {"one": ("a", "b"), "two": ("c",), "three": ("d", "e"), "four": ("f",)}
NAMES = tuple(name for names in GROUPS.values() for name in names)
VALUES = st.one_of(st.sampled_from([0.0, 1.0, float("nan")]), st.floats(-9, 9))
ROWS = st.integers(1, 7).flatmap(
    lambda n: st.fixed_dictionaries({name: st.lists(VALUES, min_size=n, max_size=n) for name in NAMES})
)
REFERENCES = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


def _features(rows: Mapping[str, list[float]]) -> dict[str, Floats]:
    return {name: np.array(values) for name, values in rows.items()}


def _some_function(seed: int) -> Score:
    """Return a random smooth function with interactions of all orders, for which NaN is a separate value."""
    draw = np.random.default_rng(seed)
    inner, missing, outer = draw.normal(size=(8, 6)), draw.normal(size=6), draw.normal(size=8) * 3

    def log_odds(features: Mapping[str, Floats]) -> Floats:
        columns = np.column_stack([features[name] for name in NAMES])
        known = np.where(np.isnan(columns), missing, columns)
        return np.asarray(np.tanh(known @ inner.T) @ outer + known[:, 0] * known[:, 2] * known[:, 5])

    return log_odds


def _by_permutations(log_odds: Score, row: Mapping[str, float], reference: Mapping[str, float]) -> dict[str, float]:
    orders = list(permutations(GROUPS))
    points = dict.fromkeys(GROUPS, 0.0)
    for order in orders:
        mixed = dict(reference)
        before = log_odds({name: np.array([value]) for name, value in mixed.items()})[0]
        for group in order:
            mixed |= {name: row[name] for name in GROUPS[group]}
            after = log_odds({name: np.array([value]) for name, value in mixed.items()})[0]
            points[group] += (after - before) / len(orders)
            before = after
    return points


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(rows=ROWS, reference=REFERENCES, seed=st.integers(0, 999), chunk=st.integers(1, 8))
def test_base_and_points_add_up_to_the_score_of_any_function(
    rows: dict[str, list[float]], reference: dict[str, float], seed: int, chunk: int
) -> None:
    log_odds = _some_function(seed)
    found = group_shapley(log_odds, _features(rows), reference, GROUPS, chunk=chunk)
    np.testing.assert_allclose(found.scores, log_odds(_features(rows)), atol=1e-9)
    np.testing.assert_allclose(found.base, log_odds({name: np.array([reference[name]]) for name in NAMES})[0])


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(rows=ROWS, reference=REFERENCES, seed=st.integers(0, 999))
def test_points_are_the_mean_over_all_orders_in_which_groups_join(
    rows: dict[str, list[float]], reference: dict[str, float], seed: int
) -> None:
    log_odds = _some_function(seed)
    found = group_shapley(log_odds, _features(rows), reference, GROUPS)
    row = {name: values[0] for name, values in rows.items()}
    expected = _by_permutations(log_odds, row, reference)
    np.testing.assert_allclose(found.points[0], [expected[group] for group in GROUPS], atol=1e-9)


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(rows=ROWS, reference=REFERENCES, seed=st.integers(0, 999))
def test_a_group_without_effect_has_zero_points(
    rows: dict[str, list[float]], reference: dict[str, float], seed: int
) -> None:
    inner = _some_function(seed)

    def blind(features: Mapping[str, Floats]) -> Floats:
        return inner({**features, "c": np.zeros(len(features["c"]))})

    found = group_shapley(blind, _features(rows), reference, GROUPS)
    np.testing.assert_allclose(found.points[:, list(GROUPS).index("two")], 0.0, atol=1e-9)


@given(value=VALUES, usual=VALUES, others=st.lists(st.floats(-9, 9), min_size=2, max_size=2))
def test_groups_with_equal_effects_have_equal_points(value: float, usual: float, others: list[float]) -> None:
    def log_odds(features: Mapping[str, Floats]) -> Floats:
        left, right, other = (np.nan_to_num(features[name], nan=5.0) for name in "xyz")
        return np.asarray((left + right) * other + left * right)

    row = {"x": np.array([value]), "y": np.array([value]), "z": np.array(others[:1])}
    reference = {"x": usual, "y": usual, "z": others[1]}
    points = group_shapley(log_odds, row, reference, {name: (name,) for name in "xyz"}).points[0]
    np.testing.assert_allclose(points[0], points[1], atol=1e-9)


@pytest.mark.slow
@given(rows=ROWS, reference=REFERENCES)
@settings(max_examples=examples(25))
def test_points_of_the_sum_of_two_models_are_the_sum_of_their_points(
    rows: dict[str, list[float]], reference: dict[str, float]
) -> None:
    one, two = _some_function(1), _some_function(2)
    features = _features(rows)
    both = group_shapley(lambda mixed: one(mixed) + two(mixed), features, reference, GROUPS)
    apart = [group_shapley(each, features, reference, GROUPS).points for each in (one, two)]
    np.testing.assert_allclose(both.points, sum(apart), atol=1e-9)


def test_points_of_an_additive_score_are_its_terms() -> None:
    features = {"x": np.array([3.0, 1.0]), "y": np.array([5.0, 2.0])}
    found = group_shapley(
        lambda mixed: 2 * mixed["x"] - mixed["y"], features, {"x": 1.0, "y": 2.0}, {"u": ("x",), "v": ("y",)}
    )
    assert found.base == 0.0
    np.testing.assert_array_equal(found.points, [[4.0, -3.0], [0.0, 0.0]])


def test_groups_equal_to_the_reference_need_no_scores() -> None:
    scored = 0

    def log_odds(features: Mapping[str, Floats]) -> Floats:
        nonlocal scored
        scored += len(features["a"])
        return np.zeros(len(features["a"]))

    rows = {name: np.zeros(3) for name in NAMES}
    rows |= {"c": np.array([0.0, 1.0, 2.0]), "f": np.array([0.0, 0.0, np.nan])}
    group_shapley(log_odds, rows, dict.fromkeys(NAMES, 0.0), GROUPS)
    assert scored == 1 + 0 + 1 + 3  # the reference; nothing, one and two groups that differ


@pytest.mark.parametrize("groups", [{"one": ("a",)}, {"one": ("a", "b"), "two": ("b",)}])
def test_a_feature_in_no_group_or_in_two_is_an_error(groups: dict[str, tuple[str, ...]]) -> None:
    features = {"a": np.zeros(1), "b": np.zeros(1)}
    with pytest.raises(ValueError, match="exactly one group"):
        group_shapley(lambda mixed: mixed["a"], features, {"a": 0.0, "b": 0.0}, groups)


def test_a_score_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(ValueError, match="finite"):
        group_shapley(lambda mixed: mixed["a"], {"a": np.array([np.inf])}, {"a": 0.0}, {"one": ("a",)})
