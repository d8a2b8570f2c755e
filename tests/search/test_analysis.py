"""Analysis of texts: terms by script and language."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.search.analysis import analyse, grams, words

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)
SCRIPTS = st.text("aäueßÜ éñ 12２๔۵ قكکيیة\u200cها ทีมรับนำ้เ客戶户户服務务 の한 é\u0301ﬁ½", max_size=40)


def exact(text: str, lang: str = "") -> list[str]:
    return [token.term for token in analyse(text, lang).exact]


@pytest.mark.parametrize(
    "spelling", ["Rückgabe", "Rueckgabe", "Ruckgabe", "RÜCKGABE", "Ru\u0308ckgabe", "Rück\u00adgabe"]
)
def test_all_spellings_of_an_umlaut_have_the_same_terms(spelling: str) -> None:
    assert words(spelling, "de") == words("Rückgabe", "de")
    assert grams(spelling, "de") == grams("Rückgabe", "de")


def test_english_plurals_have_the_same_stem_although_ue_is_folded() -> None:
    assert words("issues", "en") == words("issue", "en")


def test_traditional_and_simplified_characters_have_the_same_terms() -> None:
    assert words("客戶服務") == words("客户服务")
    assert grams("客戶服務") == grams("客户服务") == list("客户服务")


def test_arabic_and_persian_letters_have_the_same_terms() -> None:
    assert words("كتاب يک", "fa") == words("کتاب یک", "fa")


def test_a_zero_width_non_joiner_separates_words_like_a_space() -> None:
    assert exact("می\u200cروم") == exact("می روم")


@pytest.mark.parametrize("digits", ["2024", "２０２４", "٢٠٢٤", "۲۰۲۴", "๒๐๒๔"])
def test_digits_of_all_scripts_are_ascii(digits: str) -> None:
    assert words(digits) == ["2024"]


def test_thai_is_segmented_into_dictionary_words() -> None:
    assert words("ลูกค้าคืนสินค้า") == ["ลูกค้า", "คืน", "สินค้า"]


def test_stop_words_are_not_terms_but_part_of_phrases() -> None:
    assert words("die Rückgabe der Ware", "de") == ["ruckgab", "war"]
    assert exact("die Rückgabe der Ware") == ["die", "ruckgabe", "der", "ware"]


def test_the_stop_words_of_a_text_decide_its_language() -> None:
    assert analyse("Wie lange dauert die Rückgabe einer Ware?").languages == ("de",)
    assert analyse("How long does it take to return the goods?").languages == ("en",)


def test_a_query_in_one_of_two_languages_is_stemmed_in_both() -> None:
    assert [token.term for token in analyse("running", among=("de", "en")).words] == ["running", "run"]


def test_a_mixed_text_is_split_into_runs_of_one_script() -> None:
    assert [run.script for run in analyse("Adobe解决方案 คืน کالا").runs] == ["latin", "han", "thai", "arabic"]


def test_the_characters_of_chinese_decide_between_simplified_and_traditional() -> None:
    assert analyse("客戶服務").home == ("zh-Hant",)
    assert analyse("客户服务").home == ("zh-Hans",)
    assert analyse("人山人海").home == ("zh-Hans", "zh-Hant")


@given(st.one_of(ANY_TEXT, SCRIPTS))
def test_every_token_has_a_position_in_the_text(text: str) -> None:
    analysis = analyse(text)
    for token in (*analysis.exact, *analysis.words, *analysis.forms, *analysis.grams):
        assert 0 <= token.start < token.end <= len(text)
        assert token.term
        assert not any(character.isspace() for character in token.term)
    starts = [token.start for token in analysis.exact]
    assert starts == sorted(starts)


@given(SCRIPTS)
def test_case_and_composition_do_not_matter(text: str) -> None:
    import unicodedata

    assert grams(unicodedata.normalize("NFD", text)) == grams(text)
    assert grams(text.upper()) == grams(text.upper().lower())


@given(st.text("客戶户服務务电電話话 a", max_size=20))
def test_a_simplified_text_has_the_terms_of_the_traditional_one(text: str) -> None:
    simplified = text.translate(str.maketrans("戶務電話", "户务电话"))
    assert words(simplified) == words(text)
    assert grams(simplified) == grams(text)


@pytest.mark.slow
def test_an_english_text_loads_no_table_of_another_script() -> None:
    program = (
        "import sys; from ckm.search.analysis import analyse, chinese, thai; analyse('the returns of goods 12');"
        "heavy = {'polars', 'numpy', 'yaml', 'pyarrow', 'rich', 'typer'} & set(sys.modules);"
        "print(chinese._table.cache_info().currsize, thai._dictionary.cache_info().currsize, sorted(heavy))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "0 0 []\n"
