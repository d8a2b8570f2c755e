"""Design matrix: no constant columns, and no values outside of the training range."""

import numpy as np
import pytest

from ckm.models.churn.design_matrix import FEWEST_KNOWN, MOST_CLIPPED, fit_column, fit_columns, within_range


def _values(known: float, n: int = 1_000, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    values = random.normal(10, 2, n)
    values[: n - round(known * n)] = np.nan
    return values


@pytest.mark.parametrize("known", [0.001, 0.01, FEWEST_KNOWN - 0.001])
def test_a_feature_with_few_known_values_is_dropped(known):
    assert fit_column("seasonal", _values(known), splines=False) is None


@pytest.mark.parametrize(("known", "marked"), [(0.06, True), (0.5, True), (0.94, True), (0.96, False), (1.0, False)])
def test_missing_values_have_an_indicator_only_if_frequent(known, marked):
    column = fit_column("x", _values(known), splines=False)
    assert column is not None
    assert column.marks_missing is marked


@pytest.mark.parametrize("known", [0.05, 0.2, 0.8, 0.96, 1.0])
def test_missing_or_extreme_values_are_no_outliers_in_the_design_matrix(known):
    column = fit_column("x", _values(known), splines=False)
    assert column is not None
    for value in (np.nan, 10.0, 1e9, -1e9, 0.0):
        assert np.abs(column(np.array([value]))).max() < 25


def test_a_column_with_current_values_outside_of_the_training_range_is_dropped_and_reported():
    random = np.random.default_rng(0)
    columns = fit_columns({"moved": random.normal(0, 1, 500), "same": random.normal(0, 1, 500)}, splines=())
    today = {"moved": random.normal(30, 1, 200), "same": random.normal(0, 1, 200)}
    kept, out_of_range = within_range(columns, today)
    assert [column.name for column in kept] == ["same"]
    assert out_of_range == {"moved": 1.0}


def test_few_values_outside_of_the_training_range_are_clipped():
    random = np.random.default_rng(0)
    columns = fit_columns({"x": random.uniform(0, 1, 500)}, splines=())
    today = random.uniform(0, 1, 200)
    today[: round(MOST_CLIPPED * 200)] = 1e6
    kept, out_of_range = within_range(columns, {"x": today})
    assert len(kept) == 1
    assert not out_of_range
    assert columns[0](today).max() == columns[0](np.array([columns[0].high])).max()
