"""Boosted trees as arrays: the scores of scikit-learn, and Shapley values by definition."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from ckm.models.shapley import WeightedTerm, additive_shapley, group_shapley
from ckm.models.trees import MOST_LEAVES, BoostedTrees, Tree, boosted_trees

Floats = NDArray[np.float64]
NAMES = ("a", "b", "c", "d", "e")
GROUPS = {"one": ("a", "b"), "two": ("c",), "three": ("d",), "four": ("e",)}
NAN = float("nan")


def _design(rows: int, seed: int) -> Floats:
    """Return columns with ties, missing values, and no missing value in column ``c``."""
    draw = np.random.default_rng(seed)
    columns = np.round(draw.gamma(1.5, 4.0, (rows, len(NAMES))), 1)
    columns[draw.random(columns.shape) < 0.15] = np.nan
    columns[:, 2] = draw.integers(0, 5, rows)
    return columns


def _outcome(design: Floats) -> Floats:
    known = np.nan_to_num(design, nan=9.0)
    return known[:, 0] * (known[:, 2] > 2) - known[:, 1] + np.where(np.isnan(design[:, 3]), 8.0, known[:, 4])


@cache
def _classifier(leaves: int = MOST_LEAVES) -> HistGradientBoostingClassifier:
    design = _design(3_000, 1)
    churned = _outcome(design) > 5
    return HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=leaves, random_state=0).fit(design, churned)


def _features(design: Floats) -> dict[str, Floats]:
    return dict(zip(NAMES, design.T, strict=True))


class _Score:
    def __init__(self, trees: BoostedTrees) -> None:
        self.log_odds = trees
        self.trees = trees.trees

    def terms(self) -> list[WeightedTerm]:
        return [WeightedTerm(1.0, tree) for tree in self.trees]


def test_scores_are_those_of_scikit_learn_to_the_last_bit() -> None:
    fitted, design = _classifier(), _design(40_000, 2)
    scores = boosted_trees(fitted, NAMES)(_features(design))
    np.testing.assert_array_equal(scores, fitted.decision_function(design))


def test_a_missing_value_goes_the_way_that_was_learned() -> None:
    fitted = _classifier()
    splits = {split.missing_left for tree in boosted_trees(fitted, NAMES).trees for split in tree.splits}
    assert splits == {True, False}
    design = np.full((1, len(NAMES)), np.nan)
    np.testing.assert_array_equal(boosted_trees(fitted, NAMES)(_features(design)), fitted.decision_function(design))


def test_a_regression_has_scores_too_and_an_absent_feature_is_missing() -> None:
    design = _design(2_000, 3)
    fitted = HistGradientBoostingRegressor(max_iter=9, max_leaf_nodes=7).fit(design, _outcome(design))
    design[:, 1] = np.nan
    features = _features(design)
    del features["b"]
    np.testing.assert_array_equal(boosted_trees(fitted, NAMES)(features), fitted.predict(design))


def test_more_leaves_than_the_codes_have_bits_for_are_an_error() -> None:
    with pytest.raises(ValueError, match="leaves are more than 16"):
        boosted_trees(_classifier(MOST_LEAVES + 1), NAMES)


def test_shapley_values_of_trees_are_those_of_every_mixed_row() -> None:
    trees = boosted_trees(_classifier(), NAMES)
    features, reference = _features(_design(400, 4)), {"a": 2.0, "b": 7.5, "c": 1.0, "d": NAN, "e": 3.0}
    found = additive_shapley(_Score(trees), features, reference, GROUPS)
    expected = group_shapley(trees, features, reference, GROUPS)
    np.testing.assert_allclose(found.points, expected.points, atol=1e-12)
    assert found.base == expected.base


def test_the_decrease_is_the_value_less_that_of_the_changed_row() -> None:
    trees, features = boosted_trees(_classifier(), NAMES).trees, _features(_design(300, 5))
    changed = {"a": 2.0, "d": NAN}
    other = {**features, **{name: np.full(300, value) for name, value in changed.items()}}
    for tree in trees:
        np.testing.assert_array_equal(tree.decrease(features, changed), tree(features) - tree(other))


def test_a_tree_without_splits_has_one_value_for_all_rows() -> None:
    stump = Tree((), (0.5,))
    np.testing.assert_array_equal(stump({"a": np.array([1.0, NAN])}), [0.5, 0.5])
    score = _Score(BoostedTrees(1.0, (stump,)))
    found = additive_shapley(score, {"a": np.array([1.0, NAN])}, {"a": 0.0}, {"one": ("a",)})
    np.testing.assert_array_equal(found.points, [[0.0], [0.0]])
    assert found.base == 1.5
