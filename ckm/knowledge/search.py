"""Search in a knowledge base: which entries take part, which come first, and what is said of each.

Imports nothing that a search does not need: ``ckm kb-search`` is done before a frame library is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ckm.errors import UnknownNameError, UsageError
from ckm.files import refuse_unreadable
from ckm.knowledge.index_cache import Opened, open_index
from ckm.knowledge.ranking import PENALTIES, Ranked, best, faults_of, penalty
from ckm.knowledge.reader import main_language, show
from ckm.knowledge.schema import words
from ckm.search.query import Clause, Query, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ckm.knowledge.index_cache import Progress
    from ckm.search.analysis import Analysis
    from ckm.search.index import Hit as Found

__all__ = ["FILTERS", "Hit", "KnowledgeBase", "Scope", "SearchResult", "open_base"]

FILTERS = ("kind", "facet", "lang", "tag", "product", "segment", "reason", "state")
"""What a search can be narrowed to by exact values."""
CLOSED = {"kind": "kind", "facet": "facet", "state": "state.confidence"}
"""Filters whose values are words of the schema, and the keys that have them: any other value would find nothing."""
MOST_HITS = 10_000
"""Of a search: the index sets memory aside for as many as are asked for."""
STATES = ("not_validated", "validated")
"""States of entries that are shown unless the search names others or asks for all."""
WIDTH = 160
"""Characters of a passage."""
NEAREST = 25
"""How many near entries are looked at for one that may be shown."""
SUGGESTIONS = 3
MOST_COUNTED = 100
"""Up to so many entries that do not take part are counted."""


@dataclass(frozen=True)
class Hit:
    """An entry that was found.

    Attributes
    ----------
    id
        Of the entry.
    title, lang, title_marks
        Title in the reader's language, that language, and what matched in it as (start, end) by characters.
    passage, passage_lang, passage_field, marks
        The piece of a text that matched best, its language, the key it stands under, and what matched in it.
    kind, facet, state
        As in the entry.
    warnings
        What a reader must know before using it: ``expired 2025-12-31``, ``superseded by X``, ``not validated``,
        ``review overdue since 2026-01-31``.
    checked, age_days
        When it was last reviewed, verified or learned, and how many days that was before the day of the search; None
        where it does not say.
    due
        Day of the next review.
    valid_from, valid_until
        First and last day on which it holds.
    score
        Higher is better; comparable within one search only.
    match, penalties, parts
        What the score is made of: the match before penalties, what each fault multiplies it by, and how much words
        and grams gave (empty unless asked for).
    topics, departments, products, segments, reasons, languages, owner
        As in the entry.
    path, line
        Where it stands, relative to the knowledge folder.
    """

    id: str
    title: str
    lang: str
    title_marks: tuple[tuple[int, int], ...]
    passage: str
    passage_lang: str
    passage_field: str
    marks: tuple[tuple[int, int], ...]
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


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    hits
        Best first.
    as_of
        The day of the search.
    suggestions
        Queries that were perhaps meant and do find something; only where nothing was found.
    nearest
        The entry that shares most character grams with the query, and at least half of them; only where nothing was
        found and nothing is suggested.
    remarks
        What the reader should know, as sentences.
    analysis
        How the query was read.
    """

    hits: tuple[Hit, ...]
    as_of: date
    suggestions: tuple[str, ...]
    nearest: Hit | None
    remarks: tuple[str, ...]
    analysis: Analysis = field(repr=False)


@dataclass(frozen=True)
class Scope:
    """Which entries take part.

    Attributes
    ----------
    as_of
        The day on which they must hold, and by which they are judged.
    filters
        Values by name (:data:`FILTERS`); an entry must have one of the values of each.
    roles
        Who is reading: entries that none of these roles may read are left out; empty: nobody is asked.
    everything
        Drafts, archived ones and those that do not hold on the day too.
    """

    as_of: date
    filters: Mapping[str, Collection[str]] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    everything: bool = False

    def __post_init__(self) -> None:
        """Refuse a filter that nobody knows, and a value that no entry can have."""
        for name, values in self.filters.items():
            if name not in FILTERS:
                raise UnknownNameError("filter", name, FILTERS)
            if name in CLOSED:
                known = words(CLOSED[name])
                for value in values:
                    if value.casefold() not in known:
                        raise UnknownNameError(name, value, known)


