"""Each word with a fixed meaning has exactly one, and it is a value of the schema."""

from __future__ import annotations

import polars as pl
import pytest

from ckm.io.values.vocabulary import contract_words, currencies_of, currency_codes, fold, null_words, translate
from ckm.io.values.word_lists import load_data
from ckm.schema import TABLES, VOCABULARIES


@pytest.mark.parametrize("column", [*VOCABULARIES, "currency"])
def test_no_word_has_two_values(column: str) -> None:
    words = [
        (fold(str(word)), meaning)
        for meaning, others in load_data("vocabulary.yaml").get(column, {}).items()
        for word in others
    ]
    meanings = {word: {meaning for other, meaning in words if other == word} for word, _ in words}
    assert {word: found for word, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize("column", VOCABULARIES)
def test_every_value_of_the_schema_translates_to_itself(column: str) -> None:
    words = contract_words(column)
    assert set(words.values()) == set(VOCABULARIES[column])
    assert all(words[word] == word for word in VOCABULARIES[column])


def test_every_currency_is_a_code_of_the_schema() -> None:
    pattern = pl.Series([*contract_words("currency").values(), *currency_codes()]).str.contains("^[A-Z]{3}$")
    assert pattern.all()
    assert TABLES["transactions"].dtypes["currency"] == pl.String


def test_a_sign_of_several_currencies_has_all_of_them() -> None:
    assert "USD" in currencies_of("$")
    assert currencies_of("€") == {"EUR"}
    assert currencies_of("pcs") == frozenset()


def test_translation_ignores_case_and_blanks_and_leaves_unknown_words() -> None:
    values = pl.Series(["Retoure", " RETOURE ", "Tausch", None])
    assert translate(values, {"retoure": "return"}).to_list() == ["return", "return", "Tausch", None]


def test_no_null_word_is_a_number_or_a_date() -> None:
    assert not any(word.isdigit() for word in null_words())
