"""Percentile of spend: true percentiles of simulated groups, and predictions within the training data."""

from __future__ import annotations

from math import exp, log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.models.potential import Effects, Percentile, Slope, fit_percentile, pinball_loss

Z_80 = 0.841621
"""The 80th percentile of the standard normal distribution."""


def groups(sizes: dict[str | None, int], median: dict[str | None, float], spread: float = 0.5) -> pl.DataFrame:
    """Return customers whose spend is log-normal around the median of their group."""
    dice = np.random.default_rng(0)
    kinds = [kind for kind, size in sizes.items() for _ in range(size)]
    spend = [median[kind] * exp(spread * dice.standard_normal()) for kind in kinds]
    return pl.DataFrame({"kind": kinds, "spend": spend}, schema={"kind": pl.String, "spend": pl.Float64})


def spends(model: Percentile, customers: pl.DataFrame) -> list[float]:
    return customers.with_columns(percentile=model.spend())["percentile"].to_list()


def test_the_true_percentile_of_each_group_is_estimated() -> None:
    median: dict[str | None, float] = {"person": 100.0, "company": 2_000.0, "partner": 500.0}
    customers = groups({"person": 2_000, "company": 800, "partner": 400}, median)
    model = fit_percentile(customers, "spend", numbers=[], texts=["kind"])
    for kind, found in zip(median, spends(model, pl.DataFrame({"kind": list(median)})), strict=True):
        assert found == pytest.approx(median[kind] * exp(0.5 * Z_80), rel=0.08)
    below = customers["spend"] <= pl.Series(spends(model, customers))
    for kind in median:
        assert below.filter(customers["kind"] == kind).mean() == pytest.approx(0.8, abs=0.01)


def test_the_true_slope_of_a_number_is_estimated() -> None:
    dice = np.random.default_rng(1)
    days = dice.integers(0, 1_000, 3_000)
    spend = 5 * (1 + days) ** 0.7 * np.exp(0.3 * dice.standard_normal(3_000))
    customers = pl.DataFrame({"days": days, "spend": spend})
    model = fit_percentile(customers, "spend", numbers=["days"], texts=[])
    assert model.slopes[0].slope == pytest.approx(0.7, abs=0.03)
    assert spends(model, pl.DataFrame({"days": [500]}))[0] == pytest.approx(5 * 501**0.7 * exp(0.3 * Z_80), rel=0.06)


def test_random_levels_have_coefficients_near_zero() -> None:
    customers = groups({"a": 500, "b": 500}, {"a": 90.0, "b": 90.0})
    dice = np.random.default_rng(2)
    noise = pl.Series([f"place {each}" for each in dice.integers(0, 20, customers.height)])
    model = fit_percentile(customers.with_columns(place=noise), "spend", numbers=[], texts=["place"])
    assert sum(addend == 0 for _, addend in model.effects[0].levels) >= 5
    assert all(abs(addend) < 0.25 for _, addend in model.effects[0].levels)


def test_without_varying_features_the_percentile_is_the_overall_one() -> None:
    customers = pl.DataFrame({"spend": [float(each) for each in range(1, 11)], "kind": ["a"] * 10, "days": [7] * 10})
    model = fit_percentile(customers, "spend", numbers=["days"], texts=["kind"])
    assert model.features == ()
    hardly = customers.with_columns(days=1_000_000 + pl.int_range(pl.len()) / 10)
    assert fit_percentile(hardly, "spend", numbers=["days"], texts=[]) == model
    assert spends(model, customers) == [8.0] * 10


def test_rare_levels_are_pooled_and_used_for_unseen_levels() -> None:
    median: dict[str | None, float] = {"large": 100.0, "tiny": 900.0, "small": 900.0}
    customers = groups({"large": 400, "tiny": 25, "small": 29}, median)
    model = fit_percentile(customers, "spend", numbers=[], texts=["kind"])
    assert [level for level, _ in model.effects[0].levels] == ["large"]
    tiny, small, unseen, missing, large = spends(
        model, pl.DataFrame({"kind": ["tiny", "small", "never seen", None, "large"]})
    )
    assert tiny == small == unseen == missing
    assert tiny > 3 * large


def test_a_frequent_null_is_a_level() -> None:
    customers = groups({"a": 300, None: 300}, {"a": 100.0, None: 800.0})
    model = fit_percentile(customers, "spend", numbers=[], texts=["kind"])
    known, unknown = spends(model, pl.DataFrame({"kind": ["a", None]}))
    assert unknown == pytest.approx(8 * known, rel=0.2)


def test_numbers_are_clipped_to_the_training_range_and_null_is_the_median() -> None:
    slope = Slope("days", 1.0, lowest=10.0, highest=100.0, typical=50.0)
    model = Percentile(0.8, 0.0, (slope,), (), ceiling=1e9)
    assert spends(model, pl.DataFrame({"days": [0, 10, 100, 10**9, None]})) == [10.0, 10.0, 100.0, 100.0, 50.0]


def test_predictions_are_between_zero_and_the_largest_spend() -> None:
    model = Percentile(0.8, 0.0, (), (Effects("kind", (("rich", 800.0), ("poor", -800.0)), 0.0, 0.0),), ceiling=70.0)
    assert spends(model, pl.DataFrame({"kind": ["rich", "poor", None]})) == [70.0, 0.0, 0.0]


@pytest.mark.parametrize("spend", [0.0, -25.0])
def test_without_positive_spend_the_percentile_is_zero(spend: float) -> None:
    customers = pl.DataFrame({"spend": [spend] * 60, "kind": ["a", "b"] * 30, "days": range(60)})
    model = fit_percentile(customers, "spend", numbers=["days"], texts=["kind"])
    assert set(spends(model, customers)) == {0.0}


def test_fitted_numbers_have_six_significant_digits() -> None:
    customers = groups({"a": 100, "b": 100}, {"a": 10.0, "b": 3_333_333.3}).with_columns(
        days=pl.int_range(pl.len()) / 7
    )
    model = fit_percentile(customers, "spend", numbers=["days"], texts=["kind"])
    slope, effects = model.slopes[0], model.effects[0]
    learned = [model.intercept, model.ceiling, slope.slope, slope.lowest, slope.highest, slope.typical]
    learned += [addend for _, addend in effects.levels]
    assert learned == [float(f"{each:.6g}") for each in learned]


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40), st.floats(-60, 60))
def test_no_number_has_a_smaller_pinball_loss_than_the_quantile(values: list[int], other: float) -> None:
    numbers = np.array(values, dtype=float)
    quantile = float(np.quantile(numbers, 0.8, method="inverted_cdf"))
    assert pinball_loss(numbers, quantile) <= pinball_loss(numbers, other) + 1e-9


def test_doubling_a_feature_multiplies_the_percentile_by_2_to_the_slope() -> None:
    model = Percentile(0.8, 2.0, (Slope("days", log(3) / log(2), 0.0, 1e6, 1.0),), (), ceiling=1e12)
    once, twice = spends(model, pl.DataFrame({"days": [9_999, 19_999]}))
    assert (twice + 1) / (once + 1) == pytest.approx(3, rel=1e-6)
