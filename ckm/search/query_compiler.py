"""Compile a parsed query to tantivy queries.

:mod:`ckm.search.bm25` builds the parts that add to the score. Filters, phrases and excluded words select records and do
not change the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tantivy import Occur, Query

from ckm.search.analysis import analyse
from ckm.search.bm25 import Bm25QueryBuilder
from ckm.search.idf import IdfCorrection
from ckm.search.index_record import ANY
from ckm.search.index_schema import EXACT_FIELDS, FIRST, exact_field, label_term

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tantivy import Schema, Searcher

    from ckm.search import query as parsed
    from ckm.search.bm25 import SharedGrams
    from ckm.search.weights import Weights

_LIKE_TERMS = 25  # as in Lucene's MoreLikeThis


@dataclass(frozen=True)
class CompiledQuery:
    """A query for each shard (``queries``), and its scoring parts (``parts``: per shard, name to query)."""

    queries: Sequence[Query]
    parts: Sequence[Mapping[str, Query]] = ()
    homes: frozenset[str] = frozenset()
    """Languages that the query may be in and that the index has texts in."""
    excluded: Query | None = None
    """A record is excluded if any of its texts, in any language, matches this."""
    sure: Sequence[Query] = ()
    """``queries`` limited to texts that are hits without a comparison of words; empty if all matching texts are."""
    coverage: tuple[Query, float] | None = None
    """Query whose score is the weight of the query words that a text has, and the weight of all query words."""
    words: tuple[SharedGrams, ...] = ()
    """Query words to compare texts with: a text outside ``sure`` is a hit only if a word of it is similar to one."""


class QueryCompiler:
    """Compiles queries for one commit of an index."""

    def __init__(
        self, schema: Schema, searchers: Sequence[Searcher], weights: Weights, languages: Collection[str]
    ) -> None:
        self._counts: dict[tuple[str, str, frozenset[str]], int] = {}  # document frequencies, shared by all queries
        self._schema = schema
        self._searchers = searchers
        self._weights = weights
        self._languages = languages

    def compile(
        self,
        query: parsed.Query,
        keep: Mapping[str, Collection[str]],
        drop: Mapping[str, Collection[str]],
        *,
        phrases: bool = True,
    ) -> CompiledQuery | None:
        """Return the compiled query; None for an empty query. ``phrases=False`` reads phrases as words."""
        conditions: list[tuple[Occur, Query]] = []
        excluded: list[tuple[Occur, Query]] = []
        words = [query.words]
        for clause in query.clauses:
            condition = self._condition(clause)
            if condition is None:
                continue
            if clause.negated:
                excluded.append((Occur.Should, condition))
            else:
                if phrases or clause.field:
                    conditions.append((Occur.Must, condition))
                if clause.field in EXACT_FIELDS:
                    words.append(clause.text)
        analysis = analyse(" ".join(words), among=self._languages)
        idf, builders = self._builders(analysis.home)
        parts = [builder.parts(analysis) for builder in builders]
        if not parts[0] and not conditions and not excluded:
            return None
        conditions += self._filters(keep, drop)
        without = Query.boolean_query(excluded) if excluded else None

        def matching(evidence: Query) -> list[Query]:
            required = [*conditions, (Occur.Must, _unscored(evidence))]
            return [Query.boolean_query([*required, *((Occur.Should, part) for part in p.values())]) for p in parts]

        if not parts[0]:
            return CompiledQuery(matching(Query.all_query()), (), idf.homes, without)
        evidence = builders[0].evidence(analysis)
        coverage = builders[0].coverage(analysis)
        if not evidence.words:
            return CompiledQuery(matching(evidence.certain), parts, idf.homes, without, coverage=coverage)
        return CompiledQuery(
            matching(evidence.possible),
            parts,
            idf.homes,
            without,
            matching(evidence.certain),
            coverage,
            evidence.words,
        )

    def resolve(self, query: parsed.Query) -> parsed.Query:
        """Return the query with each ``name:`` read as a field of this index or as a word.

        If there is no such field, the name and what follows are words (*re:Zero*). If there is one but no record has
        the value (*error id:12345*), the clause is a phrase: the two words next to each other.
        """
        words, clauses = [query.words], []
        for clause in query.clauses:
            name = clause.field.casefold()
            written = f"{clause.field}:{clause.text}"
            if not name or name in EXACT_FIELDS:
                clauses.append(clause)
            elif not self._is_label(name):
                words += [] if clause.negated else [written]
                clauses += [replace(clause, field="", text=written, exact=True)] if clause.negated else []
            elif clause.exact or clause.negated or self._has_label(name, clause.text):
                clauses.append(clause)
            else:
                words.append(written)
                clauses.append(replace(clause, field="", text=written, exact=True))
        return replace(query, words=" ".join(each for each in words if each), clauses=tuple(clauses))

    def nearest(self, text: str, keep: Mapping[str, Collection[str]]) -> CompiledQuery | None:
        """Return the query for records that share at least half of the grams of a text, records with most grams first.

        None if the text has no grams.
        """
        analysis = analyse(text, among=self._languages)
        grams = sorted({token.term for token in analysis.grams})
        if not grams:
            return None
        _, builders = self._builders(analysis.home)
        half = builders[0].some_of("grams", grams, math.ceil(len(grams) / 2))
        conditions = [*self._filters(keep, {}), (Occur.Must, _unscored(half))]
        ranked = [builder.grams(analysis.grams) for builder in builders]
        return CompiledQuery([_all([one], conditions) for one in ranked if one is not None])

    def more_like(self, key: str, terms: Counter[str], keep: Mapping[str, Collection[str]]) -> CompiledQuery | None:
        """Return the query for other records that share the terms of highest tf-idf of the record ``key``.

        None if the record has no terms.

        Parameters
        ----------
        key
            Key of the record, which is not a hit.
        terms
            Terms of the record with their counts.
        keep
            Allowed values by label.
        """
        total = sum(searcher.num_docs for searcher in self._searchers)

        def tf_idf(term: str, count: int) -> float:
            having = sum(searcher.doc_freq("words", term) for searcher in self._searchers)
            return count * math.log(1 + total / (1 + having))

        weighted = sorted(
            ((tf_idf(term, count), term) for term, count in terms.items()), key=lambda item: (-item[0], item[1])
        )
        if not weighted:
            return None
        conditions = [*self._filters(keep, {}), (Occur.MustNot, self._term("key", key))]
        _, builders = self._builders(())
        chosen = [term for _, term in weighted[:_LIKE_TERMS]]
        return CompiledQuery([_all([builder.of_words(chosen)], conditions) for builder in builders])

    def records(
        self, keys: Collection[str] | None, keep: Mapping[str, Collection[str]], drop: Mapping[str, Collection[str]]
    ) -> Query:
        """Return the query for the first documents of records that pass filters; ``keys``: only of these records."""
        conditions = [*self._filters(keep, drop), (Occur.Must, self._term("label", FIRST))]
        if keys is not None:
            conditions.append((Occur.Must, Query.term_set_query(self._schema, "key", sorted(keys))))
        return _unscored(Query.boolean_query(conditions))

    def _builders(self, languages: Collection[str]) -> tuple[IdfCorrection, list[Bm25QueryBuilder]]:
        """Return the idf correction for a query in these languages, and a builder for each shard."""
        idf = IdfCorrection(self._schema, self._searchers, languages, self._counts)
        shards = range(len(self._searchers))
        return idf, [Bm25QueryBuilder(self._schema, self._weights, idf, shard) for shard in shards]

    def _is_label(self, name: str) -> bool:
        prefix = label_term(name, "")
        return any(searcher.terms_with_prefix("label", prefix, limit=1) for searcher in self._searchers)

    def _has_label(self, name: str, value: str) -> bool:
        """Return whether any record has this value of the label ``name``, or :data:`ANY`."""
        terms = [label_term(name, each) for each in (value, ANY)]
        return any(searcher.doc_freq("label", term) for searcher in self._searchers for term in terms)

    def _term(self, name: str, value: str) -> Query:
        return Query.term_query(self._schema, name, value)

    def _filters(
        self, keep: Mapping[str, Collection[str]], drop: Mapping[str, Collection[str]]
    ) -> list[tuple[Occur, Query]]:
        required = [(Occur.Must, _unscored(self._labels(name, (*each, ANY)))) for name, each in sorted(keep.items())]
        return required + [(Occur.MustNot, self._labels(name, values)) for name, values in sorted(drop.items())]

    def _labels(self, name: str, values: Iterable[str]) -> Query:
        terms = sorted({label_term(name, value.encode("utf-8", "replace").decode("utf-8")) for value in values})
        return Query.term_set_query(self._schema, "label", terms)

    def _condition(self, clause: parsed.Clause) -> Query | None:
        """Return the query for texts that meet a clause; None if the index has no such field or the clause no word."""
        if not clause.field:
            return self._in_order(clause, EXACT_FIELDS)
        name = clause.field.casefold()
        if name in EXACT_FIELDS:
            return self._in_order(clause, (name,))
        if self._is_label(name):
            return _unscored(self._labels(name, [clause.text] if clause.negated else [clause.text, ANY]))
        return None

    def _in_order(self, clause: parsed.Clause, fields: Sequence[str]) -> Query | None:
        """Return the query for the words of a clause as a phrase in any of ``fields``.

        A single word without quotation marks matches all its forms. A compound also matches as a whole, and only as a
        whole if a sign at its end distinguishes it (*C++*).
        """
        analysis = analyse(clause.text.strip(), among=self._languages)
        exact = [token.term for token in analysis.exact]
        whole = [t.term for t in analysis.compounds if (t.start, t.end) == (0, len(analysis.text))]
        if not exact and not whole:
            return None
        compound = [(Occur.Should, self._term("compounds", term)) for term in whole]
        phrases = [(Occur.Should, self._phrase(exact_field(name), exact)) for name in fields if exact]
        if not exact or any(term.endswith(("+", "#")) or term[0] == "." for term in whole):
            both = [Query.boolean_query(each) for each in (compound, phrases) if each]
            return _unscored(Query.boolean_query([(Occur.Must, each) for each in both]))
        choices = phrases + (compound if len(fields) > 1 else [])
        if len(exact) == 1 and not clause.exact and len(fields) > 1:
            choices += [(Occur.Should, self._term("words", token.term)) for token in analysis.words]
            choices += [(Occur.Should, self._term("compounds", token.term)) for token in analysis.words]
        return _unscored(Query.boolean_query(choices))

    def _phrase(self, name: str, terms: list[str]) -> Query:
        if len(terms) == 1:
            return self._term(name, terms[0])
        return Query.phrase_query(self._schema, name, list(terms))


def _unscored(query: Query) -> Query:
    """Return a query that matches the same texts as ``query`` and adds nothing to the score."""
    return Query.const_score_query(query, 0.0)


def _all(scored: Sequence[Query], conditions: Sequence[tuple[Occur, Query]]) -> Query:
    return Query.boolean_query([*((Occur.Must, query) for query in scored), *conditions])
