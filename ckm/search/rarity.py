"""How rare a term is among the texts that a query competes with, where an index holds several languages.

An engine counts the documents of its shelf (:mod:`ckm.search.shelves`). A German base to which English is added would
hold *der* for a rare word, since no English text has it; English names in Chinese texts would be rare ones, for few
Chinese texts have them. So a term's weight is put right: its inverse document frequency among the texts of the query's
own language takes the place of that on the shelf. Where the index has none of those, all texts are counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tantivy import Occur, Query

from ckm.search.analysis.chinese import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tantivy import Schema, Searcher

_FEWEST = 10  # texts of a language from which on their own counts are better than those of all

_NEARLY_ALL = 0.9  # of a shelf in one language: the others change little, and each count takes time


def idf(texts: int, having: int) -> float:
    """Return the inverse document frequency as BM25 has it (Robertson and Zaragoza 2009, with one added: never 0)."""
    return math.log(1 + (texts - having + 0.5) / (having + 0.5))


class Rarity:
    """Tells how much more, or less, a term should count than an engine makes of it.

    Parameters
    ----------
    schema, searchers
        Of the index.
    languages
        Those that the query may be in.
    counts
        What was counted before; belongs to the searchers.

    Attributes
    ----------
    homes
        The languages that the query may be in, of those that texts are in.
    """

    def __init__(
        self,
        schema: Schema,
        searchers: Sequence[Searcher],
        languages: Collection[str],
        counts: dict[tuple[str, str, frozenset[str]], int],
    ) -> None:
        self._schema = schema
        self._searchers = searchers
        self._counts = counts
        self.homes = frozenset(one for one in languages if any(each.doc_freq("home", one) for each in searchers))
        # Both ways of writing Chinese are one language here: terms are folded.
        counted = sorted({*self.homes, *VARIANTS} if self.homes & set(VARIANTS) else self.homes)
        self._texts = [int(each.num_docs) for each in searchers]
        own = [sum(each.doc_freq("home", one) for one in counted) for each in searchers]
        if sum(own) < _FEWEST:
            own = self._texts
        self._own = [
            texts if count >= _NEARLY_ALL * texts else count for count, texts in zip(own, self._texts, strict=True)
        ]
        self._at_home = Query.term_set_query(schema, "home", counted)

    def known(self, word: str, stems: Collection[str]) -> bool:
        """Whether any text has a folded word, or one with one of its stems."""
        return any(
            each.doc_freq("forms", word) > 0 or any(each.doc_freq("words", stem) > 0 for stem in stems)
            for each in self._searchers
        )

    def has(self, field: str, term: str) -> bool:
        """Whether any text has a term in a field."""
        return any(each.doc_freq(field, term) > 0 for each in self._searchers)

    def of(self, query: Query) -> float:
        """Return the idf of whatever a query matches; 0 where it matches nothing."""
        found = sum(_count(each, query) for each in self._searchers)
        return idf(sum(self._texts), found) if found else 0.0

    def factor(self, shelf: int, field: str, term: str) -> float:
        """Return the idf of a term among the query's own texts, divided by its idf on a shelf (by its number)."""
        having = self._searchers[shelf].doc_freq(field, term)
        if not having or self._own[shelf] == self._texts[shelf] == sum(self._own):
            return 1.0
        place = (field, term, self.homes)
        if place not in self._counts:
            self._counts[place] = self._having(field, term)
        return idf(sum(self._own), self._counts[place]) / idf(self._texts[shelf], having)

    def _having(self, field: str, term: str) -> int:
        """Count the query's own texts with a term."""
        total = 0
        for searcher, own, texts in zip(self._searchers, self._own, self._texts, strict=True):
            having = searcher.doc_freq(field, term) if own else 0
            if having and own < texts:
                with_term = Query.term_query(self._schema, field, term, "basic")
                having = _count(searcher, Query.boolean_query([(Occur.Must, with_term), (Occur.Must, self._at_home)]))
            total += having
        return total


def _count(searcher: Searcher, query: Query) -> int:
    found: Any = searcher.search(Query.const_score_query(query, 0.0), 1)  # its types leave out the count
    return int(found.count)
