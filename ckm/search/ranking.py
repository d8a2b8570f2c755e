"""What adds to a score: words, words as written with their neighbours, and grams.

The engine sums BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, with k1
1.2 and b .75) over the query's terms, each with the weight of its kind. A term that stands
twice in a query counts twice.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tantivy import Occur, Query

from ckm.search.analysis import spaced

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tantivy import Schema

    from ckm.search.analysis import Analysis, Token
    from ckm.search.rarity import Rarity
    from ckm.search.weights import Weights

_ENOUGH = 0.4  # of the grams of a word: a word of seven letters keeps half of its grams when a letter inside is lost
_FEWEST = 2  # grams, of a word that has as many: *tea* is not in every text with a word that begins with these letters

_LONG = 5  # letters of a word that is looked for with a mistake; one letter changed makes most shorter words other ones
_UNSPACED = frozenset({"han", "thai"})
_WHOLE = _UNSPACED | {"emoji"}  # whose grams are those of a run: it has no words


class Alike(NamedTuple):
    """The grams of a word of a query, and how many of them a word must share to be found by it."""

    grams: frozenset[str]
    need: int


class Evidence(NamedTuple):
    """What makes a text a hit.

    Attributes
    ----------
    certain
        Matches texts that are hits.
    possible
        Matches these, and texts that share enough grams with a word of the query, if perhaps over many words.
    words
        The words of the query that are looked for in this way: a single word of a text must share enough.
    """

    certain: Query
    possible: Query
    words: tuple[Alike, ...]


class Ranking:
    """Makes the parts of a query that rank, for a shelf of the index by its number."""

    def __init__(self, schema: Schema, weights: Weights, rarity: Rarity, shelf: int) -> None:
        self._schema = schema
        self._shelf = shelf
        self._weights = weights
        self._rarity = rarity

    def parts(self, analysis: Analysis) -> dict[str, Query]:
        """Return the parts that a text has, by name."""
        parts = {
            "words": self.words(analysis.words, analysis.compounds),
            "forms": self.forms(analysis.forms),
            "grams": self.grams(analysis.grams),
            "near": any_of(self._near(analysis, self._weights.near)),
        }
        return {name: part for name, part in parts.items() if part is not None}

    def words(self, tokens: Iterable[Token], compounds: Iterable[Token] = ()) -> Query | None:
        """Return the part of the words, and of the compounds that some of them make.

        Of several readings of a place the best counts: of the stems of a word by the rules of several languages, and of
        a compound its parts (*wi*, *fi*) or the whole (*wifi*). A text may write as one word what a query writes as a
        compound, and the other way round, so each is looked for as both.
        """
        places: dict[tuple[int, int], tuple[str, ...]] = {}
        for token in tokens:
            place = (token.start, token.end)
            places[place] = (*places.get(place, ()), token.term)
        weighed = []
        for (start, end), terms in _outermost(compounds).items():
            parts = [places.pop(place) for place in list(places) if start <= place[0] and place[1] <= end]
            readings = [each for each in (self._sum(parts), self._best(terms, 1)) if each is not None]
            weighed.append(Query.disjunction_max_query(readings))
        alone = self._sum(places.values())
        return any_of([*([] if alone is None else [alone]), *weighed])

    def _sum(self, words: Iterable[tuple[str, ...]]) -> Query | None:
        return any_of(self._best(stems, count) for stems, count in sorted(Counter(words).items()))

    def _best(self, terms: Iterable[str], count: int) -> Query:
        choices = [self._weighed(name, term, count) for term in terms for name in self._fields(term)]
        return choices[0] if len(choices) == 1 else Query.disjunction_max_query(choices)

    def _fields(self, term: str) -> list[str]:
        """Return the fields that a term of words or compounds can be in."""
        return ["words", "compounds"] if self._rarity.has("compounds", term) else ["words"]

    def of_words(self, terms: Iterable[str]) -> Query:
        """Return what matches any of some terms of the words."""
        return any_of(self._weighed("words", term, 1) for term in terms) or Query.empty_query()

    def forms(self, tokens: Iterable[Token]) -> Query | None:
        """Return the part of the words as written, and of pairs of neighbours."""
        single, pair = self._weights.forms, self._weights.pairs
        counts = Counter(token.term for token in tokens)
        return any_of(
            self._weighed("forms", term, count * (pair if "_" in term else single))
            for term, count in sorted(counts.items())
        )

    def grams(self, tokens: Iterable[Token]) -> Query | None:
        """Return the part of the grams."""
        counts = Counter((token.term, token.script) for token in tokens)
        return any_of(
            self._weighed("grams", term, count * self._weights.of_gram(script))
            for (term, script), count in sorted(counts.items())
        )

    def _near(self, analysis: Analysis, weight: float) -> list[Query]:
        """Return what finds words one mistake away from those that no text has; a word that some text has is meant.

        Such a word counts as much as a word of the query that stands in as many texts, times the weight.
        """
        stems: dict[tuple[int, int], list[str]] = {}
        for token in analysis.words:
            stems.setdefault((token.start, token.end), []).append(token.term)
        near = []
        for word in sorted({token for token in analysis.exact if token.script not in _UNSPACED}):
            own = stems.get((word.start, word.end))
            if not own or len(word.term) < _LONG or word.term.isdecimal() or self._rarity.known(word.term, own):
                continue
            query = Query.fuzzy_term_query(self._schema, "forms", word.term, 1)
            rarity = self._rarity.of(query)
            if rarity:
                near.append(Query.const_score_query(query, weight * rarity))
        return near

    def evidence(self, analysis: Analysis) -> Evidence:
        """Return what a text must match to be a hit at all: a word, or a good part of the grams of one.

        Any gram would be too little: every text has some of them, and nothing would ever count as not found.
        """
        terms = sorted({token.term for token in (*analysis.words, *analysis.compounds)})
        choices = [self._term(name, term) for term in terms for name in self._fields(term)]
        if not choices:  # stop words only: one of them will do
            choices = [self._term("forms", term) for term in sorted({token.term for token in analysis.forms})]
        choices += self._near(analysis, 1)
        possible: list[Query] = []
        words: list[Alike] = []
        for script, grams in sorted(
            {(script, tuple(sorted(set(grams)))) for script, grams in _by_word(analysis.grams)}
        ):
            need = max(min(_FEWEST, len(grams)), math.ceil(_ENOUGH * len(grams)))
            some = self.some_of("grams", grams, need)
            if script in _WHOLE:
                choices.append(some)
            else:
                possible.append(some)
                words.append(Alike(frozenset(grams), need))
        certain = any_of(choices) or Query.empty_query()
        return Evidence(certain, any_of([certain, *possible]) or certain, tuple(words))

    def some_of(self, name: str, terms: Iterable[str], need: int) -> Query:
        """Return what matches at least so many of some terms."""
        choices = [(Occur.Should, self._term(name, term)) for term in terms]
        return Query.boolean_query(choices, minimum_number_should_match=need)

    def _term(self, name: str, term: str) -> Query:
        return Query.term_query(self._schema, name, term, "freq")

    def _weighed(self, name: str, term: str, weight: float) -> Query:
        weight *= self._rarity.factor(self._shelf, name, term)
        query = self._term(name, term)
        return query if weight == 1 else Query.boost_query(query, weight)


def is_alike(vocabulary: str, words: Iterable[Alike]) -> bool:
    """Whether a vocabulary, parted by spaces, has a word that shares enough grams with one of a query."""
    grams = [spaced.grams(word) for word in vocabulary.split()]
    return any(len(word.grams.intersection(each)) >= word.need for word in words for each in grams)


def any_of(queries: Iterable[Query]) -> Query | None:
    """Return the query that matches what one of the queries matches and sums their scores; None of none."""
    choices = [(Occur.Should, query) for query in queries]
    return Query.boolean_query(choices) if choices else None


def _outermost(compounds: Iterable[Token]) -> dict[tuple[int, int], list[str]]:
    """Return the terms of compounds by place, those within another one under its place."""
    found: dict[tuple[int, int], list[str]] = {}
    for token in sorted(compounds, key=lambda token: (token.start, -token.end, token.term)):
        inside = next((place for place in found if place[0] <= token.start and token.end <= place[1]), None)
        found.setdefault(inside or (token.start, token.end), []).append(token.term)
    return found


def _by_word(tokens: Iterable[Token]) -> list[tuple[str, list[str]]]:
    """Return script and grams of each word; where a script knows no spaces, of each unbroken run."""
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
