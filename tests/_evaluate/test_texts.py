"""Texts of an evaluation: each language has all metrics and notes, with the placeholders of the English texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel import Locale

from ckm._evaluate.catalogue import load_metrics, texts
from ckm._loyalty.words import PLACE, Text
from ckm.names import LANGUAGES
from tests.conftest import ROOT


def forms(text: Text) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_keys_and_placeholders_of_english(lang: str) -> None:
    english, own = texts("en").texts, texts(lang).texts
    assert own.keys() == english.keys()
    for key, text in own.items():
        assert {each for form in forms(text) for each in PLACE.findall(form)} == {
            each for form in forms(english[key]) for each in PLACE.findall(form)
        }, key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_texts_with_a_number_have_the_plural_forms_of_their_language(lang: str) -> None:
    words = texts(lang)
    needed = {*Locale.parse(words.locale).plural_form.tags, "other"}
    for key in ("days", "hours", "months"):
        assert set(words.texts[key]) == needed


def test_each_metric_has_a_title_and_a_definition_and_no_text_is_unused() -> None:
    named = {key.split(".")[1] for key in texts("en").texts if key.startswith("metrics.")}
    assert named == set(load_metrics())


def test_each_code_of_a_note_has_a_text_and_no_text_is_unused() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ckm" / "_evaluate").glob("*.py"))
    known = {key.removeprefix("note.") for key in texts("en").texts if key.startswith("note.")}
    written = set(re.findall(r'"([a-z]+_[a-z_]+|log_off)"', code)) & known
    assert written == known


def test_each_language_has_a_file_of_texts() -> None:
    assert {path.stem for path in Path(ROOT / "ckm" / "data" / "evaluation").glob("*.yaml")} == set(LANGUAGES)
