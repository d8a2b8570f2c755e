"""Names of competitors and products are found in texts, also with typing errors."""

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
def test_a_name_is_found_with_one_typing_error_but_common_words_do_not_match(text: str, expected: set[str]) -> None:
    assert NAMES.find([text]).get(text, frozenset()) == expected


def test_only_the_name_is_removed_from_a_text() -> None:
    assert NAMES.removed("At Teekontor Nord it is cheap").split() == ["At", "it", "is", "cheap"]
    assert NAMES.removed("我在好茶坊买过") == "我在 买过"


def test_an_empty_list_of_names_matches_no_text() -> None:
    assert Names.of({}).find(["any text"]) == {}
