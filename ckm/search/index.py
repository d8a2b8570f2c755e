"""The index: records in, hits out. On disk or in memory, one tantivy index per family of scripts.

Each record becomes one document per language of its texts. The fields of a document:

==============  =======================================================================================
``key``         the record's key
``group``       what is replaced together
``label``       ``name=value``, in lower case
``language``    by whose rules its words were stemmed
``words``       terms of all texts; those of a title stand in it as often as a title weighs
``compounds``   the same for names and codes of several parts and for emoji
``forms``       the same for words as written and pairs of neighbours
``grams``       the same for grams
``exact_*``     folded words of each text in order, for phrases; one field per text field that has a weight
``spelled``     each word as written, in lower case: what did-you-mean suggests
``like``        the terms that say best what the record is about, for more like it
``vocabulary``  each folded word of scripts with spaces: which words of a text are like one of the query
``stored``      what the caller wants back
==============  =======================================================================================

Counting a title's words several times in one field is BM25F (Robertson, Zaragoza and Taylor, "Simple BM25 extension to
multiple weighted fields", CIKM 2004): a word counts by how rare it is in all texts, and saturates over all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import tantivy

from ckm.search.analysis import analyse
from ckm.search.compile import Compiled, Compiler
from ckm.search.fields import FORMAT, label_term, schema
from ckm.search.ranking import is_alike
from ckm.search.record import Record
from ckm.search.shelves import Shelves
from ckm.search.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from ckm.search.analysis import Analysis
    from ckm.search.documents import Prepared
    from ckm.search.query import Query
    from ckm.search.weights import Weights

__all__ = ["FORMAT", "Hit", "Index"]

MOST_LOOKED_AT = 1000
"""Texts without a word of the query in whose vocabulary a word like one of it is looked for. They come in the order of
the grams that they share, so that after so many, next to none has one."""
_DIGITS = 4  # decimals of a score that count: the last bits depend on the order in which an engine adds


@dataclass(frozen=True)
class Hit:
    """A record that matched.

    Attributes
    ----------
    key
        The record's key.
    score
        Higher is better; comparable within one search only. 0 where nothing in the query ranks.
    stored
        What the record brought.
    parts
        What the score is made of (``words``, ``forms``, ``grams``), empty unless asked for.
    phrases
        Whether the phrases of the query were demanded; False where no record has them.
    """

    key: str
    score: float
    stored: str
    parts: Mapping[str, float] = field(default_factory=dict)
    phrases: bool = True


_Place = tuple[int, int, int]  # shelf, and within it segment and document


class _Found(NamedTuple):
    """A document that the engine found."""

    score: float
    key: str
    place: _Place
    document: tantivy.Document


class Index:
    """An index of records; make one with :meth:`create` or :meth:`open`."""

    def __init__(self, shelves: Shelves, weights: Weights = WEIGHTS) -> None:
        self._shelves = shelves
        self._schema = schema()
        self._weights = weights
        self._read()

    @classmethod
    def create(cls, path: Path | None = None, weights: Weights = WEIGHTS) -> Self:
        """Make an empty index in a folder (made if it is missing, and empty), or in memory without one."""
        return cls(Shelves.create(path), weights)

    @classmethod
    def open(cls, path: Path, weights: Weights = WEIGHTS) -> Self:
        """Open the index of a folder.

        Raises
        ------
        ValueError
            There is none, it is broken, or it was made by another format; the caller makes it anew.
        """
        try:
            return cls(Shelves.open(path), weights)
        except (OSError, ValueError) as error:
            raise ValueError(f"no index: {error}") from error

    def __len__(self) -> int:
        """Return the number of documents: one per record and language."""
        return sum(int(searcher.num_docs) for searcher in self._searchers)

    def replace(self, groups: Iterable[str], records: Iterable[Record | Sequence[Prepared]]) -> None:
        """Remove all records of the groups, add the records.

        Killed meanwhile, some of it may be done; done again, it is as if it had been done once. Records of a group that
        is not named are added beside those that are there. A record may come as its documents, prepared by another
        process (:func:`ckm.search.documents.prepare`).
        """
        from ckm.search.documents import document, prepare  # a search does without

        self._shelves.replace(
            groups,
            (
                (prepared.shelf, document(prepared))
                for record in records
                for prepared in (prepare(record, self._weights) if isinstance(record, Record) else record)
            ),
        )
        self._read()

    def languages(self) -> tuple[str, ...]:
        """Return the languages by whose rules texts were stemmed, "" for none of them."""
        return tuple(sorted(term[1:] for term in self._terms("language", "=")))

    def labels(self, name: str) -> dict[str, int]:
        """Return the values of a label, each with the number of documents that have it."""
        prefix = label_term(name, "")
        return {term[len(prefix) :]: count for term, count in sorted(self._terms("label", prefix).items())}

    def _terms(self, field: str, prefix: str) -> Counter[str]:
        """Return the terms of a field that begin so, each with the number of documents that have it."""
        counts: Counter[str] = Counter()
        for searcher in self._searchers:
            counts.update(dict(searcher.terms_with_prefix(field, prefix)))
        return counts

    def search(
        self,
        query: Query,
        *,
        limit: int = 10,
        keep: Mapping[str, Collection[str]] = {},
        drop: Mapping[str, Collection[str]] = {},
        explain: bool = False,
    ) -> list[Hit]:
        """Return the best records for a query, best first; equal scores in order of their keys.

        Parameters
        ----------
        query
            From :func:`ckm.search.query.parse`.
        limit
            How many at most.
        keep
            Label to values: a record must have one of the values of every label named. Filters work before ranking.
        drop
            Label to values: a record must have none of them.
        explain
            Whether hits tell what their score is made of; costs another search per part.

        Returns
        -------
        list of Hit
            A phrase within other words that no record has counts as words (``phrases`` is False then): it may be a
            quotation. A hit has a word of the query, or a word with two fifths of the grams of one. A query of filters
            alone returns all that pass them, in order of their keys, with score 0; an empty query nothing.
        """
        query = self.resolve(query)
        compiled = self._compiler.compile(query, keep, drop)
        if compiled is None:
            return []
        if not compiled.parts:
            return self._in_order(compiled, limit)
        hits = self._top(compiled, limit)
        if not hits and query.quotes:
            without = self._compiler.compile(query, keep, drop, phrases=False)
            if without is not None:
                hits = [replace(hit, phrases=False) for hit in self._top(without, limit)]
        if explain:
            parts = {name: self._scores([each[name] for each in compiled.parts], hits) for name in compiled.parts[0]}
            hits = [
                replace(hit, parts={name: scores.get(hit.key, 0.0) for name, scores in parts.items()}) for hit in hits
            ]
        return hits

    def resolve(self, query: Query) -> Query:
        """Return a query in which a name before a colon is a field of this index, or else a word."""
        return self._compiler.resolve(query)

    def parts(self, query: Query) -> dict[str, dict[str, float]]:
        """Return what each part of a query gives every record that it matches, for measuring weights."""
        compiled = self._compiler.compile(self.resolve(query), {}, {})
        scores: dict[str, dict[str, float]] = {}
        for searcher, parts in zip(self._searchers, compiled.parts if compiled else (), strict=False):
            for name, part in parts.items():
                for score, address in searcher.search(part, len(self) or 1, count=False).hits:
                    scores.setdefault(searcher.doc(address)["key"][0], {}).setdefault(name, score)
        return scores

    def nearest(self, text: str, *, limit: int = 3, keep: Mapping[str, Collection[str]] = {}) -> list[Hit]:
        """Return the records that share most character grams with a text, and at least half of them."""
        compiled = self._compiler.nearest(text, keep)
        return [] if compiled is None else self._top(compiled, limit)

    def more_like(self, key: str, *, limit: int = 5, keep: Mapping[str, Collection[str]] = {}) -> list[Hit]:
        """Return the records most like one of the index, without itself; none where the key is unknown."""
        terms: Counter[str] = Counter()
        for own in self._documents(key):
            terms.update(bytes(own["like"][0]).decode().split())
        compiled = self._compiler.more_like(key, terms, keep)
        return [] if compiled is None else self._top(compiled, limit)

    def vocabulary_near(self, word: str, limit: int = 3) -> list[str]:
        """Return words of the index that a word may have been meant for, nearest first, then most common first."""
        from ckm.search.vocabulary import near

        return near(word, self._searchers, limit)

    def analyse(self, text: str) -> Analysis:
        """Return how a query is read against this index: what ``--explain`` shows and a passage marks."""
        return analyse(text, among=self.languages())

    def _read(self) -> None:
        """Look at the newest state."""
        self._searchers = self._shelves.searchers
        self._compiler = Compiler(self._schema, self._searchers, self._weights, self.languages())

    def _top(self, compiled: Compiled, limit: int) -> list[Hit]:
        """Return the best records; fetches more until no record outside could come before the last one."""
        fetch = 2 * limit + 10
        while True:
            found: list[_Found] = []
            unseen = -1.0  # what a record that was not fetched may score at most
            for shelf, (searcher, query) in enumerate(zip(self._searchers, compiled.queries, strict=True)):
                top = searcher.search(query, fetch, count=False).hits
                if len(top) == fetch:
                    unseen = max(unseen, round(top[-1][0], _DIGITS))
                for score, address in top:
                    document = searcher.doc(address)
                    if compiled.homes and document["home"][0] not in compiled.homes:
                        score *= self._weights.foreign
                    found.append(_Found(round(score, _DIGITS), document["key"][0], _place(shelf, address), document))
            found.sort(key=lambda one: (-one.score, one.key))
            best, looked_at = self._best(found, compiled, limit)
            if unseen >= 0 and looked_at > MOST_LOOKED_AT:
                others = self._top(replace(compiled, queries=compiled.sure, words=()), limit)
                return sorted({hit.key: hit for hit in (*others, *best)}.values(), key=lambda h: (-h.score, h.key))[
                    :limit
                ]
            if unseen < 0 or (len(best) == limit and best[-1].score > unseen):
                return best
            fetch *= 4

    def _best(self, found: Sequence[_Found], compiled: Compiled, limit: int) -> tuple[list[Hit], int]:
        """Return the first hits among what was found, and in how many texts a word was looked for."""
        keys = list(dict.fromkeys(one.key for one in found))
        excluded = set(self._among(compiled.excluded, keys))
        certain = self._places(compiled.certain, keys) if compiled.words else set()
        best: dict[str, Hit] = {}
        looked_at = 0
        for one in found:
            if one.key in best or one.key in excluded:
                continue
            if compiled.words and one.place not in certain:
                looked_at += 1
                if not is_alike(bytes(one.document["vocabulary"][0]).decode(), compiled.words):
                    continue
            best[one.key] = Hit(one.key, one.score, self._stored(one.key, one.document))
            if len(best) == limit:
                break
        return list(best.values()), looked_at

    def _places(self, query: tantivy.Query | None, keys: list[str]) -> set[_Place]:
        """Return the places of those documents of some records that match a query."""
        if query is None or not keys:
            return set()
        among = tantivy.Query.term_set_query(self._schema, "key", keys)
        both = tantivy.Query.boolean_query([(tantivy.Occur.Must, among), (tantivy.Occur.Must, query)])
        return {
            _place(shelf, address)
            for shelf, searcher in enumerate(self._searchers)
            for _, address in searcher.search(both, len(self) + 1, count=False, order_by_field="key").hits
        }

    def _among(self, query: tantivy.Query | None, keys: list[str]) -> list[str]:
        """Return those of the keys whose records match a query with any of their texts."""
        if query is None or not keys:
            return []
        among = tantivy.Query.term_set_query(self._schema, "key", keys)
        both = tantivy.Query.boolean_query([(tantivy.Occur.Must, among), (tantivy.Occur.Must, query)])
        found: dict[str, None] = {}
        for searcher in self._searchers:
            hits = searcher.search(both, len(self) + 1, count=False, order_by_field="key").hits
            found.update((key, None) for key, _ in hits)
        return list(found)

    def _in_order(self, compiled: Compiled, limit: int) -> list[Hit]:
        """Return the first records by key among those that match a query in which nothing ranks."""
        fetch = 8 * limit + 10
        while True:
            found: dict[str, tuple[tantivy.Searcher, tantivy.DocAddress]] = {}
            seen_to: str | None = None  # from this key on, one may not have been fetched
            for searcher, query in zip(self._searchers, compiled.queries, strict=True):
                hits = searcher.search(query, fetch, count=False, order_by_field="key", order=tantivy.Order.Asc).hits
                if len(hits) == fetch:
                    seen_to = hits[-1][0] if seen_to is None else min(seen_to, hits[-1][0])
                for key, address in hits:
                    found.setdefault(key, (searcher, address))
            keys = sorted(key for key in found if seen_to is None or key <= seen_to)
            excluded = set(self._among(compiled.excluded, keys))
            keys = [key for key in keys if key not in excluded]
            if seen_to is None or len(keys) > limit:
                break
            fetch *= 4
        first = [(key, *found[key]) for key in keys[:limit]]
        return [Hit(key, 0.0, self._stored(key, searcher.doc(address))) for key, searcher, address in first]

    def _stored(self, key: str, document: tantivy.Document) -> str:
        """Return what was stored with a record: its first document has it."""
        stored = document.get_first("stored")
        if stored is None:
            found = (each.get_first("stored") for each in self._documents(key))
            stored = next((each for each in found if each is not None), None)
        return bytes(stored or b"").decode()

    def _documents(self, key: str) -> Iterator[tantivy.Document]:
        """Yield the documents of a record."""
        own = tantivy.Query.term_query(self._schema, "key", key)
        for searcher in self._searchers:
            for _, address in searcher.search(own, 100, count=False).hits:
                yield searcher.doc(address)

    def _scores(self, parts: list[tantivy.Query], hits: list[Hit]) -> dict[str, float]:
        """Return what one part of a query, as each shelf has it, gives each of the hits."""
        scores: dict[str, float] = {}
        for hit in hits:
            own = tantivy.Query.const_score_query(tantivy.Query.term_query(self._schema, "key", hit.key), 0.0)
            for searcher, part in zip(self._searchers, parts, strict=True):
                both = tantivy.Query.boolean_query([(tantivy.Occur.Must, own), (tantivy.Occur.Must, part)])
                for score, _ in searcher.search(both, 1, count=False).hits:
                    scores[hit.key] = max(scores.get(hit.key, 0.0), round(score, _DIGITS))
        return scores


def _place(shelf: int, address: tantivy.DocAddress) -> _Place:
    return shelf, address.segment_ord, address.doc
