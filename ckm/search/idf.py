"""Inverse document frequency of a term among the texts in the language of the query.

tantivy computes the inverse document frequency within a shard (:mod:`ckm.search.shards`), over texts in several
languages. In a German base to which English texts are added, *der* would look rare because no English text contains it.
This module corrects the weight of a term: the inverse document frequency among texts in the query's language replaces
that of the shard. If the index has no text in that language, all texts count.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tantivy import Occur, Query

from ckm.search.analysis.chinese import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tantivy import Schema, Searcher

# with fewer texts in the query's languages, the texts of all languages are counted
_FEWEST = 10

# if at least this share of a shard's texts is in the query's languages, all its texts are counted, which is faster
_NEARLY_ALL = 0.9


def idf(texts: int, having: int) -> float:
    """Return the inverse document frequency of BM25 (Robertson and Zaragoza 2009, with 1 added so that it is positive).

    ``log(1 + (N - n + 0.5) / (n + 0.5))`` for a term in ``having`` = n of ``texts`` = N texts.
    """
    return math.log(1 + (texts - having + 0.5) / (having + 0.5))


def edit_distance_one(schema: Schema, word: str) -> Query:
    """Return the query for texts with a folded word at edit distance 1 from a word, or with the word itself."""
    return Query.fuzzy_term_query(schema, "forms", word, 1)


class IdfCorrection:
    """Factors that replace the inverse document frequency in a shard with that in the query's languages.

    Parameters
    ----------
    schema, searchers
        Schema of the index, and a searcher per shard.
    languages
        Languages that the query may be in.
    counts
        Document frequencies that were already counted with these searchers; new ones are added.

    Attributes
    ----------
    homes
        Languages that the query may be in and that the index has texts in.
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
        self._similar: dict[str, float] = {}
        self.homes = frozenset(one for one in languages if any(each.doc_freq("home", one) for each in searchers))
        # Simplified and Traditional Chinese count as one language: their terms are folded.
        counted = sorted({*self.homes, *VARIANTS} if self.homes & set(VARIANTS) else self.homes)
        self._texts = [int(each.num_docs) for each in searchers]
        own = [sum(each.doc_freq("home", one) for one in counted) for each in searchers]
        if sum(own) < _FEWEST:
            own = self._texts
        self._own = [
            texts if count >= _NEARLY_ALL * texts else count for count, texts in zip(own, self._texts, strict=True)
        ]
        self._at_home = Query.term_set_query(schema, "home", counted)

    def contains_term(self, field: str, term: str) -> bool:
        """Return whether any text has a term in a field."""
        return any(each.doc_freq(field, term) > 0 for each in self._searchers)

    def idf(self, field: str, term: str) -> float:
        """Return the inverse document frequency of a term among the texts of all languages."""
        return idf(sum(self._texts), sum(each.doc_freq(field, term) for each in self._searchers))

    def idf_of_similar(self, word: str) -> float:
        """Return the inverse document frequency of "a word at edit distance 1 from ``word``"; 0 if no text has one."""
        if word not in self._similar:
            query = edit_distance_one(self._schema, word)
            found = sum(_count(each, query) for each in self._searchers)
            self._similar[word] = idf(sum(self._texts), found) if found else 0.0
        return self._similar[word]

    def factor(self, shard: int, field: str, term: str) -> float:
        """Return the inverse document frequency of a term in the query's languages divided by that in the shard."""
        having = self._searchers[shard].doc_freq(field, term)
        if not having or self._own[shard] == self._texts[shard] == sum(self._own):
            return 1.0
        place = (field, term, self.homes)
        if place not in self._counts:
            self._counts[place] = self._document_frequency(field, term)
        return idf(sum(self._own), self._counts[place]) / idf(self._texts[shard], having)

    def _document_frequency(self, field: str, term: str) -> int:
        """Return the number of texts in the query's languages that have a term."""
        total = 0
        for searcher, own, texts in zip(self._searchers, self._own, self._texts, strict=True):
            having = searcher.doc_freq(field, term) if own else 0
            if having and own < texts:
                with_term = Query.term_query(self._schema, field, term, "basic")
                having = _count(searcher, Query.boolean_query([(Occur.Must, with_term), (Occur.Must, self._at_home)]))
            total += having
        return total


def _count(searcher: Searcher, query: Query) -> int:
    found: Any = searcher.search(Query.const_score_query(query, 0.0), 1)  # its type stub lacks the count
    return int(found.count)
