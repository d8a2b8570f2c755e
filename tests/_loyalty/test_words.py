"""Texts of the report: equal keys and placeholders in every language."""

from __future__ import annotations

import re

import pytest
from babel import Locale

from ckm._churn.reason_catalogue import load_reasons
from ckm._churn.warning_levels import LEVELS
from ckm._loyalty.words import PLACE, PLURALS, Text, load_words
from ckm.errors import UnknownNameError
from ckm.metrics.catalogue import SECTIONS, load_catalogue
from ckm.metrics.loyalty_rules import load_loyalty_rules
from ckm.names import LANGUAGES
from ckm.schema import PARTY_TYPES, RATING_SCALES
from ckm.yamlfile import read_yaml
from tests.conftest import ROOT

OTHERS = [lang for lang in LANGUAGES if lang != "en"]
SCRIPTS = {
    "zh-Hans": r"[\u4e00-\u9fff]",
    "zh-Hant": r"[\u4e00-\u9fff]",
    "th": r"[\u0e00-\u0e7f]",
    "fa": r"[\u0600-\u06ff]",
}
SAME_EVERYWHERE = {
    "key",
    "unit.gap",
    "unit.separator",
    "bar.cell",
    "bar.rating",
    "find.driver",
    "find.metric_of_slice",
}


def forms(text: Text) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


def places(text: Text) -> set[str]:
    return {place for form in forms(text) for place in PLACE.findall(form)}


def without_book(lang: str) -> dict[str, Text]:
    return {key: text for key, text in load_words(lang).texts.items() if not key.startswith("metrics.")}


def names_of(file: str) -> list[str]:
    document = read_yaml(ROOT / "ckm" / "data" / file)
    assert document is not None
    entries = document.mapping()["segments"].items() if file == "rfm_names.yaml" else document.items()
    return [entry.mapping()["name"].text() for entry in entries]


@pytest.mark.parametrize("lang", OTHERS)
def test_every_language_says_the_same_things(lang: str) -> None:
    assert without_book(lang).keys() == without_book("en").keys()


@pytest.mark.parametrize("lang", OTHERS)
def test_a_text_has_the_same_places_in_every_language(lang: str) -> None:
    english, own = without_book("en"), without_book(lang)
    assert {key: places(text) for key, text in own.items()} == {key: places(text) for key, text in english.items()}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_texts_that_count_have_the_forms_of_their_language(lang: str) -> None:
    needed = {*Locale.parse(load_words(lang).locale).plural_form.tags, "other"}
    assert needed <= PLURALS
    english = without_book("en")
    for key, text in without_book(lang).items():
        assert isinstance(text, dict) == isinstance(english[key], dict), key
        if isinstance(text, dict):
            assert set(text) == needed, key


@pytest.mark.parametrize("lang", OTHERS)
def test_every_measure_of_the_catalogue_has_a_title_and_a_definition(lang: str) -> None:
    own = {key.removeprefix("metrics.") for key in load_words(lang).texts if key.startswith("metrics.")}
    assert own == {f"{each.name}.{part}" for each in load_catalogue() for part in ("title", "definition")}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_that_ckm_names_has_a_word(lang: str) -> None:
    words = load_words(lang)
    known = {
        "segment": [
            *names_of("segments_lifecycle.yaml"),
            *names_of("segments_value.yaml"),
            *names_of("rfm_names.yaml"),
        ],
        "state": names_of("segments_lifecycle.yaml"),
        "value_segment": names_of("segments_value.yaml"),
        "reason": [reason.code for reason in load_reasons().reasons],
        "level": LEVELS,
        "party_type": PARTY_TYPES,
        "scale": RATING_SCALES,
        "loyalty": ("true", "spurious", "latent", "none"),
        "rule": [rule.name for rule in load_loyalty_rules().rules],
    }
    missing = [
        (group, name)
        for group, names in known.items()
        for name in names
        if not words.called("values", f"{group}.{name}")
    ]
    assert not missing
    assert all(words.called("section", section) for section in SECTIONS)


@pytest.mark.parametrize("lang", SCRIPTS)
def test_texts_are_written_in_the_script_of_their_language(lang: str) -> None:
    codes = ("values.scale.", "values.model.")
    for key, text in load_words(lang).texts.items():
        if not key.startswith(codes) and key not in SAME_EVERYWHERE:
            bare = PLACE.sub("", "".join(forms(text)))
            assert re.search(SCRIPTS[lang], bare) or not re.search(r"[A-Za-z]", bare), key


def test_a_language_is_found_however_its_tag_is_written() -> None:
    assert load_words("ZH_hant").lang == "zh-Hant"


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="language 'fr'"):
        load_words("fr")


def test_what_looks_like_a_place_within_a_value_stays_as_it_is() -> None:
    assert load_words("en").say("bar.rating", scale="{rating}", rating="9") == "{rating}: 9"


def test_a_number_decides_on_the_form() -> None:
    words = load_words("de")
    assert [words.say("unit.days", n, days=str(n)) for n in (1, 2)] == ["1 Tag", "2 Tage"]
