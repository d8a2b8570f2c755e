"""Reading an entry: every mistake has its line and a suggestion; values are the text in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm._kb.entry import KnowledgeEntry, Mistake
from ckm._kb.entry_files import read_file
from ckm._kb.entry_reader import MOST_MISTAKES
from ckm.severity import Severity

from .bases import smallest, write


def read(folder: Path, text: str) -> tuple[list[KnowledgeEntry], list[Mistake]]:
    return read_file(write(folder, text), folder)


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        ("facet: polcy", "a facet must be one of transaction,", "did you mean 'policy'?"),
        ("need: Explicit", "a need must be one of", "did you mean 'explicit'?"),
        ("seci: {mode: externalize}", "a mode must be one of", "did you mean 'externalise'?"),
        ("lang: zh_Hant", "'zh_Hant' is not a language tag", "did you mean 'zh-Hant'?"),
        ("lang: english", "'english' is not a language tag", "BCP 47"),
        ("cause: {germany: x}", "'germany' is not a language tag", "BCP 47"),
        ("cause: [one, two]", "expected a text under 'cause'", None),
        ("cause: ' '", "empty text under 'cause'", "remove the key"),
        ("cause: {}", "empty text under 'cause'", "remove the key"),
        ("aliases: [[a]]", "expected a text under 'aliases'", None),
        ("classify: {topics: {a: b}}", "expected a list under 'classify.topics'", "[one, two]"),
        ("classify: [a]", "expected 'key: value' pairs under 'classify'", None),
        ("authentic: {at: 31.12.2025}", "expected a date under 'authentic.at'", "did you mean 2025-12-31?"),
        ("authentic: {at: 01/02/2025}", "expected a date", "write it as 2026-12-31"),
        ("authentic: {at: 2025/3/4}", "expected a date", "did you mean 2025-03-04?"),
        ("authentic: {at: 2025-03-04T10:00:00Z}", "expected a date", "did you mean 2025-03-04?"),
        ("authentic: {at: 2025-02-29}", "invalid date", "month"),
        ("authentic: {at: 20250304}", "expected a date", "write it as"),
        ("cause: x\ncause: y", "duplicate key 'cause', first in line 9", "remove one"),
        ("? [a]\n: b", "a key must be one word", None),
    ],
)
def test_a_mistake_in_a_key_that_is_not_decisive_keeps_the_entry_and_has_a_line(
    tmp_path: Path, more: str, message: str, hint: str | None
) -> None:
    entries, mistakes = read(tmp_path, smallest() + more + "\n")
    assert [entry.id for entry in entries] == ["late"]
    assert [(each.rule, each.severity, each.entry, each.left_out) for each in mistakes] == [
        ("schema", Severity.error, "late", False)
    ]
    assert mistakes[0].line == 8 + len(more.splitlines()) - (1 if more.startswith("?") else 0)
    assert message in mistakes[0].message
    assert (hint or "") in (mistakes[0].hint or "")


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("id: late", "id: a b", "no spaces"),
        ("id: late", "id: -rf", "dash"),
        ("id: late", "id: " + "x" * 501, "at most 500"),
        ("id: late", 'id: "a\\e[31m"', "no control characters"),
        ("id: late", 'id: "a\\u202Eb"', "no control characters"),
        ("id: late", "id: [a]", "expected a text"),
        ("id: late", "id:", "'id' is missing"),
        ("confidence: wip", "confidence: final", "a confidence must be one of"),
        ("state: {confidence: wip}", "state: {}", "'state.confidence' is missing"),
        ("review: {}", "review: {}\napplies: {valid_until: soon}", "expected a date"),
        ("review: {}", "review: {}\naccess: {read: {a: b}}", "expected a list"),
        ("id: late", "id: late\nid: later", "duplicate key 'id', first in line 2"),
    ],
)
def test_a_mistake_in_a_decisive_key_leaves_the_entry_out(tmp_path: Path, was: str, now: str, message: str) -> None:
    entries, mistakes = read(tmp_path, smallest().replace(was, now))
    assert entries == []
    assert any(message in each.message and each.left_out for each in mistakes)


def test_all_missing_keys_are_reported_together(tmp_path: Path) -> None:
    entries, mistakes = read(tmp_path, "id: a\nstate: {confidence: wip}\n")
    assert len(entries) == 1
    missing = {each.message.split("'")[1] for each in mistakes}
    assert missing == {"schema", "kind", "title", "issue", "review", "provenance"}


def test_unknown_keys_are_stored_and_reported_with_a_similar_key(tmp_path: Path) -> None:
    entries, mistakes = read(tmp_path, smallest() + "titel: x\nmood: {a: [1, ~]}\nseci: {mode: combine, why: y}\n")
    assert entries[0].extra == {"titel": "x", "mood": {"a": ["1", None]}, "seci.why": "y"}
    assert [(each.rule, each.severity, each.line) for each in mistakes] == [
        ("unknown-key", Severity.warning, 9),
        ("unknown-key", Severity.warning, 10),
        ("unknown-key", Severity.warning, 11),
    ]
    assert mistakes[0].hint == "did you mean 'title'?"


def test_unusual_words_of_open_vocabularies_are_stored_and_reported(tmp_path: Path) -> None:
    text = smallest().replace("provenance: {}", "provenance: {origin: complain}")
    entries, mistakes = read(tmp_path, text)
    assert entries[0].provenance.origin == "complain"
    assert (mistakes[0].rule, mistakes[0].severity, mistakes[0].hint) == (
        "unusual-word",
        Severity.warning,
        "did you mean 'complaint'?",
    )


def test_scalars_are_read_as_the_text_in_the_file(tmp_path: Path) -> None:
    entries, _ = read(tmp_path, smallest().replace("title: Late parcel", "title: NO") + "classify: {products: [007]}\n")
    assert (entries[0].title.by_lang[""], entries[0].classify.products) == ("NO", ("007",))


def test_control_characters_are_reported_and_never_in_a_message(tmp_path: Path) -> None:
    text = smallest().replace("title: Late parcel", 'title: "\\e[31mred\\e]0;x\\a"') + '"k\\e[2J": "\\u009b31m"\n'
    entries, mistakes = read(tmp_path, text)
    assert entries[0].title.by_lang[""].startswith("\x1b")
    assert {each.rule for each in mistakes} == {"control-characters", "unknown-key"}
    told = "".join(f"{each.message}{each.hint}{each.where}{each.entry}" for each in mistakes)
    assert told.isprintable()
    assert all(key.isprintable() for key in entries[0].extra)


def test_of_a_thousand_mistakes_the_first_are_listed_and_the_others_counted(tmp_path: Path) -> None:
    wrong = ", ".join(f"[{number}]" for number in range(1000))
    _, mistakes = read(tmp_path, smallest() + f"aliases: [{wrong}]\n")
    assert len(mistakes) == MOST_MISTAKES + 1
    assert "950 more mistakes" in mistakes[-1].message
