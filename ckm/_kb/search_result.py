"""The scope of a search and its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from ckm._kb.entry_schema import words
from ckm.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from pathlib import Path

    from ckm.search.analysis import Analysis

__all__ = ["FILTERS", "Hit", "MeaningOptions", "Scope", "SearchResult", "Semantic"]

Semantic = Literal["auto", "on", "off"]
"""Whether a search looks for meaning: if few words match, always, never."""

FILTERS = ("kind", "facet", "lang", "tag", "product", "segment", "reason", "state")
"""Names of the filters; each compares exact values."""
SCHEMA_KEYS = {"kind": "kind", "facet": "facet", "state": "state.confidence"}
"""Filters whose values are words of the entry schema, and the keys that hold them. Other values are refused."""


ENOUGH = 0.5
"""Share of the query's words in the best hit from which a search does not look for meaning by itself, if all entries
have a text in the language of the query."""
LITTLE = 0.25
"""Share of the query's words below which a hit has little in common with the query. It keeps 98 % or more of the
answers in each shared set (95 % in the example shop); two thirds of questions on other subjects keep no hit
(``bench/search_refusal.py``)."""
LEAST_COSINE = 0.35
"""Smallest cosine of a hit that contains no word of the query. In ``bench/search_semantic.py`` nine in ten expected
entries have .43 or more, and nine in ten questions on other subjects at most .36 with every entry."""
LITTLE_IN_COMMON = "little in common with the query"
"""Warning of a hit with too few of the query's words."""


def has_little_in_common(coverage: float | None, cosine: float | None) -> bool:
    """Return whether an entry has few of a query's words (share ``coverage``), and is not similar by meaning."""
    return coverage is not None and coverage < LITTLE and (cosine is None or cosine < LEAST_COSINE)


class MeaningOptions(NamedTuple):
    """Whether a search looks for meaning, and the folder of the encoder."""

    semantic: Semantic = "auto"
    encoder: Path | None = None


@dataclass(frozen=True)
class Hit:
    """An entry that matches a query.

    Attributes
    ----------
    id
        Id of the entry.
    title, lang, title_highlights
        Title in the reader's language, that language, and the matching words in it as (start, end) character positions.
    snippet, snippet_lang, snippet_field, highlights
        Part of a text with the most matching words, its language, its key in the entry, and the matching words in it.
    kind, facet, state
        As in the entry.
    warnings
        Reasons not to rely on the entry: ``expired 2025-12-31``, ``superseded by X``, ``not validated``,
        ``review overdue since 2026-01-31``.
    checked, age_days
        Date of its last review, verification or collection, and the days from then to the date of the search. None if
        the entry has no such date.
    due
        Date of the next review.
    valid_from, valid_until
        First and last date on which the entry is valid.
    score
        Relevance after penalties; higher is better. Comparable only within one search.
    match, penalties, parts
        Score before penalties: BM25, or words and meaning combined (:mod:`ckm._kb.semantic_search`); factor of each
        penalty; parts of the score (empty without ``explain``).
    topics, departments, products, segments, reasons, languages, owner
        As in the entry.
    path, line
        File relative to the knowledge folder, and line.
    meaning
        Cosine of the entry with the query, if the search looked for meaning and the entry has a text in a language of
        the encoder.
    coverage
        Share of the query's words that the entry has, weighted by their inverse document frequency; None for a query
        without words or with phrases, excluded words or fields.
    """

    id: str
    title: str
    lang: str
    title_highlights: tuple[tuple[int, int], ...]
    snippet: str
    snippet_lang: str
    snippet_field: str
    highlights: tuple[tuple[int, int], ...]
    kind: str
    facet: str | None
    state: str
    warnings: tuple[str, ...]
    checked: date | None
    age_days: int | None
    due: date | None
    valid_from: date | None
    valid_until: date | None
    score: float
    match: float
    penalties: Mapping[str, float]
    parts: Mapping[str, float]
    topics: tuple[str, ...]
    departments: tuple[str, ...]
    products: tuple[str, ...]
    segments: tuple[str, ...]
    reasons: tuple[str, ...]
    languages: tuple[str, ...]
    owner: str | None
    path: str
    line: int
    meaning: float | None = None
    coverage: float | None = None

    @property
    def has_little_in_common(self) -> bool:
        """Whether the entry has few of the query's words, and is not similar to the query by meaning."""
        return has_little_in_common(self.coverage, self.meaning)


@dataclass(frozen=True)
class SearchResult:
    """Result of a search.

    Attributes
    ----------
    hits
        Hits, best first.
    as_of
        Date of the search.
    suggestions
        Queries with corrected spelling that have hits. Only if there are no hits.
    nearest
        The entry that shares most character grams with the query, and at least half of them. Only if there are no hits
        and no suggestions.
    remarks
        Notes for the reader, as sentences.
    analysis
        Tokens of the query.
    """

    hits: tuple[Hit, ...]
    as_of: date
    suggestions: tuple[str, ...]
    nearest: Hit | None
    remarks: tuple[str, ...]
    analysis: Analysis = field(repr=False)

    @property
    def answers(self) -> tuple[Hit, ...]:
        """The hits without those that have little in common with the query; if there are none, it is unanswered."""
        return tuple(hit for hit in self.hits if not hit.has_little_in_common)


@dataclass(frozen=True)
class Scope:
    """The entries that a search considers.

    Attributes
    ----------
    as_of
        Date on which entries must be valid, and to which warnings and ages refer.
    filters
        Values by name (:data:`FILTERS`). An entry must have one of the values of each filter.
    roles
        Roles of the reader. Entries that none of them may read are left out. Empty: no check.
    include_inactive
        Include drafts, archived entries and entries that are not valid on the date.

    Raises
    ------
    UnknownNameError
        A filter, or a value of a closed vocabulary, does not exist.
    """

    as_of: date
    filters: Mapping[str, Collection[str]] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    include_inactive: bool = False

    def __post_init__(self) -> None:
        """Check the names of filters, and their values where the schema lists them."""
        for name, values in self.filters.items():
            if name not in FILTERS:
                raise UnknownNameError("filter", name, FILTERS)
            if name in SCHEMA_KEYS:
                known = words(SCHEMA_KEYS[name])
                for value in values:
                    if value.casefold() not in known:
                        raise UnknownNameError(name, value, known)
