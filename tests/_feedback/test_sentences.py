"""Texts are split into sentences by the punctuation of their script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._feedback.sentences import MOST, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The parcel came two weeks late, as always now. The tea pot in it was broken, and nobody answers!",
            ["The parcel came two weeks late, as always now.", "The tea pot in it was broken, and nobody answers!"],
        ),
        ("The parcel was late. The tea was broken!", ["The parcel was late. The tea was broken!"]),
        ("It cost 3.50 euros at shop.example", ["It cost 3.50 euros at shop.example"]),
        (
            "这次送货太慢了,又等了一个多星期才到货。包装也很差,收到时杯子已经全碎了！",
            ["这次送货太慢了,又等了一个多星期才到货。", "包装也很差,收到时杯子已经全碎了！"],
        ),
        (
            "چرا بسته این قدر دیر رسید و هیچ کس به من خبر نداد؟ هنوز هم پس از دو هفته پاسخی از شما نیامده است.",
            ["چرا بسته این قدر دیر رسید و هیچ کس به من خبر نداد؟", "هنوز هم پس از دو هفته پاسخی از شما نیامده است."],
        ),
        (
            "a first line of more than forty-five characters\na second line of more than forty-five characters",
            ["a first line of more than forty-five characters", "a second line of more than forty-five characters"],
        ),
        ("Great. Thanks. Bye.", ["Great. Thanks. Bye."]),
        ("", []),
        ("  ", []),
    ],
)
def test_a_text_is_split_at_the_end_marks_of_its_script(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="ab .!?。！\n", max_size=80))
def test_sentences_contain_all_characters_of_the_text_but_spaces(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert len(found) <= MOST
