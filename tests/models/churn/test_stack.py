"""The stack: weights fitted on tests, shrunk to equal shares of the expected models."""

import numpy as np
import pytest
from scipy.special import expit

from ckm.models.churn.stack import PRIOR_MODELS, combined, fit_weights

NAMES = ("recency", "btyd", "scorecard", "boosted")


def _tests(noise, tests=4, n=4_000, seed=0):
    """Return log odds of models that see the truth through noise, and outcomes."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(tests):
        truth = random.normal(0, 1.5, n)
        churned = random.random(n) < expit(truth)
        found.append(([truth + random.normal(0, each, n) for each in noise], churned))
    return found


def test_without_a_test_the_expected_models_share_equally():
    assert fit_weights(NAMES, []) == {name: pytest.approx(1 / 3, abs=1e-6) for name in PRIOR_MODELS}
    assert fit_weights(("recency", "rule"), []) == {"recency": 0.5, "rule": 0.5}
    assert fit_weights(("rule",), _tests([0.1])) == {"rule": 1.0}


def test_a_model_that_is_wrong_loses_weight_and_one_that_is_right_earns_it():
    weights = fit_weights(NAMES, _tests([0.05, 3.0, 3.0, 3.0], tests=8))
    assert weights["recency"] > 0.3
    assert sum(weights.values()) == pytest.approx(1, abs=1e-5)
    even = fit_weights(NAMES, _tests([3.0, 0.1, 0.1, 0.1]))
    assert set(even) == set(PRIOR_MODELS)


def test_few_tests_move_the_weights_less_than_many():
    noise = [0.05, 3.0, 3.0, 3.0]
    assert (
        fit_weights(NAMES, _tests(noise, tests=1)).get("recency", 0) < fit_weights(NAMES, _tests(noise, 8))["recency"]
    )


def test_the_combined_log_odds_lie_between_the_parts():
    parts = [np.array([-1.0, 2.0]), np.array([1.0, 4.0])]
    assert combined(parts, (0.25, 0.75)).tolist() == [0.5, 3.5]


def test_the_same_tests_give_the_same_weights():
    assert fit_weights(NAMES, _tests([1, 1, 1, 1])) == fit_weights(NAMES, _tests([1, 1, 1, 1]))
