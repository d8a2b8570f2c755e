"""Churn models: better than chance, finite, row by row, and independent of later purchases."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ckm.errors import NotEnoughDataError, UnknownNameError
from ckm.models import metrics
from ckm.models.churn.boosted import FOLDS, fit_boosted
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.rule import fit_rule
from ckm.models.churn.scorecard import fit_scorecard
from ckm.models.churn.seasonal_clock import RepeatPurchases
from ckm.models.churn.stack import StackModel
from ckm.models.churn.training import MODELS, require_trained, train, train_all
from ckm.models.churn.training_set import TrainingSet, sampled_windows
from ckm.models.sampling import id_hashes
from ckm.models.shapley import additive_shapley, group_shapley
from tests.conftest import OTHER_THREADS, ROOT
from tests.models.churn.shop import HORIZON, make_shop

SHOP = make_shop()
TODAY = 160
SEASON = RepeatPurchases(-600, 9 + np.arange(900) % 365 // 60, np.full(900, 700))


def _past(day: int = TODAY, shop=SHOP) -> TrainingSet:
    windows = tuple(shop.window(each) for each in range(70, day - HORIZON + 1, 20))
    return TrainingSet(windows, day, shop.window(day).features, HORIZON, purchase_models=PurchaseModels(SEASON))


@cache
def learned(name: str):
    return train(_past(), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_log_odds_are_finite_and_rank_better_than_chance(name):
    window = SHOP.window(TODAY)
    log_odds = learned(name).log_odds(window.features)
    assert np.isfinite(log_odds).all()
    assert metrics.roc_auc(window.churned, log_odds) > 0.65
    assert metrics.calibration_error(window.churned, learned(name).probability(window.features)) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_score_of_a_row_depends_on_the_row_only(name):
    features = SHOP.window(TODAY).features
    alone = {key: values[5:6] for key, values in features.items()}
    assert learned(name).log_odds(alone)[0] == learned(name).log_odds(features)[5]


@pytest.mark.parametrize("name", MODELS)
def test_rows_that_combine_two_customers_have_finite_scores(name):
    features = dict(SHOP.window(TODAY).features)
    features["days_silent"] = features["days_silent"][::-1]
    features["tenure_days"] = np.zeros_like(features["tenure_days"])
    assert np.isfinite(learned(name).log_odds(features)).all()


def _attributed(model, customers: int):
    """Return Shapley values of the first customers by the terms of a model, and by its score of every mixed row."""
    features = {key: values[:customers] for key, values in SHOP.window(TODAY).features.items()}
    reference = {key: 0.5 if key == "unknown" else float(np.nanmedian(values)) for key, values in features.items()}
    groups = {
        "recency": ("days_silent",),
        "frequency": ("purchase_days", "gap_p80_days", "gap_last_ratio"),
        "tenure": ("tenure_days",),
        "other": ("constant", "unknown"),
    }
    given = (features, reference, groups)
    return additive_shapley(model, *given), group_shapley(model.log_odds, *given)


@pytest.mark.parametrize("name", MODELS)
def test_shapley_values_by_the_terms_of_a_model_are_those_of_its_score(name):
    by_terms, by_score = _attributed(learned(name), 60)
    np.testing.assert_allclose(by_terms.points, by_score.points, atol=1e-10)
    np.testing.assert_allclose(by_terms.base, by_score.base, atol=1e-12)


def test_shapley_values_of_a_stack_are_the_weighted_sum_of_those_of_its_parts():
    names, weights = ("btyd", "scorecard", "boosted"), (0.2, 0.5, 0.3)
    parts = tuple(learned(name) for name in names)
    by_terms, by_score = _attributed(StackModel(parts, weights), 60)
    np.testing.assert_allclose(by_terms.points, by_score.points, atol=1e-10)
    of_parts = [weight * _attributed(part, 60)[0].points for weight, part in zip(weights, parts, strict=True)]
    np.testing.assert_allclose(by_terms.points, sum(of_parts), atol=1e-10)


@pytest.mark.parametrize("name", ["rule", "boosted"])
def test_a_longer_silence_never_lowers_the_score(name):
    features = {key: np.repeat(values[:20], 80) for key, values in SHOP.window(TODAY).features.items()}
    features["days_silent"] = np.tile(np.arange(80.0), 20)
    assert (np.diff(learned(name).log_odds(features).reshape(20, 80), axis=1) >= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_later_purchases_do_not_change_a_score(name):
    then = SHOP.until(TODAY)
    windows = tuple(then.window(each) for each in range(70, TODAY - HORIZON + 1, 20))
    today = then.window(TODAY).features
    known = train(TrainingSet(windows, TODAY, today, HORIZON, purchase_models=PurchaseModels(SEASON)), name)
    assert (known.log_odds(today) == learned(name).log_odds(SHOP.window(TODAY).features)).all()


def test_a_window_whose_outcome_is_not_known_yet_is_an_error():
    with pytest.raises(ValueError, match="outcomes are unknown"):
        TrainingSet((SHOP.window(TODAY - HORIZON + 1),), TODAY, SHOP.window(TODAY).features, HORIZON)


@pytest.mark.slow
def test_the_scorecard_uses_a_purchase_model_fitted_at_each_windows_cutoff():
    past = _past()
    fit_scorecard(past)
    assert set(past.purchase_models._by_day) == {TODAY, *(window.day for window in past.windows)}


def test_the_scorecard_has_no_constant_or_unknown_feature_and_one_coefficient_per_column():
    scorecard = learned("scorecard").model
    names = [column.name for column in scorecard.columns]
    assert "gap_last_ratio" in names
    assert not {"constant", "unknown"} & set(names)
    assert len(scorecard.coefficients) == sum(len(column.scales) for column in scorecard.columns)
    assert [column.marks_missing for column in scorecard.columns if column.name == "gap_last_ratio"] == [True]


def test_the_rule_has_finite_log_odds():
    rule = fit_rule(_past())
    assert max(map(abs, rule.curve.odds)) < 8


def test_too_few_churned_customers_are_an_error_with_the_number_needed():
    window = SHOP.window(60).rows(np.arange(len(SHOP.window(60))) < 40)
    with pytest.raises(NotEnoughDataError, match="50 of each"):
        fit_boosted(TrainingSet((window,), TODAY, window.features, HORIZON))


def test_out_of_fold_scores_of_boosted_trees_do_not_depend_on_the_outcomes_of_the_fold():
    past = _past()
    others = tuple(replace(window, churned=window.churned ^ (window.keys % FOLDS == 0)) for window in past.windows)
    latest = past.windows[-1]
    fold = latest.keys % FOLDS == 0
    scores, changed = (
        fit_boosted(TrainingSet(windows, TODAY, past.features, HORIZON)).out_of_fold_log_odds(
            latest.features, latest.keys
        )
        for windows in (past.windows, others)
    )
    assert (scores[fold] == changed[fold]).all()
    assert not (scores[~fold] == changed[~fold]).all()


def test_an_unknown_model_is_an_error_with_a_suggestion():
    with pytest.raises(UnknownNameError) as caught:
        train(_past(), "scorecards")
    assert "scorecard" in str(caught.value.hint)


def test_a_sample_depends_on_customer_and_day_only():
    window = SHOP.window(100)
    few = sampled_windows([window], most=200)[0]
    others = sampled_windows([window.rows(window.keys != few.keys[0])], most=200)[0]
    assert 120 < len(few) < 280
    assert len(np.intersect1d(few.keys, others.keys)) > 0.9 * len(few)
    assert id_hashes(["a", "b"])[1] == id_hashes(["b"])[0]


@pytest.mark.slow
def test_one_thread_and_two_give_equal_scores():
    code = "from tests.models.churn.test_churn_models import scores_of_a_shop; print(scores_of_a_shop())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, env={**os.environ, **OTHER_THREADS}
    )
    assert done.stdout.decode().strip() == scores_of_a_shop()


def scores_of_a_shop() -> str:
    shop = make_shop(300)
    features = shop.window(160).features
    past = TrainingSet((shop.window(120), shop.window(130)), 160, features, 30)
    return " ".join(fit(past).log_odds(features).tobytes().hex() for fit in (fit_scorecard, fit_boosted))


@pytest.mark.parametrize("name", MODELS)
def test_an_absent_feature_is_unknown_for_every_customer(name):
    features = dict(SHOP.window(TODAY).features)
    unknown = {**features, "gap_last_ratio": np.full(len(features["gap_last_ratio"]), np.nan)}
    absent = {key: values for key, values in features.items() if key != "gap_last_ratio"}
    assert (learned(name).log_odds(absent) == learned(name).log_odds(unknown)).all()


@pytest.mark.slow
def test_models_that_are_trained_side_by_side_score_as_those_that_are_trained_alone():
    features = SHOP.window(TODAY).features
    together = train_all(_past(), MODELS)
    assert tuple(together) == MODELS
    for name, model in zip(MODELS, require_trained(together), strict=True):
        assert (model.log_odds(features) == learned(name).log_odds(features)).all()


def test_one_model_without_enough_data_does_not_stop_the_others():
    past = _past()
    together = train_all(TrainingSet(past.windows, TODAY, past.features, HORIZON), ("seasonal", "rule"))
    assert isinstance(together["seasonal"], NotEnoughDataError)
    assert together["rule"] == learned("rule")
    with pytest.raises(NotEnoughDataError, match="season is not modelled"):
        require_trained(together)
