"""Texts of a model card: every metric has a title, a format and a definition."""

from __future__ import annotations

import math

import pytest

from ckm._churn.card_words import load_card_words
from ckm._churn.model_card import ATTRIBUTES


@pytest.mark.parametrize("labelled", [False, True])
def test_every_metric_has_a_title_a_format_and_a_definition(labelled: bool) -> None:
    words = load_card_words(labelled=labelled)
    assert {*ATTRIBUTES, "predicted", "observed", "observed_low", "observed_high", "churned_reached"} == {
        each.name for each in words.metrics
    }
    assert words.metric("roc_auc").shown(0.8224) == "0.822"
    assert words.metric("brier").shown(None) == ""
    assert words.metric("brier").shown(math.nan) == ""
