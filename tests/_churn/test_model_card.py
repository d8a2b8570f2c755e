"""A model card has every number once with its definition, and keeps the scores of the backtest unchanged."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.card_document import card_document
from ckm._churn.horizon import Horizon
from ckm._churn.model_card import (
    ATTRIBUTES,
    CARD_COLUMNS,
    RECENCY,
    CardColumns,
    CardData,
    CardDecile,
    Gain,
    ModelCard,
    card_of_backtest,
    card_of_labels,
    card_table,
    load_card_words,
)
from ckm.customers.calendar import day_number
from ckm.models import metrics
from ckm.models.backtest import BASELINE, Backtest, Curves
from ckm.models.churn.labelled_models import fit_labelled
from ckm.models.churn.stack import STACK
from ckm.models.model_score import ModelScore
from ckm.render.markdown import render_markdown
from tests._churn.example_card import CUT_OFFS, example_card, score

DATA = CardData(40, 200)
HORIZON = Horizon(90, "90 days, as given")
DAY = day_number(CUT_OFFS[-1])


def test_a_mean_weights_the_cut_offs_equally() -> None:
    scores = (
        score("rule", CUT_OFFS[0], 10, roc_auc=0.7, log_loss=0.4),
        score("rule", CUT_OFFS[1], 1_000, roc_auc=0.8, log_loss=0.6),
    )
    card = example_card(scores=scores)
    assert card.mean("rule", "roc_auc") == pytest.approx(0.75)
    assert card.mean("rule", "log_loss") == pytest.approx(0.5)
    assert card.mean("rule", "brier") is None
    assert card.mean("nobody", "roc_auc") is None


def test_the_table_has_every_number_with_its_definition() -> None:
    card = example_card()
    table = card_table(card)
    assert table.schema == pl.Schema(CARD_COLUMNS)
    assert not table["definition"].is_in([""]).any()
    per_cut_off = table.filter(pl.col("section") == "models", pl.col("cut_off").is_not_null())
    assert per_cut_off.height == len(card.models) * len(CUT_OFFS) * len(ATTRIBUTES)
    chosen = table.filter(metric="roc_auc", model="scorecard", cut_off=date(1998, 3, 31), section="models")
    assert chosen["value"].item() == pytest.approx(0.828)
    assert chosen["n"].item() == 1_053
    assert table.filter(metric="mean_roc_auc", model="scorecard")["value"].item() == pytest.approx(0.822)
    assert table.filter(section="reliability").height == 4 * len(card.reliability)
    assert table.filter(section="gain", model=RECENCY).height == 21
    assert table.filter(metric="rows_left_out")["value"].to_list() == [12, 3]


def test_unknown_values_are_null_and_never_nan() -> None:
    scores = (score("rule", CUT_OFFS[0], 10, 0.0, math.nan, math.nan, math.nan, 0.1, 0.2, 0.3),)
    table = card_table(example_card(scores=scores))
    assert table.filter(metric="roc_auc")["value"].to_list() == [None]
    assert not table["value"].is_nan().any()


def test_columns_that_reveal_the_label_are_rows_with_their_sentence() -> None:
    columns = CardColumns(("reason",), leaks=(("reason", 0.99, "reason is filled in 98.0% of them"),))
    data = CardData(120, 100, blank_labels=20)
    table = card_table(example_card(as_of=None, horizon_days=None, data=data, columns=columns))
    (leak,) = table.filter(section="leaks").to_dicts()
    assert (leak["metric"], leak["value"], leak["n"]) == ("reason", 0.99, 100)
    assert leak["definition"].endswith("reason is filled in 98.0% of them")
    counted = dict(table.filter(section="data").select("metric", "value").iter_rows())
    assert (counted["customers"], counted["rows_used"], counted["rows_blank_label"]) == (120, 100, 20)
    assert not any("purchase" in each for each in table["definition"])


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I: 81 of 263, and 0 of 20
    assert CardDecile(263, 0.3, 81 / 263).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert CardDecile(20, 0.3, 0.0).interval == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(0, 5_000), st.floats(0, 1))
def test_an_interval_contains_the_observed_rate_and_lies_within_0_and_1(n: int, observed: float) -> None:
    low, high = CardDecile(n, 0.5, observed).interval
    assert 0 <= low <= observed + 1e-12
    assert observed - 1e-12 <= high <= 1


def test_a_gain_between_two_points_is_interpolated_linearly() -> None:
    gain = Gain("rule", (0.0, 0.5, 1.0), (0.0, 0.8, 1.0))
    assert [gain.at(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx([0.0, 0.4, 0.8, 0.9, 1.0])


@pytest.mark.parametrize("labelled", [False, True])
def test_every_metric_has_a_title_a_format_and_a_definition(labelled: bool) -> None:
    words = load_card_words(labelled=labelled)
    assert {*ATTRIBUTES, "predicted", "observed", "observed_low", "observed_high", "churned_reached"} == {
        each.name for each in words.metrics
    }
    assert words.metric("roc_auc").shown(0.8224) == "0.822"
    assert words.metric("brier").shown(None) == ""
    assert words.metric("brier").shown(math.nan) == ""


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