class KnowledgeBase:
    """A knowledge folder with its index open, for many searches."""

    def __init__(self, opened: Opened) -> None:
        self._index = opened.index
        self.remarks = opened.remarks + _left_out(opened)

    @cached_property
    def ids(self) -> frozenset[str]:
        """Ids of all entries, in lower case."""
        return frozenset(self._index.labels("id"))

    @cached_property
    def _superseded(self) -> frozenset[str]:
        """Ids, in lower case, that some entry stands in place of, whether or not it is in force."""
        return frozenset(self._index.labels("supersedes"))

    def language_of(self, query: str) -> str:
        """Return the language of a query, by its script and its words; ``und`` where it gives no sign."""
        return main_language(self._index.analyse(query))

    def rank(self, query: Query, scope: Scope, limit: int, *, explain: bool = False) -> list[Ranked]:
        """Return the best entries for a query without preparing them for a reader."""
        keep, drop = self._filters(scope)
        day = scope.as_of.isoformat()

        def fetch(size: int) -> list[Found]:
            return self._index.search(query, limit=size, keep=keep, drop=drop, explain=explain and size > limit)

        def judge(found: Found) -> tuple[Mapping[str, Any], tuple[str, ...]]:
            return self._judged(found, day)

        return best(fetch, judge, limit)

    def search(
        self, text: str, scope: Scope, *, limit: int = 10, prefer_lang: str = "", explain: bool = False
    ) -> SearchResult:
        """Return what is found for a query; see :func:`ckm.kb.search`."""
        _need_count(limit)
        query = self._index.resolve(parse(text))
        analysis = self._index.analyse(query.words)
        ranked = self.rank(query, scope, limit, explain=explain)
        hits = tuple(self._hit(one, analysis, scope, prefer_lang) for one in ranked)
        remarks = (*query.remarks, *self.remarks)
        if hits:
            return SearchResult(hits, scope.as_of, (), None, remarks, analysis)
        suggestions = self._suggestions(query, analysis, scope)
        excluding = any(clause.negated for clause in query.clauses)  # the nearest may be just what is excluded
        return SearchResult(
            hits,
            scope.as_of,
            suggestions,
            None if suggestions or excluding else self._nearest(query, analysis, scope, prefer_lang),
            (*remarks, *self._hidden(query, scope)),
            analysis,
        )

    def like(self, name: str, scope: Scope, *, limit: int = 5, prefer_lang: str = "") -> list[Hit]:
        """Return the entries most like the one with this id, best first, without itself; none for an unknown id."""
        _need_count(limit)
        analysis = self._index.analyse("")
        day = scope.as_of.isoformat()
        keep, drop = self._filters(scope)
        own = [found for found in self._of_id("id", name) if self._judged(found, day)[0]["id"] == name]
        if not own:
            return []
        found = self._index.more_like(own[0].key, limit=limit + NEAREST, keep=keep)
        visible = [one for one in found if not self._is_dropped(one, drop) and one.key.partition(" ")[0] != name]
        ranked = best(lambda size: visible, lambda one: self._judged(one, day), limit)
        return [self._hit(one, analysis, scope, prefer_lang) for one in ranked]

    def _filters(self, scope: Scope) -> tuple[dict[str, Collection[str]], dict[str, Collection[str]]]:
        keep: dict[str, Collection[str]] = {name: tuple(each) for name, each in scope.filters.items() if each}
        drop: dict[str, Collection[str]] = {}
        if scope.roles:
            keep["role"] = scope.roles
        if scope.everything:
            return keep, drop
        keep.setdefault("state", STATES)
        day = scope.as_of.isoformat()
        if later := [first for first in self._index.labels("from") if first > day]:
            drop["from"] = later
        if earlier := [last for last in self._index.labels("until") if last < day]:
            drop["until"] = earlier
        return keep, drop

    def _judged(self, found: Found, day: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        import json

        entry = json.loads(found.stored)
        superseded = entry["id"].casefold() in self._superseded and bool(self._successors(entry["id"], day))
        return entry, faults_of(entry, day, superseded)

    def _successors(self, name: str, day: str) -> list[Mapping[str, Any]]:
        """Return the entries in force on a day that stand in place of one: a draft silences nobody."""
        import json

        entries = [json.loads(found.stored) for found in self._of_id("supersedes", name)]
        return [
            entry
            for entry in entries
            if name in entry.get("supersedes", ())
            and entry["id"] != name
            and entry["state"] in STATES
            and entry.get("from", day) <= day <= entry.get("until", day)
        ]

    def _of_id(self, label: str, name: str) -> list[Found]:
        return self._index.search(Query(name, "", (Clause(name, label, exact=True),)), limit=50)

    def _is_dropped(self, found: Found, drop: Mapping[str, Collection[str]]) -> bool:
        import json

        entry = json.loads(found.stored)
        return any(entry.get(name) in values for name, values in drop.items())

    def _hit(self, ranked: Ranked, analysis: Analysis, scope: Scope, prefer: str) -> Hit:
        entry = ranked.entry
        title, piece = show(entry, analysis, prefer, WIDTH)
        checked, due = _day(entry.get("checked")), _day(entry.get("due"))
        return Hit(
            id=entry["id"],
            title=title.text,
            lang=title.lang,
            title_marks=title.marks,
            passage=piece.text,
            passage_lang=piece.lang,
            passage_field=piece.field,
            marks=piece.marks,
            kind=entry.get("kind", ""),
            facet=entry.get("facet"),
            state=entry["state"],
            warnings=tuple(self._warnings(ranked, due, scope)),
            checked=checked,
            age_days=None if checked is None else (scope.as_of - checked).days,
            due=due,
            valid_from=_day(entry.get("from")),
            valid_until=_day(entry.get("until")),
            score=ranked.score,
            match=ranked.hit.score,
            penalties={fault: PENALTIES[fault] for fault in ranked.faults},
            parts=ranked.hit.parts,
            owner=entry.get("owner"),
            path=entry["path"],
            line=entry["line"],
            **{
                name: tuple(entry.get(name, ()))
                for name in ("topics", "departments", "products", "segments", "reasons", "languages")
            },
        )

    def _warnings(self, ranked: Ranked, due: date | None, scope: Scope) -> list[str]:
        entry = ranked.entry
        texts = {
            "expired": f"expired {entry.get('until')}",
            "not yet valid": f"valid from {entry.get('from')}",
        }
        found = []
        for fault in ranked.faults:
            if fault == "superseded":
                found.append(self._superseded_by(entry["id"], scope))
            else:
                found.append(texts.get(fault, fault))
        if due is not None and due < scope.as_of:
            found.append(f"review overdue since {due}")
        return found

    def _superseded_by(self, name: str, scope: Scope) -> str:
        """Name the successors that the reader may read."""
        successors = [
            entry["id"]
            for entry in self._successors(name, scope.as_of.isoformat())
            if not scope.roles or not entry.get("read") or set(entry["read"]) & set(scope.roles)
        ]
        return f"superseded by {', '.join(sorted(successors))}" if successors else "superseded"

    def _suggestions(self, query: Query, analysis: Analysis, scope: Scope) -> tuple[str, ...]:
        """Return the query with one word exchanged for a near one of the index, where that finds something."""
        found: dict[str, None] = {}
        places = [(token.start, token.end) for token in analysis.exact if token.script not in ("han", "thai")]
        places += [(run.start, run.end) for run in analysis.runs if run.script == "thai"]
        words = [word for start, end in sorted(places) for word in analysis.text[start:end].split()]
        for word in list(dict.fromkeys(words))[:10]:
            if len(word) > 40 or word.isdecimal():
                continue
            for near in self._index.vocabulary_near(word):
                other = query.text.replace(word, near)
                if len(found) < SUGGESTIONS and self.rank(parse(other), scope, 1):
                    found[other] = None
        return tuple(found)

    def _nearest(self, query: Query, analysis: Analysis, scope: Scope, prefer: str) -> Hit | None:
        keep, drop = self._filters(scope)
        day = scope.as_of.isoformat()
        for found in self._index.nearest(query.words, limit=NEAREST, keep=keep):
            if not self._is_dropped(found, drop):
                entry, faults = self._judged(found, day)
                score = round(found.score * penalty(faults), 4)
                return self._hit(Ranked(score, found, entry, faults), analysis, scope, prefer)
        return None

    def _hidden(self, query: Query, scope: Scope) -> list[str]:
        """Say how many entries match that are not in force; those that the reader may not read are none of them."""
        if scope.everything:
            return []
        wider = replace(scope, everything=True)
        more = len(self.rank(query, wider, MOST_COUNTED))
        if not more:
            return []
        count = f"{more} or more entries" if more == MOST_COUNTED else "1 entry" if more == 1 else f"{more} entries"
        matches = "matches" if more == 1 else "match"
        return [f"{count} {matches} by --all, which takes drafts, archived and expired ones too"]


def _need_count(limit: int) -> None:
    if not 1 <= limit <= MOST_HITS:
        raise UsageError(f"a search for {limit} hits is none", hint=f"ask for 1 to {MOST_HITS:,}")


def open_base(folder: Path, progress: Progress | None = None, *, anew: bool = False) -> KnowledgeBase:
    """Open a knowledge folder for many searches; see :func:`ckm.knowledge.index_cache.open_index`.

    Raises
    ------
    UsageError
        There is no such folder.
    """
    if not folder.is_dir():
        refuse_unreadable(folder)
        raise UsageError(
            f"there is no folder {folder}", hint="--kb DIR names the knowledge base; ckm kb-new starts one"
        )
    return KnowledgeBase(open_index(folder, anew=anew) if progress is None else open_index(folder, progress, anew=anew))


def _left_out(opened: Opened) -> tuple[str, ...]:
    if not opened.left_out:
        return ()
    what = "entry or file" if opened.left_out == 1 else "entries or files"
    return (f"{opened.left_out:,} {what} could not be read and took no part: ckm kb-lint says why",)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
