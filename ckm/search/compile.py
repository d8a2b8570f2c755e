"""From a parsed query to one that the engine understands.

The engine adds up BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with
k1 1.2 and b .75) of the query's terms in the two fields. Everything else, filters, phrases and excluded words, decides
which records take part and adds nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tantivy import Occur, Query

from ckm.search.analysis import analyse
from ckm.search.fields import EXACT_FIELDS, exact_field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tantivy import Schema, Searcher

    from ckm.search import query as parsed
    from ckm.search.analysis import Analysis, Token
    from ckm.search.weights import Weights

_ENOUGH = 0.4  # of the grams of a word: a word of seven letters keeps half of its grams when a letter inside is lost
_LIKE_TERMS = 25  # as in Lucene's MoreLikeThis


def label_term(name: str, value: str) -> str:
    """Return the term of a label's value."""
    return f"{name}={value}".casefold()


@dataclass(frozen=True)
class Compiled:
    """A query for the engine, and those of its parts that add to the score, by name."""

    query: Query
    parts: Mapping[str, Query] = field(default_factory=dict)
    excluded: Query | None = None
    """What no text of a record may match, in whichever language."""


class Compiler:
    """Compiles queries for one state of an index."""

    def __init__(self, schema: Schema, searcher: Searcher, weights: Weights, languages: Collection[str]) -> None:
        self._schema = schema
        self._searcher = searcher
        self._weights = weights
        self._languages = languages

    def compile(
        self,
        query: parsed.Query,
        keep: Mapping[str, Collection[str]],
        drop: Mapping[str, Collection[str]],
        *,
        phrases: bool = True,
    ) -> Compiled | None:
        """Return the query for the engine, on demand with phrases as mere words; None where it asks for nothing."""
        conditions: list[tuple[Occur, Query]] = []
        excluded: list[tuple[Occur, Query]] = []
        words = [query.words]
        for clause in query.clauses:
            condition = self._condition(clause)
            if condition is None:
                if clause.field:  # no field of that name: it is words
                    words.append(f"{clause.field} {clause.text}")
            elif clause.negated:
                excluded.append((Occur.Should, condition))
            else:
                if phrases or clause.field:
                    conditions.append((Occur.Must, condition))
                if clause.field in EXACT_FIELDS:
                    words.append(clause.text)
        analysis = analyse(" ".join(words), among=self._languages)
        parts = self._ranking(analysis)
        if not parts and not conditions and not excluded:
            return None
        conditions += self._filters(keep, drop)
        matching = self._evidence(analysis) if parts else Query.all_query()
        conditions.append((Occur.Must, _silent(matching)))
        conditions += [(Occur.Should, part) for part in parts.values()]
        return Compiled(Query.boolean_query(conditions), parts, Query.boolean_query(excluded) if excluded else None)

    def nearest(self, text: str, keep: Mapping[str, Collection[str]]) -> Query | None:
        """Return the query for what shares most grams with a text; None where it has none."""
        grams = self._grams(analyse(text, among=self._languages).grams)
        return None if grams is None else _all([grams], self._filters(keep, {}))

    def more_like(self, key: str, terms: Counter[str], keep: Mapping[str, Collection[str]]) -> Query | None:
        """Return the query for records with the terms that say best what a record is about, without itself."""
        total = self._searcher.num_docs
        weighed = sorted(
            ((count * math.log(1 + total / (1 + self._searcher.doc_freq("words", term))), term)
             for term, count in terms.items()),
            key=lambda item: (-item[0], item[1]),
        )  # fmt: skip
        chosen = [(Occur.Should, self._term("words", term)) for _, term in weighed[:_LIKE_TERMS]]
        if not chosen:
            return None
        without = (Occur.MustNot, self._term("key", key))
        return _all([Query.boolean_query(chosen)], [*self._filters(keep, {}), without])

    def _term(self, name: str, value: str) -> Query:
        return Query.term_query(self._schema, name, value)

    def _filters(
        self, keep: Mapping[str, Collection[str]], drop: Mapping[str, Collection[str]]
    ) -> list[tuple[Occur, Query]]:
        kept = [(Occur.Must, _silent(self._labels(name, values))) for name, values in sorted(keep.items())]
        return kept + [(Occur.MustNot, self._labels(name, values)) for name, values in sorted(drop.items())]

    def _labels(self, name: str, values: Iterable[str]) -> Query:
        terms = sorted({label_term(name, value.encode("utf-8", "replace").decode("utf-8")) for value in values})
        return Query.term_set_query(self._schema, "label", terms)

    def _condition(self, clause: parsed.Clause) -> Query | None:
        """Return what a clause demands; None where it names no field of this index, or holds no word at all."""
        if not clause.field:
            return self._written(clause, EXACT_FIELDS)
        name = clause.field.casefold()
        if name in EXACT_FIELDS:
            return self._written(clause, (name,))
        if self._searcher.terms_with_prefix("label", label_term(name, ""), limit=1):
            return _silent(self._labels(name, [clause.text]))
        return None

    def _written(self, clause: parsed.Clause, fields: Sequence[str]) -> Query | None:
        """Return what demands the words of a clause in one of the fields, next to each other and in order.

        A single word that is not in quotation marks is meant in all its forms.
        """
        analysis = analyse(clause.text, among=self._languages)
        exact = [token.term for token in analysis.exact]
        if not exact:
            return None
        choices = [(Occur.Should, self._phrase(exact_field(name), exact)) for name in fields]
        if len(exact) == 1 and not clause.exact and len(fields) > 1:
            choices += [(Occur.Should, self._term("words", token.term)) for token in analysis.words]
        return _silent(Query.boolean_query(choices))

    def _phrase(self, name: str, terms: list[str]) -> Query:
        if len(terms) == 1:
            return self._term(name, terms[0])
        return Query.phrase_query(self._schema, name, list(terms))

    def _ranking(self, analysis: Analysis) -> dict[str, Query]:
        """Return what adds to the score."""
        words = self._words(analysis)
        parts = {"words": words, "forms": self._forms(analysis.forms), "grams": self._grams(analysis.grams)}
        return {name: part for name, part in parts.items() if part is not None}

    def _words(self, analysis: Analysis) -> Query | None:
        """Return the words' part. A word that stands twice counts twice; of several stems of a word the best counts."""
        counts: Counter[tuple[str, ...]] = Counter()
        for _, stems in sorted(_by_place(analysis.words).items()):
            counts[stems] += 1
        return _sum(
            (Query.disjunction_max_query([self._term("words", stem) for stem in stems])
             if len(stems) > 1 else self._term("words", stems[0]), float(count))
            for stems, count in sorted(counts.items())
        )  # fmt: skip

    def _grams(self, tokens: Iterable[Token]) -> Query | None:
        counts = Counter((token.term, token.script) for token in tokens)
        return _sum(
            (self._term("grams", term), count * self._weights.of_gram(script))
            for (term, script), count in sorted(counts.items())
        )

    def _forms(self, tokens: Iterable[Token]) -> Query | None:
        counts = Counter(token.term for token in tokens)
        weights = self._weights
        return _sum(
            (self._term("forms", term), count * (weights.pairs if "_" in term else weights.forms))
            for term, count in sorted(counts.items())
        )

    def _evidence(self, analysis: Analysis) -> Query:
        """Return what a record must match to be a hit at all: a word, or a good part of the grams of one."""
        choices = [self._term("words", term) for term in sorted({token.term for token in analysis.words})]
        if not choices:  # stop words only: one of them will do
            choices = [self._term("forms", token.term) for token in analysis.forms]
        for grams in sorted(set(_words_of_grams(analysis.grams))):
            need = max(1, math.ceil(_ENOUGH * len(grams)))
            terms = [(Occur.Should, self._term("grams", gram)) for gram in grams]
            choices.append(Query.boolean_query(terms, minimum_number_should_match=need))
        return Query.boolean_query([(Occur.Should, choice) for choice in choices])


