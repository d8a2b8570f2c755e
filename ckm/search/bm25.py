"""The scoring parts of a query: BM25 over words, unstemmed words with their neighbours, and character grams.

tantivy sums BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with k1 1.2
and b .75) over the query's terms, each with the weight of its kind. A term that occurs twice in a query counts twice.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tantivy import Occur, Query

from ckm.search.analysis import alphabets
from ckm.search.idf import edit_distance_one

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tantivy import Schema

    from ckm.search.analysis import Analysis, Token
    from ckm.search.idf import IdfCorrection
    from ckm.search.weights import Weights

# minimum share of a word's grams in a match: a word of seven letters keeps half of them if a letter inside is missing
_SHARED = 0.4
# minimum number of grams in a match: with one, *tea* would match every word that begins with these letters
_FEWEST = 2

# minimum share of a word's grams in a text that covers the word: a German compound is covered by most of its parts
_COVERED = 0.6
# minimum letters of a word whose misspellings match; changing a letter of a shorter word mostly gives another word
_LONG = 5
_UNSPACED = frozenset({"han", "thai"})
_WHOLE = _UNSPACED | {"emoji"}  # scripts without words: grams are taken from a whole run


class SharedGrams(NamedTuple):
    """The grams of a query word, and how many of them a word of a text must share to match."""

    grams: frozenset[str]
    need: int


class Evidence(NamedTuple):
    """The condition for a text to be a hit.

    Attributes
    ----------
    certain
        Matches texts that are hits.
    possible
        Matches texts of ``certain``, and texts that share enough grams with a query word, in one word or several.
    words
        Query words for checking a text of ``possible``: one word of the text must share enough grams with one of these.
    """

    certain: Query
    possible: Query
    words: tuple[SharedGrams, ...]


class _Readings(NamedTuple):
    """The terms of one query word, of which the best match counts.

    Attributes
    ----------
    stems
        Stem of the word in each language of the query.
    misspelled
        The word as written if it is probably misspelled, else "".
    """

    stems: tuple[str, ...]
    misspelled: str


class Bm25QueryBuilder:
    """Builds the scoring parts of a query for one shard, given by its number."""

    def __init__(self, schema: Schema, weights: Weights, idf: IdfCorrection, shard: int) -> None:
        self._schema = schema
        self._shard = shard
        self._weights = weights
        self._idf = idf

    def parts(self, analysis: Analysis) -> dict[str, Query]:
        """Return the parts of a query that are not empty, by name."""
        parts = {
            "words": self.words(analysis),
            "forms": self.forms(analysis.forms),
            "grams": self.grams(analysis.grams),
        }
        return {name: part for name, part in parts.items() if part is not None}

    def words(self, analysis: Analysis) -> Query | None:
        """Return the part of the query for words and compounds; None without any.

        Each position of the query adds the score of its best reading. The readings of a word are its stems in each
        language and, if no text contains the word as written, the words at edit distance 1. The readings of a compound
        are its parts (*wi* and *fi*) and the whole (*wifi*), because a text may have either.
        """
        misspelled = self._misspelled(analysis)
        places: dict[tuple[int, int], _Readings] = {}
        for token in analysis.words:
            place = (token.start, token.end)
            stems = places[place].stems if place in places else ()
            places[place] = _Readings((*stems, token.term), misspelled.get(place, ""))
        weighted = []
        for (start, end), terms in _outermost(analysis.compounds).items():
            # removed from the single words: a word inside a compound adds to the score only as a part of the compound
            parts = [places.pop(place) for place in list(places) if start <= place[0] and place[1] <= end]
            whole = self._best(_Readings(tuple(terms), ""), 1)
            readings = [each for each in (self._sum(parts), whole) if each is not None]
            weighted.append(Query.disjunction_max_query(readings))
        alone = self._sum(places.values())
        return any_of([*([] if alone is None else [alone]), *weighted])

    def coverage(self, analysis: Analysis) -> tuple[Query, float] | None:
        """Return a query whose score is the weight of the query words that a text has, and the weight of all.

        The weight of a word is its inverse document frequency, so that a word which no text has weighs most and one
        which most texts have hardly counts. A word is covered by its stem in any language of the query, if no text has
        the word as written by a word at edit distance 1, and by three fifths of its grams, as that of a German
        compound. A compound of several parts is one word; in Chinese each character is one, covered by a bigram of the
        query that contains it. None if the query has only stop words.
        """
        misspelled = self._misspelled(analysis)
        grams: dict[tuple[int, int], list[str]] = {}
        for token in analysis.grams:
            grams.setdefault((token.start, token.end), []).append(token.term)
        words, total = [], 0.0
        for place, readings in sorted(_terms_of_words(analysis).items()):
            found = [(name, term) for term in dict.fromkeys(readings) for name in self._fields(term)]
            choices = [self._term(*each) for each in found]
            weight = min(self._idf.idf(*each) for each in found)
            if place in misspelled:
                choices.append(edit_distance_one(self._schema, misspelled[place]))
                weight = min(weight, self._idf.idf_of_similar(misspelled[place]))
            if len(own := grams.get(place, [])) > _FEWEST:
                choices.append(self.some_of("grams", own, math.ceil(_COVERED * len(own))))
            words.append(Query.const_score_query(any_of(choices) or Query.empty_query(), weight))
            total += weight
        query = any_of(words)
        return None if query is None else (query, total)

    def _sum(self, words: Iterable[_Readings]) -> Query | None:
        return any_of([self._best(word, count) for word, count in sorted(Counter(words).items())])

    def _best(self, word: _Readings, count: int) -> Query:
        choices = [self._weighted(name, term, count) for term in word.stems for name in self._fields(term)]
        if word.misspelled:
            # As a term with the same document frequency: tantivy's fuzzy query has a constant score.
            idf = self._idf.idf_of_similar(word.misspelled)
            choices.append(Query.const_score_query(edit_distance_one(self._schema, word.misspelled), count * idf))
        return choices[0] if len(choices) == 1 else Query.disjunction_max_query(choices)

    def _fields(self, term: str) -> list[str]:
        """Return the fields in which to search a term: ``words``, and ``compounds`` if that field contains the term."""
        return ["words", "compounds"] if self._idf.contains_term("compounds", term) else ["words"]

    def of_words(self, terms: Iterable[str]) -> Query:
        """Return the query for texts with any of ``terms`` in the field ``words``."""
        return any_of([self._weighted("words", term, 1) for term in terms]) or Query.empty_query()

    def forms(self, tokens: Iterable[Token]) -> Query | None:
        """Return the part of the query for unstemmed words and pairs of neighbouring words; None without any."""
        single, pair = self._weights.forms, self._weights.pairs
        counts = Counter(token.term for token in tokens)
        return any_of(
            [
                self._weighted("forms", term, count * (pair if "_" in term else single))
                for term, count in sorted(counts.items())
            ]
        )

    def grams(self, tokens: Iterable[Token]) -> Query | None:
        """Return the part of the query for character grams; None without any."""
        counts = Counter((token.term, token.script) for token in tokens)
        return any_of(
            [
                self._weighted("grams", term, count * self._weights.of_gram(script))
                for (term, script), count in sorted(counts.items())
            ]
        )

    def _misspelled(self, analysis: Analysis) -> dict[tuple[int, int], str]:
        """Return the probably misspelled words by position: no text has the word, but some text a word at distance 1.

        Words are compared as written and not by their stems: the German stems of *Packet* and *packen* are equal.
        """
        stemmed = {(token.start, token.end) for token in analysis.words}
        return {
            (word.start, word.end): word.term
            for word in analysis.exact
            if word.script not in _UNSPACED
            and (word.start, word.end) in stemmed
            and len(word.term) >= _LONG
            and not word.term.isdecimal()
            and not self._idf.contains_term("forms", word.term)
            and self._idf.idf_of_similar(word.term)
        }

    def evidence(self, analysis: Analysis) -> Evidence:
        """Return the condition for a hit: a text has a word of the query, or enough grams of a word of the query.

        With a single shared gram as the condition, nearly every text would be a hit of every query.
        """
        terms = sorted({token.term for token in (*analysis.words, *analysis.compounds)})
        choices = [self._term(name, term) for term in terms for name in self._fields(term)]
        if not choices:  # only stop words: any of them
            choices = [self._term("forms", term) for term in sorted({token.term for token in analysis.forms})]
        choices += [edit_distance_one(self._schema, word) for word in sorted(set(self._misspelled(analysis).values()))]
        possible: list[Query] = []
        words: list[SharedGrams] = []
        for script, grams in sorted(
            {(script, tuple(sorted(set(grams)))) for script, grams in _by_word(analysis.grams)}
        ):
            need = max(min(_FEWEST, len(grams)), math.ceil(_SHARED * len(grams)))
            some = self.some_of("grams", grams, need)
            if script in _WHOLE:
                choices.append(some)
            else:
                possible.append(some)
                words.append(SharedGrams(frozenset(grams), need))
        certain = any_of(choices) or Query.empty_query()
        return Evidence(certain, any_of([certain, *possible]) or certain, tuple(words))

    def some_of(self, name: str, terms: Iterable[str], need: int) -> Query:
        """Return the query for texts with at least ``need`` of ``terms`` in the field ``name``."""
        choices = [(Occur.Should, self._term(name, term)) for term in terms]
        return Query.boolean_query(choices, minimum_number_should_match=need)

    def _term(self, name: str, term: str) -> Query:
        return Query.term_query(self._schema, name, term, "freq")

    def _weighted(self, name: str, term: str, weight: float) -> Query:
        weight *= self._idf.factor(self._shard, name, term)
        query = self._term(name, term)
        return query if weight == 1 else Query.boost_query(query, weight)


def shares_grams(vocabulary: str, words: Iterable[SharedGrams]) -> bool:
    """Return whether a word of a text shares enough grams with one of the query words ``words``.

    ``vocabulary`` has the words of the text, separated by spaces.
    """
    grams = [alphabets.grams(word) for word in vocabulary.split()]
    return any(len(word.grams.intersection(each)) >= word.need for word in words for each in grams)


def any_of(queries: list[Query]) -> Query | None:
    """Return the disjunction of queries, with the sum of their scores; None for an empty list."""
    return Query.boolean_query([(Occur.Should, query) for query in queries]) if queries else None


def _terms_of_words(analysis: Analysis) -> dict[tuple[int, int], list[str]]:
    """Return position to terms of each word of a query; a word inside a compound belongs to the compound.

    A Chinese word is a character with the bigrams that contain it as terms: bigrams across the border of two words
    hardly occur in other texts.
    """
    terms = _outermost(analysis.compounds)
    for token in analysis.words:
        place = (token.start, token.end)
        outer = next((one for one in terms if one[0] <= place[0] and place[1] <= one[1]), place)
        if token.script == "han" and outer == place:
            for at in range(token.start, token.end):
                terms.setdefault((at, at + 1), []).append(token.term)
        else:
            terms.setdefault(outer, []).append(token.term)
    return terms


def _outermost(compounds: Iterable[Token]) -> dict[tuple[int, int], list[str]]:
    """Return position to terms of compounds; a compound inside another one has the position of the outer one."""
    found: dict[tuple[int, int], list[str]] = {}
    for token in sorted(compounds, key=lambda token: (token.start, -token.end, token.term)):
        inside = next((place for place in found if place[0] <= token.start and token.end <= place[1]), None)
        found.setdefault(inside or (token.start, token.end), []).append(token.term)
    return found


def _by_word(tokens: Iterable[Token]) -> list[tuple[str, list[str]]]:
    """Return script and grams of each word or, in scripts without spaces, of each run of characters."""
    groups: list[tuple[str, list[str]]] = []
    start = end = -1
    script = ""
    for token in tokens:
        unspaced = token.script in _UNSPACED
        same = token.script == script and (start <= token.start <= end if unspaced else token.start == start)
        if not same:
            groups.append((token.script, []))
            script, start, end = token.script, token.start, token.end
        end = max(end, token.end)
        groups[-1][1].append(token.term)
    return groups
