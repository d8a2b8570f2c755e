"""Compared fields (facts about a person), and which column of a source has which field, by the column's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ckm.io.mapping.synonyms import normalise, synonyms
from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "link_fields.yaml"
GENERATION = "generation"
"""Field of the word after a name: junior, senior."""
FULL_NAME = "full_name"
"""Field of names that are not split; it becomes ``given_name`` and ``surname``."""
BRACKETED = re.compile(r"\([^)]*\)|__\w+__?$")
"""Part of a column name that repeats its group: ``Email (Billing)``, in the store ``Email__Billing_``."""


@dataclass(frozen=True)
class LinkField:
    """A field of records that linkage compares.

    Attributes
    ----------
    name
        Name of the field.
    personal
        Whether the value belongs to one person (date of birth); else members of a household share the value (street).
    instead_of
        Names of coarser fields that are not compared if most records have a value of this field.
    names
        Normalised names of the columns with this field.
    """

    name: str
    personal: bool
    instead_of: tuple[str, ...]
    names: frozenset[str]


@cache
def link_fields() -> dict[str, LinkField]:
    """Return all fields by name, in the order of ``ckm/data/link_fields.yaml``."""
    customers = synonyms("customers").own
    return {
        name: LinkField(
            name,
            personal=bool(entry.get("personal", False)),
            instead_of=tuple(entry.get("instead_of", ())),
            names=frozenset(normalise(str(each)) for each in (name, *entry["names"]))
            | customers.get(name, frozenset()),
        )
        for name, entry in load_data(FILE)["fields"].items()
    }


@cache
def _affixes() -> tuple[str, ...]:
    data = load_data(FILE)
    return tuple(sorted({normalise(str(each)) for each in data["prefixes"]}, key=lambda word: (-len(word), word)))


@cache
def titles() -> frozenset[str]:
    """Return the titles that are removed from names (``dr``), in lower case."""
    return frozenset(str(each).casefold() for each in load_data(FILE)["titles"])


@cache
def generations() -> dict[str, str]:
    """Return the generation by lower-case word after a name: both ``jr`` and ``junior`` are one generation."""
    return {str(word): str(generation) for word, generation in load_data(FILE)["generations"].items()}


@cache
def role_mailboxes() -> frozenset[str]:
    """Return the mailboxes of a role instead of a person, in lower case: ``info``, ``office``."""
    return frozenset(str(each).casefold() for each in load_data(FILE)["role_mailboxes"])


def field_of(column: str) -> str | None:
    """Return the name of the field of a column, by the column's name; None if the column is not compared.

    >>> field_of("Billing Phone"), field_of("Email (Billing)"), field_of("Notes")
    ('phone', 'email', None)
    """
    full = normalise(BRACKETED.sub("", column))
    bare = [full]
    for word in _affixes():
        bare += [full.removeprefix(word), full.removesuffix(word)]
    for name in dict.fromkeys(bare):
        for field in link_fields().values():
            if name in field.names:
                return field.name
    return None


def columns_by_field(columns: Iterable[str]) -> dict[str, list[str]]:
    """Return the column names by name of their field, in the order of the source."""
    found: dict[str, list[str]] = {}
    for column in columns:
        field = field_of(column)
        if field is not None:
            found.setdefault(field, []).append(column)
    return found
