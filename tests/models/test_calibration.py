"""Recalibration: finite, keeps the ranking, and estimates the true intercept and slope."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.errors import InputError
from ckm.models.calibration import Calibration, recalibrate


def _drawn(intercept: float, slope: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    log_odds = random.normal(0, 2, n)
    return log_odds, random.random(n) < 1 / (1 + np.exp(-(intercept + slope * log_odds)))


def test_the_true_intercept_and_slope_are_estimated():
    found = recalibrate(*_drawn(0.7, 0.6))
    assert found.intercept == pytest.approx(0.7, abs=0.06)
    assert found.slope == pytest.approx(0.6, abs=0.04)


def test_with_many_events_the_result_equals_scikit_learns_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    log_odds, churned = _drawn(0.3, 1.2)
    peer = LogisticRegression(C=np.inf, tol=1e-8).fit(log_odds[:, None], churned)
    found = recalibrate(log_odds, churned)
    assert found.slope == pytest.approx(peer.coef_[0, 0], abs=2e-3)
    assert found.intercept == pytest.approx(peer.intercept_[0], abs=2e-3)


def test_with_few_events_the_slope_is_1():
    log_odds, churned = _drawn(0.0, 0.2, n=150)
    assert recalibrate(log_odds, churned).slope == 1.0


@given(
    st.lists(st.tuples(st.floats(-40, 40), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 8),
)
def test_calibration_is_finite_and_keeps_the_ranking(rows, times):
    log_odds = np.array([value for value, _ in rows] * times)
    churned = np.array([churned for _, churned in rows] * times)
    found = recalibrate(log_odds, churned)
    assert np.isfinite([found.intercept, found.slope]).all()
    assert found.slope > 0


def test_the_intercept_is_finite_if_all_customers_churn():
    assert 0 < recalibrate(np.zeros(50), np.ones(50, dtype=bool)).intercept < 5


def test_a_credibility_of_one_half_halves_intercept_and_log_slope():
    half = Calibration(0.8, 4.0).shrunk(0.5)
    assert (half.intercept, half.slope) == (0.4, 2.0)


def test_infinite_log_odds_are_an_error():
    with pytest.raises(InputError):
        recalibrate(np.array([np.inf]), np.array([True]))
