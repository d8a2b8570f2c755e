"""How rare a term is among the texts that a query competes with, where an index holds several languages.

The engine counts documents of all languages. A German base to which Persian is added would hold *der* for a rare word,
since no Persian text has it; English words in Chinese texts make English words common. So a term's weight is put right:
its inverse document frequency among the texts of the query's own language takes the place of that in the whole index.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tantivy import Occur, Query

from ckm.search.analysis.chinese import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Collection

    from tantivy import Schema, Searcher

_FEWEST = 10  # texts of a language from which on their own counts are better than those of all

_NEARLY_ALL = 0.9  # of an index in one language: the others change little, and each count takes time


def idf(texts: int, having: int) -> float:
    """Return the inverse document frequency as BM25 has it (Robertson and Zaragoza 2009, with one added: never 0)."""
    return math.log(1 + (texts - having + 0.5) / (having + 0.5))


class Rarity:
    """Tells how much more, or less, a term should count than the engine makes of it.

    Parameters
    ----------
    schema, searcher
        Of the index.
    languages
        Those that the query may be in.
    counts
        What was counted before; belongs to the searcher.

    Attributes
    ----------
    homes
        The languages that the query may be in, of those that texts are in.
    """

    def __init__(
        self,
        schema: Schema,
        searcher: Searcher,
        languages: Collection[str],
        counts: dict[tuple[str, str, frozenset[str]], int],
    ) -> None:
        self._schema = schema
        self._searcher = searcher
        self._total = int(searcher.num_docs)
        self.homes = frozenset(language for language in languages if searcher.doc_freq("home", language))
        # Both ways of writing Chinese are one language here: terms are folded.
        counted = sorted({*self.homes, *VARIANTS} if self.homes & set(VARIANTS) else self.homes)
        own = sum(searcher.doc_freq("home", language) for language in counted)
        self._corrects = _FEWEST <= own < _NEARLY_ALL * self._total
        self._own = own
        self._counts = counts
        self._at_home = Query.term_set_query(schema, "home", counted)

    def known(self, word: str, stems: Collection[str]) -> bool:
        """Whether any text has a folded word, or one with one of its stems."""
        count = self._searcher.doc_freq
        return count("forms", word) > 0 or any(count("words", stem) > 0 for stem in stems)

    def of(self, query: Query) -> float:
        """Return the idf of whatever a query matches; 0 where it matches nothing."""
        found: Any = self._searcher.search(Query.const_score_query(query, 0.0), 1)
        return idf(self._total, found.count) if found.count else 0.0

    def factor(self, field: str, term: str) -> float:
        """Return the idf of a term among the query's own texts, divided by its idf in the index."""
        if not self._corrects:
            return 1.0
        having = self._searcher.doc_freq(field, term)
        if not having:
            return 1.0
        place = (field, term, self.homes)
        if place not in self._counts:
            with_term = Query.term_query(self._schema, field, term, "basic")
            both = Query.boolean_query([(Occur.Must, with_term), (Occur.Must, self._at_home)])
            found: Any = self._searcher.search(Query.const_score_query(both, 0.0), 1)  # its types leave out the count
            self._counts[place] = found.count
        return idf(self._own, self._counts[place]) / idf(self._total, having)
