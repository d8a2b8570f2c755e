"""Stack: weights fitted on tests, shrunk to equal weights of the prior models."""

import numpy as np
import pytest
from scipy.special import expit

from ckm.models.churn.stack import PRIOR_MODELS, combined, fit_weights

NAMES = ("recency", "btyd", "scorecard", "boosted")


def _tests(noise, tests=4, n=4_000, seed=0):
    """Return tests: log odds of models with normal errors of these standard deviations, and outcomes."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(tests):
        truth = random.normal(0, 1.5, n)
        churned = random.random(n) < expit(truth)
        found.append(([truth + random.normal(0, each, n) for each in noise], churned))
    return found


def test_without_tests_the_weights_are_the_prior_weights():
    assert fit_weights(NAMES, []) == {name: pytest.approx(1 / 3, abs=1e-6) for name in PRIOR_MODELS}
    assert fit_weights(("recency", "rule"), []) == {"recency": 0.5, "rule": 0.5}
    assert fit_weights(("rule",), _tests([0.1])) == {"rule": 1.0}


def test_an_accurate_model_gains_weight():
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


def test_combined_log_odds_are_between_those_of_the_parts():
    parts = [np.array([-1.0, 2.0]), np.array([1.0, 4.0])]
    assert combined(parts, (0.25, 0.75)).tolist() == [0.5, 3.5]


def test_the_same_tests_give_the_same_weights():
    assert fit_weights(NAMES, _tests([1, 1, 1, 1])) == fit_weights(NAMES, _tests([1, 1, 1, 1]))
