"""Prediction intervals of spend: bounds by the probability of no purchase, and coverage on other customers."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.spend.prediction_interval import LEVEL, PredictionErrors, coverage, fit_interval, total_half_width


def prediction_errors(none: float, customers: int = 4_000, seed: int = 1) -> PredictionErrors:
    """Return simulated customers with no spend (probability ``none``) or a skewed amount around the expectation."""
    chance = np.random.default_rng(seed)
    if_bought = np.exp(chance.normal(4, 1, customers))
    bought = chance.random(customers) >= none
    spend = np.where(bought, if_bought * chance.gamma(2, 0.5, customers), 0.0)
    log_odds = np.full(customers, np.log(none / (1 - none)))
    return PredictionErrors(if_bought * (1 - none), log_odds, spend, 90)


@pytest.mark.parametrize("none", [0.02, 0.3, 0.7])
def test_the_coverage_on_other_customers_is_the_level(none: float) -> None:
    learned, held_out = prediction_errors(none), prediction_errors(none, seed=2)
    interval = fit_interval([learned])
    assert interval is not None
    low, high = interval.bounds(held_out.expected, held_out.no_purchase, held_out.days)
    assert ((low <= held_out.spend) & (held_out.spend <= high)).mean() == pytest.approx(LEVEL, abs=0.03)
    assert coverage([learned]) == pytest.approx(LEVEL, abs=0.03)
    assert (low <= high).all()


def test_bounds_are_zero_from_probabilities_of_no_purchase_of_10_and_80_percent() -> None:
    interval = fit_interval([prediction_errors(0.3)])
    assert interval is not None
    expected = np.full(3, 50.0)
    odds = np.log(np.array([0.02, 0.3, 0.95]) / np.array([0.98, 0.7, 0.05]))
    low, high = interval.bounds(expected, odds, 90)
    assert low[0] > 0
    assert low[1:].tolist() == [0, 0]
    assert high[0] > 50
    assert high[2] == 0


def test_the_upper_bound_increases_with_expected_spend() -> None:
    interval = fit_interval([prediction_errors(0.3)])
    assert interval is not None
    _, high = interval.bounds(np.array([10.0, 100.0, 1_000.0]), np.full(3, -1.0), 90)
    assert high[0] < high[1] < high[2]


def test_too_few_buyers_have_no_interval() -> None:
    assert fit_interval([prediction_errors(0.9, customers=300)]) is None
    assert coverage([prediction_errors(0.9, customers=300)]) is None


def test_the_interval_of_the_total_widens_with_past_errors_and_horizon() -> None:
    assert total_half_width([0.3, 0.3], 1.0) > total_half_width([0.05, 0.05], 1.0)
    assert total_half_width([0.1], 4.0) == pytest.approx(2 * total_half_width([0.1], 1.0))
    assert total_half_width([], 1.0) == pytest.approx(1.96 * 0.15)
