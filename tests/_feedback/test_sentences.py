"""Sentences by the marks of each script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._feedback.sentences import MOST, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The parcel was late. The tea was broken!", ["The parcel was late.", "The tea was broken!"]),
        ("It cost 3.50 euros at shop.example", ["It cost 3.50 euros at shop.example"]),
        ("送货太慢了。包装很差！", ["送货太慢了。", "包装很差！"]),
        ("چرا دیر رسید؟ هنوز پاسخی نیامده است.", ["چرا دیر رسید؟", "هنوز پاسخی نیامده است."]),
        ("first line here\nsecond line here", ["first line here", "second line here"]),
        ("Great. Thanks. Bye.", ["Great. Thanks. Bye."]),
        ("", []),
        ("  ", []),
    ],
)
def test_a_text_is_split_at_the_end_marks_of_its_script(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="ab .!?。！\n", max_size=80))
def test_no_character_but_space_is_lost(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert len(found) <= MOST
