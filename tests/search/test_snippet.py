"""Snippets: the matching part of a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ckm.search.analysis import analyse
from ckm.search.snippet import snippet

TEXT = "Am Anfang steht viel anderes. " * 10 + "Die Rückgabe offener Ware ist möglich. " + "Am Ende auch. " * 10


def marked(text: str, query: str, width: int = 80) -> list[str]:
    window, marks = snippet(text, analyse(query), width)
    return [window[start:end] for start, end in marks]


def test_a_snippet_contains_the_matches_and_begins_at_their_sentence() -> None:
    window, _ = snippet(TEXT, analyse("Rueckgabe der Ware", "de"), 80, "de")
    assert window.startswith("… Die Rückgabe offener Ware")
    assert marked(TEXT, "die Rückgaben der Ware") == ["Rückgabe", "Ware"]


def test_matching_words_are_highlighted_in_every_script() -> None:
    assert marked("如何聯繫客戶服務", "客户服务") == ["客戶服務"]
    assert marked("ลูกค้าคืนสินค้าได้", "สินค้า") == ["สินค้า"]


def test_a_misspelled_query_highlights_the_similar_word() -> None:
    assert marked(TEXT, "Rückgbae Ware") == ["Ware"]
    assert marked("Die Rückgabefrist ist lang", "Rückgabefrst") == ["Rückgabefrist"]


def test_a_snippet_without_a_match_is_the_beginning_of_the_text() -> None:
    assert snippet(TEXT, analyse("Xylophon"), 34) == ("Am Anfang steht viel anderes. …", ())


def test_an_ellipsis_marks_each_end_where_text_was_left_out() -> None:
    words = [f"Wort{number}" for number in range(30)]
    text = " ".join(words)
    assert snippet(text, analyse("Wort15"), 40)[0] == "… Wort14 Wort15 Wort16 Wort17 Wort18 …"
    assert snippet(text, analyse("Wort0"), 40)[0] == "Wort0 Wort1 Wort2 Wort3 Wort4 Wort5 …"
    assert snippet(text, analyse("Wort29"), 40)[0].startswith("… ")
    assert snippet(text, analyse("Wort29"), 40)[0].endswith(" Wort29")
    assert snippet(text, analyse("Wort3"), 1000)[0] == text
    assert snippet("Ende  \n", analyse("Ende"), 4)[0] == "Ende"


def test_the_ellipsis_has_no_space_in_scripts_without_spaces() -> None:
    chinese = "一二三四五六七八九十" * 3 + "客户服务" + "一二三四五六七八九十" * 3
    window, marks = snippet(chinese, analyse("客户服务"), 20)
    assert window.startswith("…")
    assert window.endswith("…")
    assert " " not in window
    assert [window[start:end] for start, end in marks] == ["客户服务"]


def test_thai_vowel_signs_and_tone_marks_stay_with_their_consonants() -> None:
    for width in range(12, 20):
        window, _ = snippet("ที่นี่" * 20, analyse("Xylophon"), width)
        assert window.removesuffix("…").endswith(("ที่", "นี่"))


@given(st.text(max_size=120), st.text(max_size=20), st.integers(10, 60))
def test_highlights_are_within_the_snippet_in_order_and_do_not_overlap(text: str, query: str, width: int) -> None:
    window, marks = snippet(text, analyse(query), width)
    assert len(window) <= width
    assert "\n" not in window
    last = -1
    for start, end in marks:
        assert last < start < end <= len(window)
        last = end
