"""Credibility of the last window's shift."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.churn.training import credibility, fitted_log_odds
from ckm.models.churn.training_set import Features, TrainingSet, TrainingSnapshot
from ckm.models.shapley import WeightedTerm


class Even:
    """Predicts a churn probability of 1/2 for every customer."""

    name = "even"

    def log_odds(self, features: Features) -> np.ndarray:
        return np.zeros(len(features["days_silent"]))

    def terms(self) -> tuple[WeightedTerm, ...]:
        return ()


def past_with(shares: list[float], customers: int = 1_000) -> TrainingSet:
    """Return a training set of windows half a horizon apart, with these churn rates."""
    windows = tuple(
        TrainingSnapshot(
            day=30 * number,
            features={"days_silent": np.zeros(customers)},
            churned=np.arange(customers) < share * customers,
            keys=np.arange(customers, dtype=np.uint64),
        )
        for number, share in enumerate(shares)
    )
    return TrainingSet(windows, 30 * (len(shares) + 1), {"days_silent": np.zeros(customers)}, 60)


def credibility_of_even(past: TrainingSet) -> float:
    return credibility(fitted_log_odds(Even(), past), past)


def test_a_persistent_shift_has_high_credibility_and_an_alternating_one_none() -> None:
    lasting = credibility_of_even(past_with([0.7] * 12))
    turning = credibility_of_even(past_with([0.7, 0.7, 0.3, 0.3] * 3))
    assert lasting == pytest.approx((10 + 1.5) / 13, abs=0.01)
    assert turning == 0


def test_without_pairs_of_windows_the_credibility_is_the_prior() -> None:
    assert credibility_of_even(past_with([0.7, 0.6])) == 0.5
    assert credibility_of_even(past_with([0.5] * 8)) == 0.5


def test_a_feature_whose_source_begins_later_is_unknown_in_early_windows() -> None:
    class Asks(Even):
        def log_odds(self, features: Features) -> np.ndarray:
            assert np.isnan(features["late"]).all() or (features["late"] == 1).all()
            return np.zeros(len(features["late"]))

    past = past_with([0.7] * 6)
    last = past.windows[-1]
    late = TrainingSnapshot(last.day, {**last.features, "late": np.ones(len(last))}, last.churned, last.keys)
    began = TrainingSet(
        (*past.windows[:-1], late), past.day, {**past.features, "late": np.ones(len(last))}, past.horizon
    )
    assert [len(each) for each in fitted_log_odds(Asks(), began)] == [1_000] * 6
