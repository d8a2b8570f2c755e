"""What other programs call the columns of our tables: names compared across languages and spellings."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz, process

from ckm.schema import TABLES
from ckm.values.data_files import load_data

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "header_synonyms.yaml"
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
# Arabic keyboards write yeh and kaf with other code points than Persian ones; headers mix both.
PERSIAN_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه"})
LATIN_ACCENTS = range(0x0300, 0x0370)
UNITS = frozenset({"cent", "cents", "penny", "pence", "minor", "satang", "fen", "percent", "pct", "rate", "prozent"})
"""Words in the name of a column that say that its numbers are no amounts in the currency's main unit."""
NEAR = 72
"""Likeness (0 to 100, rapidfuzz ratio) from which a column is worth suggesting. It is never mapped for that."""
LOOK_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK"})
"""Alphabets of which some letters look the same."""


def normalise(name: str) -> str:
    """Return a column name without what spellings of the same name differ in.

    Case, width, blanks, punctuation, accents and zero-width joiners go; umlauts become two letters; Arabic yeh and kaf
    become the Persian ones. Vowel marks of Thai and other scripts stay: they make words.

    >>> normalise("Kunden-Nr.") == normalise("KUNDENNR")
    True
    """
    text = unicodedata.normalize("NFKC", name).casefold().translate(UMLAUTS).translate(PERSIAN_LETTERS)
    letters = unicodedata.normalize("NFD", text)
    bare = "".join(letter for letter in letters if ord(letter) not in LATIN_ACCENTS)
    return "".join(
        letter
        for letter in unicodedata.normalize("NFC", bare)
        if letter.isalnum() or unicodedata.category(letter).startswith("M")
    )


@dataclass(frozen=True)
class Synonyms:
    """The known names of one table's targets, normalised.

    Attributes
    ----------
    own
        Per target, the names that mean it.
    fallback
        Per target, lists of more general names, tried in order when no own name is there.
    last_resort
        Per target, lists of names tried when nothing else gives it.
    """

    own: dict[str, frozenset[str]]
    fallback: dict[str, tuple[frozenset[str], ...]]
    last_resort: dict[str, tuple[frozenset[str], ...]]

    def of(self, target: str) -> frozenset[str]:
        """Every name that may mean ``target``."""
        tiers = (*self.fallback.get(target, ()), *self.last_resort.get(target, ()))
        return self.own[target].union(*tiers)


@dataclass(frozen=True)
class Export:
    """A program's export, known by a few of its columns; per target its columns in order of preference."""

    name: str
    table: str
    signature: frozenset[str]
    columns: dict[str, tuple[str, ...]]


def synonyms(table: str) -> Synonyms:
    """Return the names known for the targets of ``table``: its own alone where nobody wrote synonyms for it."""
    return _synonyms(table, tuple(TABLES[table].targets))


@cache
def _synonyms(table: str, targets: tuple[str, ...]) -> Synonyms:
    data = load_data(FILE)
    own: dict[str, frozenset[str]] = {}
    for target in targets:
        lists = [*data["shared"].get(target, []), *data.get(table, {}).get(target, [])]
        own[target] = frozenset({normalise(target)}.union(*map(_normalised, lists)))
    return Synonyms(own, _tiers(data["fallback"].get(table, {})), _tiers(data["last_resort"].get(table, {})))


@cache
def exports() -> tuple[Export, ...]:
    """Return the exports that are known by their columns."""
    return tuple(
        Export(
            name,
            entry["table"],
            _normalised(entry["signature"]),
            {target: tuple(map(normalise, names)) for target, names in entry["columns"].items()},
        )
        for name, entry in load_data(FILE)["exports"].items()
    )


def in_another_unit(column: str) -> bool:
    """Whether the name of a column says that its numbers are cents, percent or the like.

    >>> in_another_unit("amount_cents"), in_another_unit("Net %")
    (True, True)
    """
    return "%" in column or not UNITS.isdisjoint(re.findall(r"[^\W\d_]+", column.casefold()))


def in_two_alphabets(column: str) -> bool:
    """Return whether a word of a column's name has Latin letters and those of an alphabet with letters that look so."""
    return any(
        len(LOOK_ALIKE & {unicodedata.name(letter, "").partition(" ")[0] for letter in word}) > 1
        for word in re.findall(r"[^\W\d_]+", column)
    )


def candidates(target: str, table: str, columns: Iterable[str], *, limit: int = 3) -> list[str]:
    """Return the columns whose names are most like a known name of ``target``, likest first; none in another unit.

    Names that are alike only in a word such as *number* are unlike: a phone number is no order number.
    """
    names = {name: _distinctive(name) for name in synonyms(table).of(target)}
    scored: list[tuple[float, str]] = []
    for column in columns:
        if in_another_unit(column):
            continue
        written = normalise(column)
        near = process.extract(written, list(names), scorer=fuzz.ratio, score_cutoff=NEAR, limit=None)
        best = max((min(score, _likeness(written, name, names[name])) for name, score, _ in near), default=0.0)
        if best >= NEAR:
            scored.append((-best, column))
    return [column for _, column in sorted(scored)[:limit]]


def _likeness(written: str, name: str, distinctive: str) -> float:
    """Likeness of what is distinctive in two names; that of the names where only one has a general word."""
    mine = _distinctive(written)
    general = mine != written and distinctive != name
    return fuzz.ratio(mine, distinctive) if general else fuzz.ratio(written, name)


def _distinctive(name: str) -> str:
    """Return a normalised name without a general word before or after it, where anything else is left."""
    for word in _general_words():
        for rest in (name.removesuffix(word), name.removeprefix(word)):
            if rest and rest != name:
                return rest
    return name


@cache
def _general_words() -> tuple[str, ...]:
    return tuple(sorted(_normalised(load_data(FILE)["general"]), key=lambda word: (-len(word), word)))


def _normalised(names: Iterable[Any]) -> frozenset[str]:
    return frozenset(normalise(str(name)) for name in names)


def _tiers(section: dict[str, list[list[str]]]) -> dict[str, tuple[frozenset[str], ...]]:
    return {target: tuple(map(_normalised, lists)) for target, lists in section.items()}
