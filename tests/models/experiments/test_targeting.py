"""Rules of targeting: cross-fitted predictions, and ranking of customers by a heterogeneous effect."""

from __future__ import annotations

import numpy as np

from ckm.models.experiments.targeting import FOLDS, predicted, upper_half


def test_the_upper_half_by_uplift_has_the_larger_effect_if_it_depends_on_a_covariate() -> None:
    random = np.random.default_rng(3)
    covariate = random.random((6_000, 1))
    treated = random.random(6_000) < 0.5
    outcome = (random.random(6_000) < 0.2 + 0.4 * treated * covariate[:, 0]).astype(float)
    fold = random.integers(0, FOLDS, 6_000)
    without, with_treatment = predicted(outcome, treated, covariate, fold)
    upper = upper_half(with_treatment - without, np.arange(6_000))

    def effect(chosen: np.ndarray) -> float:
        return outcome[chosen & treated].mean() - outcome[chosen & ~treated].mean()

    assert effect(upper) > effect(~upper) + 0.1


def test_a_customers_own_outcome_does_not_change_its_prediction() -> None:
    random = np.random.default_rng(4)
    covariate, treated = random.random((300, 2)), random.random(300) < 0.5
    outcome, fold = random.random(300), random.integers(0, FOLDS, 300)
    first = predicted(outcome, treated, covariate, fold)
    changed = outcome.copy()
    changed[7] += 100
    second = predicted(changed, treated, covariate, fold)
    assert first[0][7] == second[0][7]
    assert first[1][7] == second[1][7]


def test_half_of_the_customers_is_chosen_even_with_equal_scores() -> None:
    assert upper_half(np.zeros(11), np.arange(11)[::-1]).sum() == 5
