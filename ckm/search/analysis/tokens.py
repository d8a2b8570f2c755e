"""The result of an analysis: tokens with their positions, and runs of one script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

NON_LATIN_WEIGHT = 4
"""Weight of a character of a script other than Latin in language detection; a Latin word has weight 1."""


class Token(NamedTuple):
    """A term of the index with its position in the original text.

    ``start`` and ``end`` are character positions. Tokens may overlap (grams, bigrams); tokens with the same position
    are readings of the same word (one stem per language).
    """

    term: str
    start: int
    end: int
    script: str


class ScriptRun(NamedTuple):
    """A part of the text in one script, and the languages in which its words were stemmed."""

    script: str
    languages: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Analysis:
    """The analysis of a text.

    Attributes
    ----------
    text
        The original text; positions of tokens refer to it.
    runs
        Runs of one script, in order.
    exact
        All folded words, for phrases: words of scripts with spaces, single characters in Chinese, Japanese and Korean,
        character clusters in Thai and similar scripts. In order, without overlaps.
    words
        Terms of the word field: stems without stop words, dictionary words in Thai, bigrams in Chinese.
    compounds
        Terms of names and codes of several parts (:mod:`ckm.search.analysis.compounds`) and of emoji.
    forms
        Folded words without stemming, including stop words, and pairs of neighbours joined by ``_``. Only of scripts
        with spaces between words.
    grams
        Terms of the gram field, which match despite typos.
    """

    text: str
    runs: tuple[ScriptRun, ...]
    exact: tuple[Token, ...]
    words: tuple[Token, ...]
    compounds: tuple[Token, ...]
    forms: tuple[Token, ...]
    grams: tuple[Token, ...]

    @property
    def home(self) -> tuple[str, ...]:
        """The main language of the text (several if it is unclear), or its main script.

        Inverse document frequencies are computed among texts with the same main language.
        """
        lengths = self.lengths
        return min(lengths, key=lambda place: (-lengths[place], place)) if lengths else ("",)

    @property
    def lengths(self) -> dict[tuple[str, ...], int]:
        """Languages of a run (its script if they are unknown) to weighted number of words, characters or clusters.

        Texts in all languages contain names in Latin letters, but Latin texts contain no other letters. So a word in
        another script counts four times. Numbers do not count.
        """
        lengths: dict[tuple[str, ...], int] = {}
        tokens = iter(self.exact)
        token = next(tokens, None)
        for run in self.runs:
            place = run.languages or (run.script,)
            while token is not None and token.end <= run.end:
                if not token.term.isdecimal():
                    lengths[place] = lengths.get(place, 0) + (1 if token.script == "latin" else NON_LATIN_WEIGHT)
                token = next(tokens, None)
        return lengths

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which words were stemmed, sorted; with "" if some words were stemmed in none."""
        return tuple(sorted({language for run in self.runs for language in run.languages}))
