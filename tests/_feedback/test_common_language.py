"""A text that is too short for detection has the language of the other comments in its script."""

from __future__ import annotations

import pytest

from ckm._feedback.common_language import script_of, with_common_language


def test_short_texts_of_no_or_a_rare_language_have_the_common_one() -> None:
    langs = ["en"] * 100 + ["", "ro", "th"]
    texts = ["The phone works as it should"] * 100 + ["Great phone!", "super pissed", "สวัสดีครับ"]
    assert with_common_language(langs, texts, [None] * 103) == ["en"] * 102 + ["th"]


@pytest.mark.parametrize("langs", [["en"] * 15 + [""], (["en"] * 30 + ["de"] * 30 + [""])])
def test_without_a_common_language_it_stays_unknown(langs: list[str]) -> None:
    assert with_common_language(langs, ["Ok so"] * len(langs), [None] * len(langs))[-1] == ""


def test_a_language_that_the_source_states_and_a_long_text_keep_theirs() -> None:
    long = "Am cumpărat telefonul acesta acum trei luni și merge bine."
    langs, texts = ["en"] * 100 + ["ro", "ro"], ["It works"] * 100 + ["Bun", long]
    assert with_common_language(langs, texts, [None] * 100 + ["ro", None])[-2:] == ["ro", "ro"]


@pytest.mark.parametrize(("text", "script"), [("很好", "Han"), ("خوب", "Arabic"), ("!!", ""), ("café", "Latin")])
def test_the_script_is_that_of_most_letters(text: str, script: str) -> None:
    assert script_of(text) == script
