"""Adjustment by covariates: equality with the unadjusted effect without covariates, bias and variance reduction."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.experiments.adjustment import adjust


def test_covariates_reduce_the_variance_by_the_share_that_they_explain() -> None:
    random = np.random.default_rng(1)
    before = random.normal(0, 1, (4_000, 1))
    outcome = before[:, 0] + random.normal(0, 1, 4_000)
    treated = random.random(4_000) < 0.6
    found = adjust(outcome[treated] + 0.2, outcome[~treated], before[treated], before[~treated])
    assert found.variance_reduction == pytest.approx(0.5, abs=0.04)
    assert found.effect.low < 0.2 < found.effect.high


def test_without_covariates_the_effect_is_the_difference_of_the_means() -> None:
    random = np.random.default_rng(2)
    treated, holdout = random.normal(1, 2, 500), random.normal(0, 3, 300)
    found = adjust(treated, holdout, np.zeros((500, 0)), np.zeros((300, 0)))
    error = np.sqrt(treated.var(ddof=1) / 500 + holdout.var(ddof=1) / 300)
    assert found.effect.estimate == pytest.approx(treated.mean() - holdout.mean())
    assert found.effect.high - found.effect.estimate == pytest.approx(1.959964 * error, rel=1e-6)
    assert found.variance_reduction == pytest.approx(0, abs=1e-9)


def test_an_imbalance_of_the_arms_before_the_assignment_is_removed() -> None:
    before = np.concatenate([np.linspace(1, 2, 300), np.linspace(0, 1, 300)])[:, None]
    outcome = 3 * before[:, 0] + np.tile([-0.1, 0.1], 300)
    found = adjust(outcome[:300], outcome[300:], before[:300], before[300:])
    assert found.effect.estimate == pytest.approx(0, abs=0.05)
    assert outcome[:300].mean() - outcome[300:].mean() > 2.9