def _by_place(tokens: Iterable[Token]) -> dict[tuple[int, int], tuple[str, ...]]:
    """Return the terms at each place: stems of one word, by the rules of several languages."""
    places: dict[tuple[int, int], tuple[str, ...]] = {}
    for token in tokens:
        place = (token.start, token.end)
        places[place] = (*places.get(place, ()), token.term)
    return places


def _words_of_grams(tokens: Iterable[Token]) -> Iterable[tuple[str, ...]]:
    """Yield the distinct grams of each word, of each unbroken run where a script knows no words."""
    gathered: dict[str, None] = {}
    last: Token | None = None
    for token in tokens:
        if last is not None and (token.start, token.end) != (last.start, last.end) and (
            token.start >= last.end or token.script not in ("thai",)
        ) and not (token.script == last.script == "han" and token.start == last.end):  # fmt: skip
            yield tuple(sorted(gathered))
            gathered = {}
        gathered[token.term] = None
        last = token
    if gathered:
        yield tuple(sorted(gathered))


def _sum(weighed: Iterable[tuple[Query, float]]) -> Query | None:
    """Return the weighted sum of queries; None of none."""
    terms = [
        (Occur.Should, query if weight == 1 else Query.boost_query(query, weight))
        for query, weight in weighed
        if weight
    ]
    return Query.boolean_query(terms) if terms else None


def _silent(query: Query) -> Query:
    """Return a query that adds nothing to the score."""
    return Query.const_score_query(query, 0.0)


def _all(ranking: Sequence[Query], conditions: Sequence[tuple[Occur, Query]]) -> Query:
    return Query.boolean_query([*((Occur.Must, query) for query in ranking), *conditions])
