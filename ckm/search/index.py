"""The index: stores records and returns hits. On disk or in memory, with one tantivy index (shard) per script family.

Each record is stored as one document per language of its texts. The fields of a document:

==============  =======================================================================================
``key``         key of the record
``group``       records of a group are replaced together
``label``       ``name=value``, in lower case
``language``    language whose stemmer was used
``words``       terms of all texts; title terms are repeated as often as the weight of the title
``compounds``   the same for names and codes of several parts and for emoji
``forms``       the same for unstemmed words and pairs of neighbours
``grams``       the same for character grams
``exact_*``     folded words of each text in order, for phrases; one field per weighted text field
``spelled``     each word as written, in lower case, for spelling suggestions
``like``        most frequent terms of the record, for similar records
``vocabulary``  each folded word of scripts with spaces, to find words similar to a query word
``stored``      content that the caller gets back with a hit
==============  =======================================================================================

Repeating title terms in one field is BM25F (Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted
fields", CIKM 2004): inverse document frequency and term saturation are computed over all texts of the document.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import tantivy

from ckm.search.analysis import analyse
from ckm.search.bm25 import shares_grams
from ckm.search.index_record import IndexRecord
from ckm.search.index_schema import FORMAT, index_schema, label_term
from ckm.search.query_compiler import CompiledQuery, QueryCompiler
from ckm.search.shards import Shards
from ckm.search.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from ckm.search.analysis import Analysis
    from ckm.search.index_documents import IndexDocument
    from ckm.search.query import Query
    from ckm.search.weights import Weights

__all__ = ["FORMAT", "Index", "IndexHit"]

MOST_COMPARED = 1000
"""Number of texts without a query word whose vocabularies are compared with the query. Texts with the most grams of the
query come first, so later ones hardly ever have a similar word."""
_TIES = 10  # documents with equal scores up to the last bits, which two searches may order differently
_DIGITS = 4  # decimals of a score; the last bits of a float depend on the order of additions in tantivy


@dataclass(frozen=True)
class IndexHit:
    """A record that matches a query.

    Attributes
    ----------
    key
        Key of the record.
    score
        BM25 score; higher is better. Comparable only within one search. 0 for a query of filters alone.
    stored
        Stored content of the record.
    parts
        Share of ``words``, ``forms`` and ``grams`` in the score; empty without ``explain``.
    phrases
        Whether the phrases of the query were required; False if no record contains them.
    """

    key: str
    score: float
    stored: str
    parts: Mapping[str, float] = field(default_factory=dict)
    phrases: bool = True


_Place = tuple[int, int, int]  # shard, segment and document


class _Found(NamedTuple):
    """A document that tantivy found."""

    score: float
    key: str
    place: _Place
    document: tantivy.Document


class Index:
    """An index of records; created by :meth:`create` or :meth:`open`."""

    def __init__(self, shards: Shards, weights: Weights = WEIGHTS) -> None:
        self._shards = shards
        self._schema = index_schema()
        self._weights = weights
        self._last: tuple[Query, CompiledQuery | None] | None = None
        self._reload()

    @classmethod
    def create(cls, path: Path | None = None, weights: Weights = WEIGHTS) -> Self:
        """Return a new, empty index in a folder, or in memory without one."""
        return cls(Shards.create(path), weights)

    @classmethod
    def open(cls, path: Path, weights: Weights = WEIGHTS) -> Self:
        """Return the index of a folder.

        Raises
        ------
        ValueError
            There is no index, it is damaged, or it has another format. The caller builds it again.
        """
        try:
            return cls(Shards.open(path), weights)
        except (OSError, ValueError) as error:
            raise ValueError(f"no index: {error}") from error

    def __len__(self) -> int:
        """Return the number of documents: one per record and language."""
        return sum(int(searcher.num_docs) for searcher in self._searchers)

    def replace(self, groups: Iterable[str], records: Iterable[IndexRecord | Sequence[IndexDocument]]) -> None:
        """Remove all records of some groups, then add records.

        If the process is killed, a part may be done; a repeated call completes it.

        Parameters
        ----------
        groups
            Groups to remove.
        records
            Records, or their documents if another process analysed them
            (:func:`ckm.search.index_documents.index_documents`).
        """
        from ckm.search.index_documents import index_documents, tantivy_document  # not needed for a search

        self._shards.replace(
            groups,
            (
                (document.shard, tantivy_document(document))
                for record in records
                for document in (index_documents(record, self._weights) if isinstance(record, IndexRecord) else record)
            ),
        )
        self._reload()

    def languages(self) -> tuple[str, ...]:
        """Return the languages whose stemmers were used for texts of the index; "" if a text had none."""
        return tuple(sorted(term[1:] for term in self._terms("language", "=")))

    def labels(self, name: str) -> dict[str, int]:
        """Return the values of a label with their document frequency."""
        prefix = label_term(name, "")
        return {term[len(prefix) :]: count for term, count in sorted(self._terms("label", prefix).items())}

    def search(
        self,
        query: Query,
        *,
        limit: int = 10,
        keep: Mapping[str, Collection[str]] = {},
        drop: Mapping[str, Collection[str]] = {},
        explain: bool = False,
    ) -> list[IndexHit]:
        """Return the best records for a query, best first; records with equal scores are in the order of keys.

        Parameters
        ----------
        query
            From :func:`ckm.search.query.parse`.
        limit
            Largest number of hits.
        keep
            Label to values: a record must have one of the values of each label. Filters apply before ranking.
        drop
            Label to values: a record must have none of them.
        explain
            Compute the parts of each score, by one more search per part.

        Returns
        -------
        list of IndexHit
            A hit contains a word of the query, or a word that shares at least two fifths of the grams of one. A phrase
            beside other words is required only if a record contains it (else ``phrases`` is False): it may be a
            quotation. A query of filters alone returns all records that pass, in order of keys and with score 0. An
            empty query returns nothing.
        """
        query = self.resolve(query)
        compiled = self._compiler.compile(query, keep, drop)
        self._last = (query, compiled)
        if compiled is None:
            return []
        if not compiled.parts:
            return self._in_key_order(compiled, limit)
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

    def coverage(self, query: Query, keys: Collection[str]) -> dict[str, float]:
        """Return the share of the query's words that each of some records has in one language, by key.

        Words are weighted by their inverse document frequency, and misspelled ones count
        (:meth:`ckm.search.bm25.Bm25QueryBuilder.coverage`). Records without a word are left
        out. A query of stop words or filters alone covers every record: 1.
        """
        query = self.resolve(query)
        # mostly the query that was searched last, which takes milliseconds to compile; filters do not matter here
        known, compiled = self._last or (None, None)
        if known != query:
            compiled = self._compiler.compile(query, {}, {})
        if compiled is None or compiled.coverage is None:
            return dict.fromkeys(keys, 1.0)
        counted, total = compiled.coverage
        among = tantivy.Query.const_score_query(tantivy.Query.term_set_query(self._schema, "key", sorted(keys)), 0.0)
        both = tantivy.Query.boolean_query([(tantivy.Occur.Must, among), (tantivy.Occur.Must, counted)])
        shares: dict[str, float] = {}
        for searcher in self._searchers:
            for score, address in searcher.search(both, len(self) or 1, count=False).hits:
                key = searcher.doc(address)["key"][0]
                shares[key] = max(shares.get(key, 0.0), round(score / total, 4))
        return shares

    def records(
        self,
        keys: Collection[str] | None = None,
        *,
        keep: Mapping[str, Collection[str]] = {},
        drop: Mapping[str, Collection[str]] = {},
    ) -> list[IndexHit]:
        """Return the records that pass filters (as of :meth:`search`), in order of keys and with score 0.

        ``keys``: only records with these keys.
        """
        query = self._compiler.records(keys, keep, drop)
        found = [
            IndexHit(document["key"][0], 0.0, bytes(document["stored"][0]).decode())
            for searcher in self._searchers
            for _, address in searcher.search(query, len(self) or 1, count=False).hits
            for document in (searcher.doc(address),)
        ]
        return sorted(found, key=lambda hit: hit.key)

    def count(self, *, keep: Mapping[str, Collection[str]] = {}, drop: Mapping[str, Collection[str]] = {}) -> int:
        """Return the number of records that pass filters (as of :meth:`search`)."""
        query = self._compiler.records(None, keep, drop)
        results: list[Any] = [searcher.search(query, 1) for searcher in self._searchers]  # the stub lacks the count
        return sum(int(result.count) for result in results)

    def resolve(self, query: Query) -> Query:
        """Return the query with each ``name:`` as a field if the index has the field, else as a word."""
        return self._compiler.resolve(query)

    def parts(self, query: Query) -> dict[str, dict[str, float]]:
        """Return part of the query to key to score, for all matching records; for measuring weights."""
        compiled = self._compiler.compile(self.resolve(query), {}, {})
        scores: dict[str, dict[str, float]] = {}
        for searcher, parts in zip(self._searchers, compiled.parts if compiled else (), strict=False):
            for name, part in parts.items():
                for score, address in searcher.search(part, len(self) or 1, count=False).hits:
                    scores.setdefault(searcher.doc(address)["key"][0], {}).setdefault(name, score)
        return scores

    def nearest(self, text: str, *, limit: int = 3, keep: Mapping[str, Collection[str]] = {}) -> list[IndexHit]:
        """Return the records that share at least half of the grams of a text, records with most grams first."""
        compiled = self._compiler.nearest(text, keep)
        return [] if compiled is None else self._top(compiled, limit)

    def more_like(self, key: str, *, limit: int = 5, keep: Mapping[str, Collection[str]] = {}) -> list[IndexHit]:
        """Return the records most similar to the record ``key``, without that record; none for an unknown key."""
        terms: Counter[str] = Counter()
        for own in self._documents(key):
            terms.update(bytes(own["like"][0]).decode().split())
        compiled = self._compiler.more_like(key, terms, keep)
        return [] if compiled is None else self._top(compiled, limit)

    def vocabulary_near(self, word: str, limit: int = 3) -> list[str]:
        """Return the words of the index with the most similar spelling, nearest first, then most frequent first."""
        from ckm.search.spelling import similar_words

        return similar_words(word, self._searchers, limit)

    def analyse(self, text: str) -> Analysis:
        """Return the analysis of a query against this index, for ``--explain`` and for snippets."""
        return analyse(text, among=self.languages())

    def _reload(self) -> None:
        """Search the last commit of the shards from now on."""
        self._searchers = self._shards.searchers
        self._last = None
        self._compiler = QueryCompiler(self._schema, self._searchers, self._weights, self.languages())

    def _terms(self, field: str, prefix: str) -> Counter[str]:
        """Return the terms of a field that begin with ``prefix``, with their document frequency."""
        counts: Counter[str] = Counter()
        for searcher in self._searchers:
            counts.update(dict(searcher.terms_with_prefix(field, prefix)))
        return counts

    def _top(self, compiled: CompiledQuery, limit: int) -> list[IndexHit]:
        """Return the best records; documents are fetched until no other record can score higher than the last hit."""
        fetch = 2 * limit + 10
        while True:
            found: list[_Found] = []
            certain: set[_Place] = set()  # the documents in ``found`` that are hits, and others
            unseen = -1.0  # highest possible score of a record that was not fetched
            for shard, (searcher, query) in enumerate(zip(self._searchers, compiled.queries, strict=True)):
                top = searcher.search(query, fetch, count=False).hits
                if len(top) == fetch:
                    unseen = max(unseen, round(top[-1][0], _DIGITS))
                if compiled.words:  # of the same scores, so that no certain document of ``top`` is missing
                    sure = searcher.search(compiled.sure[shard], fetch + _TIES, count=False).hits
                    certain.update((shard, address.segment_ord, address.doc) for _, address in sure)
                for score, address in top:
                    document = searcher.doc(address)
                    if compiled.homes and document["home"][0] not in compiled.homes:
                        score *= self._weights.foreign
                    place = (shard, address.segment_ord, address.doc)
                    found.append(_Found(round(score, _DIGITS), document["key"][0], place, document))
            found.sort(key=lambda one: (-one.score, one.key))
            best, compared = self._best(found, certain, compiled, limit)
            if unseen >= 0 and compared > MOST_COMPARED:
                others = self._top(replace(compiled, queries=compiled.sure, words=()), limit)
                merged = {hit.key: hit for hit in (*others, *best)}.values()
                return sorted(merged, key=lambda hit: (-hit.score, hit.key))[:limit]
            if unseen < 0 or (len(best) == limit and best[-1].score > unseen):
                return best
            fetch *= 4

    def _best(
        self, found: Sequence[_Found], certain: Collection[_Place], compiled: CompiledQuery, limit: int
    ) -> tuple[list[IndexHit], int]:
        """Return the first ``limit`` hits in ``found``, and how many texts were compared with the query by words."""
        excluded = self._matching_keys(compiled.excluded, list(dict.fromkeys(one.key for one in found)))
        best: dict[str, IndexHit] = {}
        compared = 0
        for one in found:
            if one.key in best or one.key in excluded:
                continue
            if compiled.words and one.place not in certain:
                compared += 1
                if not shares_grams(bytes(one.document["vocabulary"][0]).decode(), compiled.words):
                    continue
            best[one.key] = IndexHit(one.key, one.score, self._stored(one.key, one.document))
            if len(best) == limit:
                break
        return list(best.values()), compared

    def _matching_keys(self, query: tantivy.Query | None, keys: list[str]) -> frozenset[str]:
        """Return the keys of the records ``keys`` of which a document matches a query; none without a query."""
        if query is None or not keys:
            return frozenset()
        among = tantivy.Query.term_set_query(self._schema, "key", keys)
        both = tantivy.Query.boolean_query([(tantivy.Occur.Must, among), (tantivy.Occur.Must, query)])
        return frozenset(
            key
            for searcher in self._searchers
            for key, _ in searcher.search(both, len(self) + 1, count=False, order_by_field="key").hits
        )

    def _in_key_order(self, compiled: CompiledQuery, limit: int) -> list[IndexHit]:
        """Return the first ``limit`` matching records in the order of their keys, for a query without words."""
        fetch = 8 * limit + 10
        while True:
            found: dict[str, tuple[tantivy.Searcher, tantivy.DocAddress]] = {}
            complete_to: str | None = None  # keys up to this one were all fetched; None: all keys were
            for searcher, query in zip(self._searchers, compiled.queries, strict=True):
                hits = searcher.search(query, fetch, count=False, order_by_field="key", order=tantivy.Order.Asc).hits
                if len(hits) == fetch:
                    complete_to = hits[-1][0] if complete_to is None else min(complete_to, hits[-1][0])
                for key, address in hits:
                    found.setdefault(key, (searcher, address))
            keys = sorted(key for key in found if complete_to is None or key <= complete_to)
            excluded = self._matching_keys(compiled.excluded, keys)
            keys = [key for key in keys if key not in excluded]
            if complete_to is None or len(keys) > limit:
                break
            fetch *= 4
        first = [(key, *found[key]) for key in keys[:limit]]
        return [IndexHit(key, 0.0, self._stored(key, searcher.doc(address))) for key, searcher, address in first]

    def _stored(self, key: str, document: tantivy.Document) -> str:
        """Return the stored content of the record ``key``; ``document`` is a document of the record, read already.

        Only the first document of a record has the content.
        """
        stored = document.get_first("stored")
        if stored is None:
            found = (each.get_first("stored") for each in self._documents(key))
            stored = next((each for each in found if each is not None), None)
        return bytes(stored or b"").decode()

    def _documents(self, key: str) -> Iterator[tantivy.Document]:
        """Yield the documents of the record ``key``, one per language."""
        own = tantivy.Query.term_query(self._schema, "key", key)
        for searcher in self._searchers:
            for _, address in searcher.search(own, 100, count=False).hits:
                yield searcher.doc(address)

    def _scores(self, parts: list[tantivy.Query], hits: list[IndexHit]) -> dict[str, float]:
        """Return what one part of a query adds to the score of each hit, by key; ``parts`` has a query per shard."""
        scores: dict[str, float] = {}
        for hit in hits:
            own = tantivy.Query.const_score_query(tantivy.Query.term_query(self._schema, "key", hit.key), 0.0)
            for searcher, part in zip(self._searchers, parts, strict=True):
                both = tantivy.Query.boolean_query([(tantivy.Occur.Must, own), (tantivy.Occur.Must, part)])
                for score, _ in searcher.search(both, 1, count=False).hits:
                    scores[hit.key] = max(scores.get(hit.key, 0.0), round(score, _DIGITS))
        return scores
