"""Letters of every script, in queries and entries: none is an error, and each letter finds itself."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from ckm._kb.index_cache import open_index
from ckm.search.analysis import analyse
from ckm.search.analysis.document_terms import terms
from ckm.search.analysis.language_detection import detect
from ckm.search.analysis.languages import SNOWBALL
from ckm.search.query import parse
from tests.conftest import Run

LANGUAGES = (*SNOWBALL, "fa", "", "zh-Hans", "th")
DECLARED = ("", "ar", "fa", "de", "ru", "el")
MOST = 100  # characters in a text
SOME = 500 if settings.default.max_examples <= 25 else sys.maxunicode
"""Maximum number of characters per script; a dozen scripts have more. The thorough profile tests all."""
LEAST = 20_000
HEAD = "schema: ckm.kb/1\nkind: for\nprovenance: {origin: question}\nreview: {owner: lead}\n"


def characters(kinds: str) -> Iterator[tuple[str, str]]:
    """Yield each assigned character of some categories, and the first word of its name, mostly its script."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character)[0] in kinds:
            yield character, unicodedata.name(character, "CJK").split("-")[0].split()[0]


@cache
def by_script(kinds: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for character, name in characters(kinds):
        found.setdefault(name, []).append(character)
    return {name: some[:: -(-len(some) // SOME)] for name, some in found.items()}


def is_mark(letter: str) -> bool:
    """Return whether a letter only carries marks: Arabic vowels without a letter, and the elongation mark."""
    plain = unicodedata.normalize("NFKC", letter)
    return letter == "\u0640" or all(unicodedata.category(one) in ("Mn", "Zs", "Lm") for one in plain)


@dataclass
class Shelf:
    """Characters of one script that are read as one text, a word each; no letter is found by another one's terms."""

    characters: list[str] = field(default_factory=list)
    asked: dict[str, set[str]] = field(default_factory=dict)
    terms: set[str] = field(default_factory=set)

    def takes(self, asked: set[str]) -> bool:
        return len(self.characters) < MOST and self.terms.isdisjoint(asked)

    def add(self, character: str, asked: set[str]) -> None:
        self.characters.append(character)
        self.terms |= asked
        if unicodedata.category(character)[0] == "L" and not is_mark(character):
            self.asked[character] = asked

    def read(self) -> None:
        """Read the characters as a text of each language; each letter finds itself."""
        together = " ".join(self.characters)
        detect(together)
        for lang in DECLARED:
            text = terms(together, lang)
            found = {*text.exact, *text.words}
            for letter, asked in self.asked.items():
                assert asked & found, (f"U+{ord(letter):04X}", lang)


def read(some: list[str]) -> int:
    """Read each character as a query by itself, and all of them in texts; return how many there are."""
    shelves = [Shelf()]
    for character in some:
        query = analyse(character, among=LANGUAGES)
        asked = {token.term for token in (*query.exact, *query.words, *query.compounds)}
        shelf = next((each for each in shelves if each.takes(asked)), None)
        if shelf is None:
            shelf = Shelf()
            shelves = [each for each in shelves if len(each.characters) < MOST] + [shelf]
        shelf.add(character, asked)
        if len(shelf.characters) == MOST:
            shelf.read()
    for each in shelves:
        if len(each.characters) < MOST:
            each.read()
    return len(some)


@pytest.mark.slow
def test_characters_of_every_script_are_analysed_in_every_language() -> None:
    scripts = [some for kinds in ("L", "MNSP") for some in by_script(kinds).values()]
    assert sum(map(read, scripts)) > LEAST


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An entry per script with its characters, beside one that makes the base know Persian and Arabic."""
    monkeypatch.setenv("CKM_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "kb"
    folder.mkdir()
    for lang, text in (("fa", "این کتاب است"), ("ar", "هذا هو الكتاب"), ("de", "das ist ein Buch")):
        write(folder, lang, text, f"lang: {lang}\n")
    return folder


def write(folder: Path, name: str, text: str, more: str = "") -> None:
    quoted = json.dumps(text, ensure_ascii=False)
    entry = f"{HEAD}{more}id: {name}\ntitle: {name}\nissue: {quoted}\nstate: {{confidence: validated}}\n"
    (folder / f"{name}.yaml").write_text(entry, encoding="utf-8")


UNCLAIMED = "ܐ ހ ߊ ࠀ ࡀ ࡠ ࡰ ࢠ 𞤀 𐤀 א ა Ա አ Ꭰ ᠠ ཀ অ ꀀ 𓀀 ᚠ Ⰰ ꙮ ʼ ء"


@pytest.mark.slow
def test_the_command_finds_a_letter_of_any_script(run: Run, base: Path) -> None:
    for letter in UNCLAIMED.split():
        write(base, f"u{ord(letter):x}", f"{letter} text")
    for letter in UNCLAIMED.split():
        done = run("kb-search", letter, "--kb", base, "--as-of", "2026-01-01", "-f", "json")
        assert done.exit_code == 0, f"U+{ord(letter):04X}"
        assert f"u{ord(letter):x}" in [hit["id"] for hit in json.loads(done.stdout)], f"U+{ord(letter):04X}"


@pytest.mark.slow
def test_a_base_of_all_scripts_is_searched_in_each_script(base: Path) -> None:
    others = [each for some in by_script("MNSP").values() for each in some]
    scripts = [*by_script("L").values(), *(others[start : start + MOST] for start in range(0, len(others), MOST))]
    for number, some in enumerate(scripts):
        write(base, f"s{number}", " ".join(some))
    index = open_index(base).index
    for number, some in enumerate(scripts):
        letters = [letter for letter in some if unicodedata.category(letter)[0] == "L" and not is_mark(letter)]
        for character in {letters[0], letters[-1]} if letters else some[:1]:
            found = [hit.key.split()[0] for hit in index.search(parse(character), limit=400)]
            assert not letters or f"s{number}" in found, f"U+{ord(character):04X}"
