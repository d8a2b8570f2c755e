"""Metrics of churn predictions, compared with scikit-learn and with hand calculations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peer

from ckm.models import metrics

CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=80).filter(
    lambda rows: 0 < sum(churned for churned, _ in rows) < len(rows)
)


def _arrays(rows: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([churned for churned, _ in rows]), np.array([score / 20 for _, score in rows])


@pytest.mark.slow
@given(CASES)
def test_roc_auc_and_average_precision_equal_scikit_learns_with_ties(rows):
    churned, score = _arrays(rows)
    assert metrics.roc_auc(churned, score) == pytest.approx(peer.roc_auc_score(churned, score), abs=1e-12)
    assert metrics.average_precision(churned, score) == pytest.approx(
        peer.average_precision_score(churned, score), abs=1e-12
    )


@pytest.mark.slow
@given(CASES)
def test_brier_score_and_log_loss_equal_scikit_learns(rows):
    churned, probability = _arrays(rows)
    probability = 0.01 + 0.98 * probability
    log_odds = np.log(probability / (1 - probability))
    assert metrics.brier(churned, probability) == pytest.approx(peer.brier_score_loss(churned, probability), abs=1e-12)
    assert metrics.log_loss(churned, log_odds) == pytest.approx(peer.log_loss(churned, probability), abs=1e-12)


@given(CASES, st.randoms())
def test_metrics_do_not_depend_on_the_order_of_the_rows(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    for figure in (metrics.roc_auc, metrics.average_precision, metrics.calibration_error, metrics.lift):
        assert figure(*_arrays(shuffled)) == pytest.approx(figure(*_arrays(rows)), abs=1e-12)


def test_a_log_loss_is_finite_where_the_probability_rounds_to_one():
    assert metrics.log_loss(np.array([False]), np.array([800.0])) == 800.0


def test_reliability_compares_predicted_and_actual_rates_in_equal_bins():
    probability = np.repeat([0.1, 0.9], 50)
    churned = np.concatenate([np.arange(50) < 10, np.arange(50) < 45])
    table = metrics.reliability(churned, probability, bins=2)
    assert table.n.tolist() == [50, 50]
    assert table.predicted == pytest.approx([0.1, 0.9])
    assert table.observed == pytest.approx([0.2, 0.9])
    assert table.error == pytest.approx(0.05)


def test_equal_probabilities_share_their_outcomes_across_bins():
    churned = np.arange(100) < 30
    assert metrics.calibration_error(churned, np.full(100, 0.3)) == pytest.approx(0.0, abs=1e-12)


def test_lift_is_the_churn_rate_of_the_top_decile_over_the_base_rate():
    churned = np.zeros(100, dtype=bool)
    churned[:20] = True
    assert metrics.lift(churned, -np.arange(100.0)) == pytest.approx(5.0)
    assert metrics.lift(churned, np.zeros(100)) == pytest.approx(1.0)


def test_a_gain_curve_increases_from_0_to_1():
    churned = np.array([True, False, True, False])
    share, caught = metrics.gain_curve(churned, np.array([4.0, 3.0, 2.0, 1.0]))
    assert share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert caught.tolist() == [0, 0.5, 0.5, 1, 1]


def test_ranking_metrics_are_nan_if_all_outcomes_are_equal():
    assert np.isnan(metrics.roc_auc(np.ones(3, dtype=bool), np.arange(3.0)))
    assert np.isnan(metrics.average_precision(np.zeros(3, dtype=bool), np.arange(3.0)))
