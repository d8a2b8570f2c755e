"""Near-duplicates: found across case, spelling and script; not reported where numbers or meaning differ."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from ckm._kb.entry_files import read_folder
from ckm._kb.lint import lint_base
from ckm._kb.lint.near_duplicates import _near
from ckm.search.analysis.word_forms import fold_text
from tests.conftest import examples

from .bases import TODAY, full, write

ISSUE = "The parcel has not come on the promised day and nobody called."


def near(folder: Path, *documents: str) -> list[str]:
    write(folder, *documents)
    report = lint_base(read_folder(folder), TODAY)
    return [each.entry or "" for each in report.findings if each.rule == "near-duplicate"]


@pytest.mark.parametrize(
    ("title", "issue"),
    [
        ("Parcel has not come", ISSUE),
        ("PARCEL has nott come!", ISSUE.replace("promised", "promissed")),
        ("Where the parcel stays", ISSUE),
        ("Parcel has not come", ISSUE.replace("and nobody called", "nor did anyone call us")),
    ],
)
def test_a_copy_with_small_changes_is_found(tmp_path: Path, title: str, issue: str) -> None:
    one = full("a", title="Parcel has not come", issue=ISSUE)
    other = full("b", title=f"'{title}'", issue=issue, question="Other?")
    assert near(tmp_path, one, full("x", 1), full("y", 2), other) == ["b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("包裹沒有在約定的日子送達怎麼辦", "包裹没有在约定的日子送达怎么办"),
        ("بسته در روز موعود نرسيده است", "بسته در روز موعود نرسیده است"),
        ("Rückgabe größerer Bestellungen", "Rueckgabe grösserer Bestellungen"),
        ("ＰＡＲＣＥＬ１２ late again today", "parcel12 late again today"),
    ],
)
def test_spelling_variants_of_a_text_are_duplicates(tmp_path: Path, one: str, other: str) -> None:
    texts = [full(name, title=text, issue=text + "?", question=name) for name, text in (("a", one), ("b", other))]
    assert near(tmp_path, *texts) == ["b"]


def test_entries_with_other_numbers_another_kind_or_a_link_are_not_duplicates(tmp_path: Path) -> None:
    sizes = [
        full(f"s{size}", title=f"Shoes of size {size} are late", issue=f"Size {size} has not come") for size in (42, 43)
    ]
    assert near(tmp_path, *sizes) == []
    one, other = (full(name, title="Parcel has not come", issue=ISSUE) for name in "ab")
    assert near(tmp_path, one, other.replace("kind: for", "kind: from")) == []
    assert near(tmp_path, one, other + "links: {related: [a]}\n") == []
    assert near(tmp_path, one + "links: {supersedes: [b]}\n", other) == []


def test_each_of_many_copies_has_one_finding(tmp_path: Path) -> None:
    names = [f"c{chr(97 + number % 26)}{number // 26}" for number in range(60)]
    assert len(near(tmp_path, *(full(name, title="Same title", issue=ISSUE) for name in names))) == 59


@pytest.mark.slow
@settings(max_examples=examples(15))
@given(st.randoms(use_true_random=False))
def test_no_similar_pair_is_missed_among_realistic_texts(rng: random.Random) -> None:
    letters = "abcdefghijklmnoprstuvw"
    words = ["".join(rng.choice(letters) for _ in range(rng.randint(3, 9))) for _ in range(400)]
    texts = [" ".join(rng.choice(words) for _ in range(rng.randint(4, 20))) for _ in range(60)]
    for text in texts[:15]:  # a typo in each
        place = rng.randrange(len(text))
        texts.append(text[:place] + rng.choice(letters) + text[place + 1 :])
    texts = sorted({fold_text(text) for text in texts})
    wanted = {
        frozenset((one, other))
        for one in texts
        for other in texts
        if one < other and fuzz.ratio(one, other) >= 90
    }  # fmt: skip
    assert {frozenset(pair) for pair in _near(texts, 0.9)} == wanted
