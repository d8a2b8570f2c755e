"""A knowledge entry answers a topic of words and character n-grams only if it contains keywords of the topic."""

from __future__ import annotations

import pytest

from ckm._feedback.answers import SHARED, shared_keywords
from ckm._feedback.topics_file import Topic

ZIP = Topic(
    "topic-1",
    "grams-fa",
    keywords={
        "fa": ("کیسهٔ", "زیپ", "بسته"),
        "en": ("bag", "zip", "close"),
        "zh-Hans": ("袋子", "拉链", "已经破损"),
    },
)


@pytest.mark.parametrize(
    ("text", "lang", "answers"),
    [
        ("بسته‌ام کجاست", "fa", False),
        ("زیپ کیسه بسته نمی‌شود", "fa", True),
        ("the zip of the bags", "en", True),
        ("closing time", "en", False),
        ("袋子破了", "zh-Hans", False),
        ("袋子的拉链坏了", "zh-Hans", True),
    ],
)
def test_a_phrase_needs_two_keywords_of_a_topic_in_any_inflection(text: str, lang: str, answers: bool) -> None:
    assert (shared_keywords(text, lang, ZIP) >= SHARED) == answers
