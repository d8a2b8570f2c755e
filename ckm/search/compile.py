"""From a parsed query to one that the engine understands.

:mod:`ckm.search.ranking` makes what adds to a score. Everything else, filters, phrases and excluded words, decides
which records take part and adds nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tantivy import Occur, Query

from ckm.search.analysis import analyse
from ckm.search.fields import EXACT_FIELDS, exact_field, label_term
from ckm.search.ranking import Ranking
from ckm.search.rarity import Rarity
from ckm.search.record import ANY

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tantivy import Schema, Searcher

    from ckm.search import query as parsed
    from ckm.search.ranking import Alike
    from ckm.search.weights import Weights

_LIKE_TERMS = 25  # as in Lucene's MoreLikeThis


@dataclass(frozen=True)
class Compiled:
    """A query for the engine of each shelf, and those of its parts that add to the score, by name."""

    queries: Sequence[Query]
    parts: Sequence[Mapping[str, Query]] = ()
    homes: frozenset[str] = frozenset()
    """The languages that the query may be in, of those that the index has texts in."""
    excluded: Query | None = None
    """What no text of a record may match, in whichever language."""
    certain: Query | None = None
    """Matches those that are hits in any case; None: all are."""
    sure: Sequence[Query] = ()
    """``queries`` for those only."""
    words: tuple[Alike, ...] = ()
    """Words of which one must be like a word of the text for others to be hits."""


class Compiler:
    """Compiles queries for one state of an index."""

    def __init__(
        self, schema: Schema, searchers: Sequence[Searcher], weights: Weights, languages: Collection[str]
    ) -> None:
        self._counts: dict[tuple[str, str, frozenset[str]], int] = {}  # what one query has counted serves the next
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
    ) -> Compiled | None:
        """Return the query for the engine, on demand with phrases as mere words; None where it asks for nothing."""
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
        rarity = Rarity(self._schema, self._searchers, analysis.home, self._counts)
        rankings = self._rankings(rarity)
        parts = [ranking.parts(analysis) for ranking in rankings]
        if not parts[0] and not conditions and not excluded:
            return None
        conditions += self._filters(keep, drop)
        without = Query.boolean_query(excluded) if excluded else None

        def matching(evidence: Query) -> list[Query]:
            demanded = [*conditions, (Occur.Must, _silent(evidence))]
            return [Query.boolean_query([*demanded, *((Occur.Should, part) for part in p.values())]) for p in parts]

        if not parts[0]:
            return Compiled(matching(Query.all_query()), (), rarity.homes, without)
        evidence = rankings[0].evidence(analysis)
        if not evidence.words:
            return Compiled(matching(evidence.certain), parts, rarity.homes, without)
        return Compiled(
            matching(evidence.possible),
            parts,
            rarity.homes,
            without,
            _silent(evidence.certain),
            matching(evidence.certain),
            evidence.words,
        )

    def resolve(self, query: parsed.Query) -> parsed.Query:
        """Return a query in which a name before a colon is a field of this index.

        A name that is none is a word like what follows it (*re:Zero*). Where it is one and no record has the value
        (*error id:12345*), the clause is a phrase: these words next to each other, as a text may have them.
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

    def _is_label(self, name: str) -> bool:
        prefix = label_term(name, "")
        return any(searcher.terms_with_prefix("label", prefix, limit=1) for searcher in self._searchers)

    def _has_label(self, name: str, value: str) -> bool:
        """Whether a record has a value of a label, or passes any filter by it."""
        terms = [label_term(name, each) for each in (value, ANY)]
        return any(searcher.doc_freq("label", term) for searcher in self._searchers for term in terms)

    def _rankings(self, rarity: Rarity) -> list[Ranking]:
        return [Ranking(self._schema, self._weights, rarity, shelf) for shelf in range(len(self._searchers))]

    def nearest(self, text: str, keep: Mapping[str, Collection[str]]) -> Compiled | None:
        """Return the query for what shares most grams with a text, and at least half; None where it has none."""
        analysis = analyse(text, among=self._languages)
        grams = sorted({token.term for token in analysis.grams})
        if not grams:
            return None
        rarity = Rarity(self._schema, self._searchers, analysis.home, self._counts)
        rankings = self._rankings(rarity)
        half = rankings[0].some_of("grams", grams, math.ceil(len(grams) / 2))
        conditions = [*self._filters(keep, {}), (Occur.Must, _silent(half))]
        ranked = [ranking.grams(analysis.grams) for ranking in rankings]
        return Compiled([_all([one], conditions) for one in ranked if one is not None])

    def more_like(self, key: str, terms: Counter[str], keep: Mapping[str, Collection[str]]) -> Compiled | None:
        """Return the query for records with the terms that say best what a record is about, without itself."""
        total = sum(searcher.num_docs for searcher in self._searchers)

        def worth(term: str, count: int) -> float:
            having = sum(searcher.doc_freq("words", term) for searcher in self._searchers)
            return count * math.log(1 + total / (1 + having))

        weighed = sorted(
            ((worth(term, count), term) for term, count in terms.items()), key=lambda item: (-item[0], item[1])
        )
        if not weighed:
            return None
        conditions = [*self._filters(keep, {}), (Occur.MustNot, self._term("key", key))]
        rankings = self._rankings(Rarity(self._schema, self._searchers, (), self._counts))
        chosen = [term for _, term in weighed[:_LIKE_TERMS]]
        return Compiled([_all([ranking.of_words(chosen)], conditions) for ranking in rankings])

    def _term(self, name: str, value: str) -> Query:
        return Query.term_query(self._schema, name, value)

    def _filters(
        self, keep: Mapping[str, Collection[str]], drop: Mapping[str, Collection[str]]
    ) -> list[tuple[Occur, Query]]:
        kept = [(Occur.Must, _silent(self._labels(name, (*values, ANY)))) for name, values in sorted(keep.items())]
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
        if self._is_label(name):
            return _silent(self._labels(name, [clause.text] if clause.negated else [clause.text, ANY]))
        return None

    def _written(self, clause: parsed.Clause, fields: Sequence[str]) -> Query | None:
        """Return what demands the words of a clause in one of the fields, next to each other and in order.

        A single word that is not in quotation marks is meant in all its forms. A compound is meant as a whole too, and
        nothing else where a sign at its end is what tells it from others (*C++*).
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
            return _silent(Query.boolean_query([(Occur.Must, each) for each in both]))
        choices = phrases + (compound if len(fields) > 1 else [])
        if len(exact) == 1 and not clause.exact and len(fields) > 1:
            choices += [(Occur.Should, self._term("words", token.term)) for token in analysis.words]
            choices += [(Occur.Should, self._term("compounds", token.term)) for token in analysis.words]
        return _silent(Query.boolean_query(choices))

    def _phrase(self, name: str, terms: list[str]) -> Query:
        if len(terms) == 1:
            return self._term(name, terms[0])
        return Query.phrase_query(self._schema, name, list(terms))


def _silent(query: Query) -> Query:
    """Return a query that adds nothing to the score."""
    return Query.const_score_query(query, 0.0)


def _all(ranking: Sequence[Query], conditions: Sequence[tuple[Occur, Query]]) -> Query:
    return Query.boolean_query([*((Occur.Must, query) for query in ranking), *conditions])
