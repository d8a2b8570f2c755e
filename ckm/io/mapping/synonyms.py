"""Names of target columns in other programs and languages."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from ckm.io.values.word_lists import load_data
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "header_synonyms.yaml"
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
# Arabic and Persian keyboards use different code points for yeh and kaf; headers mix both.
PERSIAN_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه"})
LATIN_ACCENTS = range(0x0300, 0x0370)
UNITS = frozenset({"cent", "cents", "penny", "pence", "minor", "satang", "fen", "percent", "pct", "rate", "prozent"})
"""Words in a column name for numbers that are not amounts in the main currency unit."""
NEAR = 72
"""Similarity (0 to 100, rapidfuzz ratio) above which a column is suggested to the user; similarity never maps a column.
"""
LOOK_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK"})
"""Alphabets with letters that look alike."""


def normalise(name: str) -> str:
    """Return a normalised column name, which is equal for different spellings.

    Case, width, spaces, punctuation, accents and zero-width joiners are removed; umlauts become two letters;
    Arabic yeh and kaf become the Persian ones. Vowel marks of Thai and other scripts stay: they make words.

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
        Per target, its synonyms.
    fallback
        Per target, lists of more general names, tried in order if no synonym matches.
    last_resort
        Per target, lists of names tried if nothing else matches.
    """

    own: dict[str, frozenset[str]]
    fallback: dict[str, tuple[frozenset[str], ...]]
    last_resort: dict[str, tuple[frozenset[str], ...]]

    def of(self, target: str) -> frozenset[str]:
        """Return every name that may match ``target``."""
        tiers = (*self.fallback.get(target, ()), *self.last_resort.get(target, ()))
        return self.own[target].union(*tiers)

    def is_last_resort(self, target: str, column: str) -> bool:
        """Return whether a column name matches ``target`` by a name of last resort."""
        return any(normalise(column) in names for names in self.last_resort.get(target, ()))


@dataclass(frozen=True)
class ExportSynonyms:
    """A program's export, recognised by a few columns; per target its columns in order of preference."""

    name: str
    table: str
    signature: frozenset[str]
    columns: dict[str, tuple[str, ...]]


def synonyms(table: str) -> Synonyms:
    """Return the synonyms of the targets of ``table``; for a table without synonyms, only the target names."""
    return _synonyms(table, tuple(TABLES[table].targets))


@cache
def _synonyms(table: str, targets: tuple[str, ...]) -> Synonyms:
    data = load_data(FILE)
    combined = {tier: combined_names(names.get(table, {})) for tier, names in data["combined"].items()}
    shared_names = combined_names(data["combined"]["shared"])
    combined["own"] |= {target: names for target, names in shared_names.items() if target in targets}
    of_table = {
        target: frozenset({normalise(target)}.union(*map(_normalised, data.get(table, {}).get(target, []))))
        for target in targets
    }
    own: dict[str, frozenset[str]] = {}
    for target in targets:
        # a member's number is the customer's id in every table but that of memberships, which has a column for it
        others = frozenset[str]().union(*(names for name, names in of_table.items() if name != target))
        shared = frozenset[str]().union(*map(_normalised, data["shared"].get(target, [])))
        own[target] = of_table[target] | (shared - others)
    written = frozenset[str]().union(*own.values())
    for target, names in combined["own"].items():
        own[target] |= names - written
    fallback, last_resort = (
        _with_combined(_tiers(data[tier].get(table, {})), combined[tier], written)
        for tier in ("fallback", "last_resort")
    )
    return Synonyms(own, fallback, last_resort)


@cache
def exports() -> tuple[ExportSynonyms, ...]:
    """Return the exports that are recognised by their columns."""
    return tuple(
        ExportSynonyms(
            name,
            entry["table"],
            _normalised(entry["signature"]),
            {target: tuple(map(normalise, names)) for target, names in entry["columns"].items()},
        )
        for name, entry in load_data(FILE)["exports"].items()
    )


def in_another_unit(column: str) -> bool:
    """Return whether a column name indicates cents, percent or a similar unit.

    >>> in_another_unit("amount_cents"), in_another_unit("Net %")
    (True, True)
    """
    return "%" in column or not UNITS.isdisjoint(re.findall(r"[^\W\d_]+", column.casefold()))


def in_two_alphabets(column: str) -> bool:
    """Return whether a word of a column name mixes Latin letters with letters of a similar alphabet."""
    return any(
        len(LOOK_ALIKE & {unicodedata.name(letter, "").partition(" ")[0] for letter in word}) > 1
        for word in re.findall(r"[^\W\d_]+", column)
    )


def candidates(target: str, table: str, columns: Iterable[str], *, limit: int = 3) -> list[str]:
    """Return the columns with names similar to ``target``, most similar first, without columns in another unit.

    General words such as *number* make no names similar: a phone number is not an order number.
    """
    from rapidfuzz import fuzz, process  # imported late: most commands compare no names

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
    """Return the similarity (0 to 100) of two names; if both have a general word such as *number*, it is ignored."""
    from rapidfuzz import fuzz

    mine = _distinctive(written)
    general = mine != written and distinctive != name
    return fuzz.ratio(mine, distinctive) if general else fuzz.ratio(written, name)


def _distinctive(name: str) -> str:
    """Return a normalised name without a general prefix or suffix, unless nothing would be left."""
    for word in _general_words():
        for rest in (name.removesuffix(word), name.removeprefix(word)):
            if rest and rest != name:
                return rest
    return name


@cache
def _general_words() -> tuple[str, ...]:
    return tuple(sorted(_normalised(load_data(FILE)["general"]), key=lambda word: (-len(word), word)))


def combined_names(section: dict[str, list[list[list[str]]]]) -> dict[str, frozenset[str]]:
    """Return per target the names that combine a word of one list with one of another, in either order."""
    return {
        target: frozenset(
            normalise(name)
            for first, second in pairs
            for one, other in product(map(str, first), map(str, second))
            for name in (f"{one} {other}", f"{other} {one}", f"{other} of {one}")
        )
        for target, pairs in section.items()
    }


def _with_combined(
    tiers: dict[str, tuple[frozenset[str], ...]], combined: dict[str, frozenset[str]], written: frozenset[str]
) -> dict[str, tuple[frozenset[str], ...]]:
    """Return the tiers with the combined names that are not the name of a target as a last one."""
    return tiers | {target: (*tiers.get(target, ()), names - written) for target, names in combined.items()}


def _normalised(names: Iterable[Any]) -> frozenset[str]:
    return frozenset(normalise(str(name)) for name in names)


def _tiers(section: dict[str, list[list[str]]]) -> dict[str, tuple[frozenset[str], ...]]:
    return {target: tuple(map(_normalised, lists)) for target, lists in section.items()}
