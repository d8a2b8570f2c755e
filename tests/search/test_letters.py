"""Every letter of Unicode, in a query and in an entry: none is an error, and each letter is found by itself."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckm.knowledge.cache import open_index
from ckm.search.analysis import analyse
from ckm.search.analysis.detection import detect
from ckm.search.analysis.languages import SNOWBALL
from ckm.search.analysis.terms import terms
from ckm.search.query import parse
from tests.conftest import Run

LANGUAGES = (*SNOWBALL, "fa", "", "zh-Hans", "th")
DECLARED = ("", "ar", "fa", "de", "ru", "el")
LEAST = 140_000  # of Unicode 14, which Python 3.11 has
HEAD = "schema: ckm.kb/1\nkind: for\nprovenance: {origin: question}\nreview: {owner: lead}\n"


def characters(kinds: str) -> Iterator[tuple[str, str]]:
    """Yield each assigned character of some kinds, and what its name begins with: mostly its script."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character)[0] in kinds:
            yield character, unicodedata.name(character, "CJK").split("-")[0].split()[0]


def by_script(kinds: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for character, name in characters(kinds):
        found.setdefault(name, []).append(character)
    return found


def is_mark(letter: str) -> bool:
    """Whether a letter stands for marks only: Arabic vowels on nothing, and the line that lengthens a word."""
    plain = unicodedata.normalize("NFKC", letter)
    return letter == "\u0640" or all(unicodedata.category(one) in ("Mn", "Zs", "Lm") for one in plain)


def read(character: str) -> None:
    """Read a character as a query and as a text of each language; a letter finds itself."""
    query = analyse(character, among=LANGUAGES)
    asked = {token.term for token in (*query.exact, *query.words, *query.compounds)}
    detect(character)
    for lang in DECLARED:
        text = terms(character, lang)
        if unicodedata.category(character)[0] == "L" and not is_mark(character):
            assert asked & {*text.exact, *text.words}, (f"U+{ord(character):04X}", lang)


def test_characters_of_every_script_are_read_in_every_language() -> None:
    for some in by_script("LMNSP").values():
        for character in some[:: max(1, len(some) // 4)]:
            read(character)


@pytest.mark.slow
def test_every_character_of_unicode_is_read_in_every_language() -> None:
    count = 0
    for character, _ in characters("LMNSP"):
        read(character)
        count += 1
    assert count > LEAST


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An entry per script with all of its characters, beside one that makes the base know Persian and Arabic."""
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


def test_a_letter_of_any_script_is_found_by_the_real_command(run: Run, base: Path) -> None:
    for letter in UNCLAIMED.split():
        write(base, f"u{ord(letter):x}", f"{letter} text")
    for letter in UNCLAIMED.split():
        done = run("kb-search", letter, "--kb", base, "--as-of", "2026-01-01", "-f", "json")
        assert done.exit_code == 0, f"U+{ord(letter):04X}"
        assert f"u{ord(letter):x}" in [hit["id"] for hit in json.loads(done.stdout)], f"U+{ord(letter):04X}"


@pytest.mark.slow
def test_a_base_of_every_character_is_searched_for_some_of_every_script(base: Path) -> None:
    scripts = by_script("LMNSP")
    for number, some in enumerate(scripts.values()):
        write(base, f"s{number}", " ".join(some))
    index = open_index(base).index
    for number, some in enumerate(scripts.values()):
        letters = [letter for letter in some if unicodedata.category(letter)[0] == "L" and not is_mark(letter)]
        for character in {letters[0], letters[-1]} if letters else some[:1]:
            found = [hit.key.split()[0] for hit in index.search(parse(character), limit=400)]
            assert not letters or f"s{number}" in found, f"U+{ord(character):04X}"
