"""The table of a model card has every number once, with its definition."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest

from ckm._churn.card_table import CARD_COLUMNS, card_table
from ckm._churn.model_card import ATTRIBUTES, RECENCY, CardColumns, CardData
from tests._churn.example_card import CUT_OFFS, example_card, score


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
