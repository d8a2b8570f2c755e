"""The model card: every number once, with what it means."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.card_figures import (
    RECENCY,
    SCORED,
    CardColumns,
    CardData,
    CardDecile,
    Gain,
    Scores,
    card_rows,
    card_table,
)
from ckm._churn.card_texts import load_card_words
from ckm.errors import UsageError
from tests._churn.example_card import CUT_OFFS, example_card


def test_a_mean_weighs_each_cut_off_the_same() -> None:
    scores = (
        Scores("rule", CUT_OFFS[0], 10, 0.5, 0.7, 0.6, 1.2, 0.4),
        Scores("rule", CUT_OFFS[1], 1_000, 0.5, 0.8, 0.6, 1.2, 0.6),
    )
    card = example_card(scores=scores)
    assert card.mean("rule", "roc_auc") == pytest.approx(0.75)
    assert card.mean("rule", "log_loss") == pytest.approx(0.5)
    assert card.mean("rule", "brier") is None
    assert card.mean("nobody", "roc_auc") is None


def test_the_table_has_every_number_with_its_definition() -> None:
    card = example_card()
    table = card_table(card)
    assert table.columns == ["section", "metric", "model", "cut_off", "at", "value", "n", "definition"]
    assert not table["definition"].is_in([""]).any()
    per_cut_off = table.filter(pl.col("section") == "models", pl.col("cut_off").is_not_null())
    assert per_cut_off.height == len(card.models) * len(CUT_OFFS) * len(SCORED)
    chosen = table.filter(metric="roc_auc", model="scorecard", cut_off=date(1998, 3, 31), section="models")
    assert chosen["value"].item() == pytest.approx(0.828)
    assert chosen["n"].item() == 1_053
    assert table.filter(metric="mean_roc_auc", model="scorecard")["value"].item() == pytest.approx(0.822)
    assert table.filter(section="reliability").height == 4 * len(card.reliability)
    assert table.filter(section="gain", model=RECENCY).height == 21
    assert table.filter(metric="rows_left_out")["value"].to_list() == [12, 3]


def test_unknown_values_are_null_and_never_nan() -> None:
    scores = (Scores("rule", CUT_OFFS[0], 10, 0.0, math.nan, math.nan, math.nan, 0.1, 0.2, 0.3),)
    table = card_table(example_card(scores=scores))
    assert table.filter(metric="roc_auc")["value"].to_list() == [None]
    assert not table["value"].is_nan().any()


def test_columns_that_give_the_label_away_are_rows_with_their_sentence() -> None:
    columns = CardColumns(("reason",), leaks=(("reason", 0.99, "reason is filled in 98.0% of them"),))
    data = CardData(120, 100, blank_labels=20)
    table = card_table(example_card(as_of=None, horizon_days=None, data=data, columns=columns))
    (leak,) = table.filter(section="leaks").to_dicts()
    assert (leak["metric"], leak["value"], leak["n"]) == ("reason", 0.99, 100)
    assert leak["definition"].endswith("reason is filled in 98.0% of them")
    counted = dict(table.filter(section="data").select("metric", "value").iter_rows())
    assert (counted["customers"], counted["rows_used"], counted["rows_blank_label"]) == (120, 100, 20)
    assert not any("purchase" in each for each in table["definition"])


def test_equal_cards_give_equal_rows() -> None:
    assert card_rows(example_card()) == card_rows(example_card())


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I: 81 of 263, and 0 of 20
    assert CardDecile(263, 0.3, 81 / 263).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert CardDecile(20, 0.3, 0.0).interval == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(0, 5_000), st.floats(0, 1))
def test_an_interval_holds_what_came_and_stays_within_0_and_1(n: int, came: float) -> None:
    low, high = CardDecile(n, 0.5, came).interval
    assert 0 <= low <= came + 1e-12
    assert came - 1e-12 <= high <= 1


def test_a_gain_is_read_on_the_line_between_two_points() -> None:
    gain = Gain("rule", (0.0, 0.5, 1.0), (0.0, 0.8, 1.0))
    assert [gain.at(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx([0.0, 0.4, 0.8, 0.9, 1.0])


@pytest.mark.parametrize("labelled", [False, True])
def test_every_measure_of_a_score_has_words(labelled: bool) -> None:
    words = load_card_words(labelled=labelled)
    assert {*SCORED, "predicted", "observed", "observed_low", "observed_high", "churned_reached"} == {
        each.name for each in words.metrics
    }
    assert words.metric("roc_auc").shown(0.8224) == "0.822"
    assert words.metric("brier").shown(None) == ""
    assert words.metric("brier").shown(math.nan) == ""


def test_words_that_are_no_card_are_refused_with_their_place(tmp_path: Path) -> None:
    wrong = tmp_path / "words.yaml"
    wrong.write_text("schema: other/1\nversion: 1\ntransactions: {}\nlabelled: {}\nmetrics: []\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"words\.yaml:1: not the words of a model card"):
        load_card_words(path=wrong)
