"""The input of lint rules: entries, date and options."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, timedelta

    from ckm._kb.cache_file import CachedValues
    from ckm._kb.entry import KnowledgeEntry
    from ckm._kb.entry_files import EntryCollection


@dataclass(frozen=True)
class LintOptions:
    """Options of the lint rules.

    Attributes
    ----------
    topics, departments, segments, reasons
        Allowed words; empty if any word is allowed.
    languages
        Languages in which every text is required.
    freshness
        Largest age by facet.
    alike
        Similarity from 0 to 1 from which two entries are near-duplicates.
    skip
        Ids of rules that are not applied.
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
class LintContext:
    """A knowledge base as of a date.

    Attributes
    ----------
    base, as_of, options
        Entries, date and options.
    cached
        Cache for slow results that do not depend on the date; None: no cache.
    """

    base: EntryCollection
    as_of: date
    options: LintOptions
    cached: CachedValues | None = None

    @property
    def entries(self) -> tuple[KnowledgeEntry, ...]:
        """All entries that could be read."""
        return self.base.entries

    @cached_property
    def by_id(self) -> Mapping[str, KnowledgeEntry]:
        """The first entry of each id."""
        found: dict[str, KnowledgeEntry] = {}
        for entry in self.entries:
            found.setdefault(entry.id, entry)
        return found

    @cached_property
    def known_ids(self) -> frozenset[str]:
        """All ids, including those of entries that were left out because of a mistake."""
        lost = (mistake.entry for mistake in self.base.mistakes if mistake.left_out and mistake.entry)
        return frozenset((*self.by_id, *lost))

    @cached_property
    def superseded_by(self) -> Mapping[str, KnowledgeEntry]:
        """By id, an entry in use and valid on the date that supersedes it."""
        found: dict[str, KnowledgeEntry] = {}
        for entry in self.entries:
            if entry.in_use and entry.valid_on(self.as_of):
                for name in entry.links.supersedes:
                    if name != entry.id:
                        found.setdefault(name, entry)
        return found

    def cached_value(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return the JSON value that ``compute`` returns for any date, from the cache if possible."""
        return compute() if self.cached is None else self.cached.get(name, compute)

    def name(self, entry: KnowledgeEntry) -> str:
        """Return id and position of an entry, for a message."""
        return f"'{entry.id}' ({entry.path}:{entry.line})"
