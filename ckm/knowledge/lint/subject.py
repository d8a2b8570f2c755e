"""What rules look at: the entries as one base, the day, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, timedelta

    from ckm.knowledge.cache_file import CachedValues
    from ckm.knowledge.entry import Entry
    from ckm.knowledge.entry_files import Base


@dataclass(frozen=True)
class Expected:
    """What the team has agreed on.

    Attributes
    ----------
    topics, departments, segments, reasons
        The words there are; None or empty where anything goes.
    languages
        Languages that every text shall be in.
    freshness
        Greatest age by facet.
    alike
        Likeness from 0 to 1 from which two entries are near-duplicates.
    skip
        Rules that are not applied.
    """

    topics: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()
    freshness: Mapping[str, timedelta] = field(default_factory=dict)
    alike: float = 0.9
    skip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A knowledge base on a day.

    Attributes
    ----------
    base, as_of, expected
        The entries, the day, and what the team has agreed on.
    cached
        Where what takes long and does not depend on the day is kept; None: nowhere.
    """

    base: Base
    as_of: date
    expected: Expected
    cached: CachedValues | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries that could be read."""
        return self.base.entries

    @cached_property
    def by_id(self) -> Mapping[str, Entry]:
        """The first entry of each id."""
        found: dict[str, Entry] = {}
        for entry in self.entries:
            found.setdefault(entry.id, entry)
        return found

    @cached_property
    def known_ids(self) -> frozenset[str]:
        """All ids, those of entries that were left out for another mistake among them."""
        lost = (mistake.entry for mistake in self.base.mistakes if mistake.left_out and mistake.entry)
        return frozenset((*self.by_id, *lost))

    @cached_property
    def superseded_by(self) -> Mapping[str, Entry]:
        """By id, an entry that is in use and valid on the day and stands in its place."""
        found: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.in_use and entry.valid_on(self.as_of):
                for name in entry.links.supersedes:
                    if name != entry.id:
                        found.setdefault(name, entry)
        return found

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what ``make`` returns, which JSON can hold, or what it returned for the same entries another day."""
        return make() if self.cached is None else self.cached.get(name, make)

    def name(self, entry: Entry) -> str:
        """Name an entry with its place, for a message."""
        return f"'{entry.id}' ({entry.path}:{entry.line})"
