"""Names of competitors and products in texts, with typing errors."""

from __future__ import annotations

import pytest

from ckm._feedback.mentions import Names

NAMES = Names.of({"Teekontor Nord": ["Teekontor Nord", "TKN"], "好茶坊": ["好茶坊"], "Leafly": ["Leafly"]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("At Teekontor Nord it is cheaper", {"Teekontor Nord"}),
        ("at TEEKONTOR  nord, they said", {"Teekontor Nord"}),
        ("at Teekontr Nord it is cheaper", {"Teekontor Nord"}),
        ("bei Teekontor Nrod gekauft", {"Teekontor Nord"}),
        ("tkn has it", {"Teekontor Nord"}),
        ("tkm has it", set()),
        ("我在好茶坊买过", {"好茶坊"}),
        ("Leafy greens and tea", set()),
        ("leaflly and TKN", {"Leafly", "Teekontor Nord"}),
        ("nothing here", set()),
    ],
)
def test_a_name_is_found_with_a_typing_error_and_a_common_word_is_not(text: str, expected: set[str]) -> None:
    assert NAMES.find([text]).get(text, frozenset()) == expected


def test_a_removed_name_leaves_the_rest() -> None:
    assert NAMES.removed("At Teekontor Nord it is cheap").split() == ["At", "it", "is", "cheap"]
    assert NAMES.removed("我在好茶坊买过") == "我在 买过"


def test_without_names_nothing_is_found() -> None:
    assert Names.of({}).find(["any text"]) == {}
