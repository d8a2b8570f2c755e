"""Scaling: no outlier, null or rare value dominates a feature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.models.clusters.scaling import CLIP, PRIOR_PURCHASES, Recipe, Scaling, fit_scaling

PLAIN = Recipe("x", "x")


def learned(values: list[float], recipe: Recipe = PLAIN, **columns: list[float]) -> Scaling | None:
    return fit_scaling(recipe, arrays(x=values, **columns), float)


def arrays(**columns: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array(values, dtype=np.float64) for name, values in columns.items()}


def test_centre_is_the_median_and_scale_the_interquartile_range_of_a_normal() -> None:
    values = np.random.default_rng(1).normal(10, 2, 20_000)
    scaling = learned(values.tolist())
    assert scaling is not None
    assert scaling.centre == pytest.approx(np.median(values))
    assert scaling.scale == pytest.approx(2, rel=0.03)


def test_one_outlier_hardly_changes_the_scale_and_is_clipped() -> None:
    values = np.random.default_rng(1).normal(0, 1, 1_000).tolist()
    scaling, with_outlier = learned(values), learned([*values, 1e12])
    assert scaling is not None
    assert with_outlier is not None
    assert with_outlier.scale == pytest.approx(scaling.scale, rel=0.02)
    assert with_outlier.apply(arrays(x=[1e12, -1e12])).tolist() == [CLIP, -CLIP]


def test_if_most_values_are_equal_the_scale_is_the_standard_deviation() -> None:
    scaling = learned([0.0] * 80 + [1.0] * 20)
    assert scaling is not None
    assert scaling.scale == pytest.approx(0.4)


@pytest.mark.parametrize("values", [[3.0] * 200, [float("nan")] * 200, [0.0] * 199 + [1.0], [0.1 + 0.2] * 200])
def test_a_constant_feature_is_dropped(values: list[float]) -> None:
    assert learned(values) is None


def test_null_becomes_the_median() -> None:
    scaling = learned([1.0, 2.0, 3.0, 4.0, float("nan")])
    assert scaling is not None
    assert scaling.typical == 2.5
    assert scaling.apply(arrays(x=[float("nan")])).tolist() == [0.0]


def test_with_few_purchases_a_share_is_shrunk_to_the_mean() -> None:
    recipe = Recipe("share", "x", evidence="n")
    scaling = learned([0.0, 1.0] * 50, recipe, n=[1.0, 20.0] * 50)
    assert scaling is not None
    assert scaling.typical == 0.5
    n = [0.0, PRIOR_PURCHASES, 1e9]
    shrunk = scaling.apply(arrays(x=[1.0] * 3, n=n)) * scaling.scale + scaling.centre
    assert shrunk == pytest.approx([0.5, 0.75, 1.0])


def test_a_ratio_is_a_difference_of_logarithms() -> None:
    recipe = Recipe("ratio", "x", over="y")
    scaling = learned([1.0, 3.0, 7.0], recipe, y=[1.0, 1.0, 1.0])
    assert scaling is not None
    assert scaling.centre == pytest.approx(np.log(4 / 2))


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=50), st.booleans())
def test_scaled_values_are_monotone_and_clipped(values: list[float], log: bool) -> None:
    scaling = learned(values, Recipe("x", "x", log=log))
    if scaling is not None:
        points = scaling.apply(arrays(x=sorted(values)))
        assert (np.diff(points) >= 0).all()
        assert (np.abs(points) <= CLIP).all()
