"""A model card has the scores of the backtest, or of the cross-validation, unchanged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from ckm._churn.card_document import card_document
from ckm._churn.card_of_model import card_of_backtest, card_of_labels
from ckm._churn.horizon import Horizon
from ckm._churn.model_card import RECENCY, CardData, ModelCard
from ckm.customers.calendar import day_number
from ckm.models import metrics
from ckm.models.backtest import BASELINE, Backtest, Curves
from ckm.models.churn.labelled_models import fit_labelled
from ckm.models.churn.stack import STACK
from ckm.models.model_score import ModelScore
from ckm.render.markdown import render_markdown
from tests._churn.example_card import CUT_OFFS, score

DATA = CardData(40, 200)
HORIZON = Horizon(90, "90 days, as given")
DAY = day_number(CUT_OFFS[-1])


def curves(probability: np.ndarray) -> Curves:
    churned = np.arange(40) % 2 == 0
    return Curves(metrics.reliability(churned, probability), *metrics.gain_curve(churned, probability, 10))


def scores_of(model: str, log_loss: float) -> ModelScore:
    return score(model, CUT_OFFS[-1], 40, log_loss=log_loss, brier=log_loss / 3, calibration_error=log_loss / 30)


def backtest(**changes: object) -> Backtest:
    fields: dict[str, object] = {
        "horizon": 90,
        "cutoffs": (DAY,),
        "scores": (
            scores_of(BASELINE, 0.5),
            scores_of("rule", 0.42),
            scores_of("boosted", 0.41),
            scores_of(STACK, 0.4),
        ),
        "curves": {name: curves(np.linspace(0, 1, 40)) for name in (BASELINE, "rule", "boosted", STACK)},
        "weights": {"rule": 0.25, "boosted": 0.75},
        "left_out": {"scorecard": "of 40 customers 3 left; 50 are needed."},
    }
    return Backtest(**{**fields, **changes})  # type: ignore[arg-type]


def card(result: Backtest, model: str = STACK) -> ModelCard:
    return card_of_backtest(
        result, DATA, as_of=date(1998, 6, 30), horizon=HORIZON, features={"days_silent"}, model=model
    )


def test_the_baseline_of_the_backtest_is_the_recency_of_the_card() -> None:
    assert BASELINE == RECENCY
    assert [gain.model for gain in card(backtest()).gains] == [STACK, RECENCY]


def test_the_card_has_the_scores_of_the_backtest() -> None:
    made = card(backtest())
    assert made.scores == backtest().scores
    assert made.models == (RECENCY, "rule", "boosted", STACK)
    assert made.cut_offs == (date(1998, 3, 31),)


def test_the_curves_have_all_customers_and_points() -> None:
    made = card(backtest())
    assert sum(decile.n for decile in made.reliability) == 40
    assert made.gains[0].contacted == pytest.approx(np.linspace(0, 1, 11))
    assert made.gains[0].churned_reached[-1] == 1.0


def test_the_weights_of_the_stack_are_on_the_card() -> None:
    assert card(backtest()).chosen_because == (
        "The stack is a weighted mean of the models' log odds: rule 25%, boosted 75%. The weights minimise the log "
        "loss over the cut-offs, shrunk towards equal shares of btyd, scorecard, boosted. With weights from the other "
        "cut-offs, its mean log loss is 0.4000; it is the lowest."
    )


def test_a_model_chosen_by_the_user_is_compared_with_the_best() -> None:
    assert card(backtest(), "rule").chosen_because == (
        "rule was selected by the user. Its log loss is 0.4200 on average; the lowest is 0.4000 of stack."
    )
    assert card(backtest(), "seasonal").chosen_because == "seasonal was selected by the user."


def test_the_error_expected_next_needs_two_cut_offs() -> None:
    assert card(backtest()).expected_error is None
    earlier = replace(scores_of(STACK, 0.5), cutoff=DAY - 30)
    two = card(backtest(cutoffs=(DAY - 30, DAY), scores=(earlier, *backtest().scores)))
    assert two.expected_error is not None
    low, high = two.expected_error
    assert 0 <= low < 0.4 / 30 < 0.5 / 30 < high


def test_models_that_were_not_trained_and_missing_features_are_reported() -> None:
    made = card(backtest())
    assert [feature.name for feature in made.features] == ["days_silent"]
    assert "open_complaints" in made.missing
    text = render_markdown(card_document(made))
    assert "Not compared: scorecard (of 40 customers 3 left; 50 are needed).\n" in text


@pytest.mark.slow
def test_a_card_of_labelled_data_has_no_dates() -> None:
    numbers = np.arange(400)
    frame = pl.DataFrame(
        {
            "id": [f"c{number:03}" for number in numbers],
            "months": (numbers % 37).astype(float),
            "left": ["yes" if (number % 37) + (number % 7) * 3 < 20 else "no" for number in numbers],
        }
    )
    fit = fit_labelled(frame, "left", "yes", "id")
    made = card_of_labels(fit, label="left", positive="yes")
    assert made.chosen == fit.model
    assert (made.as_of, made.cut_offs) == (None, ())
    assert made.question == "Probability that left is yes."
    assert sum(decile.n for decile in made.reliability) == 400
    assert "Cross-validated: 400 customers" in render_markdown(card_document(made))
