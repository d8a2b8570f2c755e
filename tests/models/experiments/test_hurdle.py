"""Interval of the difference of mean amounts: coverage without an effect, signs, and equal results for equal seeds."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.experiments import hurdle as module
from ckm.models.experiments.hurdle import hurdle

SPLITS = 400


def amounts(random: np.random.Generator, customers: int, rate: float, location: float = 3.6) -> np.ndarray:
    bought = random.random(customers) < rate
    return np.where(bought, np.exp(random.normal(location, 0.9, customers)), 0.0)


@pytest.mark.slow
def test_intervals_of_skewed_amounts_keep_their_coverage_with_a_small_holdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAWS", 2_000)
    random = np.random.default_rng(4)
    covered = 0
    for seed in range(SPLITS):
        spend = amounts(random, 1_000, 0.12)
        found = hurdle(spend[100:], spend[:100], seed=seed)
        covered += found.low <= 0 <= found.high
    assert 0.93 <= covered / SPLITS <= 0.985  # bench/outcomes.py has the figures of many more splits


def test_the_estimate_is_the_difference_of_the_means_and_lies_in_the_interval() -> None:
    random = np.random.default_rng(1)
    treated, holdout = amounts(random, 2_000, 0.3), amounts(random, 800, 0.2)
    found = hurdle(treated, holdout)
    assert found.estimate == pytest.approx(treated.mean() - holdout.mean())
    assert 0 < found.low < found.estimate < found.high


def test_exchanged_arms_have_a_mirrored_interval_up_to_the_error_of_the_draws() -> None:
    random = np.random.default_rng(2)
    treated, holdout = amounts(random, 1_000, 0.3), amounts(random, 1_000, 0.25)
    found, mirrored = hurdle(treated, holdout), hurdle(holdout, treated)
    width = found.high - found.low
    assert found.low == pytest.approx(-mirrored.high, abs=0.05 * width)


def test_returns_decrease_the_mean_of_their_arm() -> None:
    random = np.random.default_rng(3)
    treated, holdout = amounts(random, 1_000, 0.3), amounts(random, 1_000, 0.3)
    with_returns = treated.copy()
    with_returns[np.flatnonzero(treated == 0)[:200]] = -40.0
    assert hurdle(with_returns, holdout).high < hurdle(treated, holdout).high - 4


def test_an_interval_is_computed_with_a_single_return() -> None:
    random = np.random.default_rng(5)
    treated, holdout = amounts(random, 500, 0.3), amounts(random, 500, 0.3)
    treated[np.flatnonzero(treated == 0)[0]] = -25.0
    found = hurdle(treated, holdout)
    assert found.low < found.estimate < found.high


def test_equal_seeds_give_equal_intervals() -> None:
    random = np.random.default_rng(6)
    treated, holdout = amounts(random, 500, 0.3), amounts(random, 500, 0.3)
    assert hurdle(treated, holdout, seed=7) == hurdle(treated, holdout, seed=7)
    assert hurdle(treated, holdout, seed=7).low != hurdle(treated, holdout, seed=8).low
