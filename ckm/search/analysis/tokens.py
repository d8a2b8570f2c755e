"""What an analysis is made of: tokens with their place in the text, and runs of one script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

TELLING = 4
"""How much more a sign of another script tells of a text's language than a Latin word does."""


class Token(NamedTuple):
    """One term of the index, and where it stands in the text as written.

    ``start`` and ``end`` are character positions; the characters of several tokens may overlap (grams, bigrams), and
    tokens of the same place are readings of the same word (a stem per language).
    """

    term: str
    start: int
    end: int
    script: str


class Run(NamedTuple):
    """A piece of the text in one script, and the languages by whose rules its words were stemmed."""

    script: str
    languages: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Analysis:
    """A text as the index sees it.

    Attributes
    ----------
    text
        The text as written; the positions of all tokens refer to it.
    runs
        The text cut into runs of one script, in order.
    exact
        Folded words with nothing left out, for exact phrases: words where spaces part them, single characters in
        Chinese, Japanese and Korean, character clusters in Thai and its neighbours. In order, no overlaps.
    words
        Terms of the word field: stems without stop words, words of a dictionary in Thai, bigrams in Chinese.
    compounds
        Terms of names and codes of several parts (:mod:`ckm.search.analysis.compounds`) and of emoji.
    forms
        Words as written, folded and not stemmed, stop words too, and each two neighbours joined by ``_``. Only of
        scripts that write spaces between words.
    grams
        Terms of the gram field: what still matches when a character is wrong.
    """

    text: str
    runs: tuple[Run, ...]
    exact: tuple[Token, ...]
    words: tuple[Token, ...]
    compounds: tuple[Token, ...]
    forms: tuple[Token, ...]
    grams: tuple[Token, ...]

    @property
    def home(self) -> tuple[str, ...]:
        """What most of the text is in: a language of an alphabet (several where its words do not tell), or a script.

        Texts of one home are what a text competes with: how rare a word is should be told among them.
        """
        lengths = self.lengths
        return min(lengths, key=lambda place: (-lengths[place], place)) if lengths else ("",)

    @property
    def lengths(self) -> dict[tuple[str, ...], int]:
        """How many words, characters or clusters are in each language; a script without known ones stands for itself.

        Names and codes in Latin letters stand in texts of all languages, and Latin texts hold no other letters: a word
        in another script counts as four. Numbers count for none.
        """
        lengths: dict[tuple[str, ...], int] = {}
        tokens = iter(self.exact)
        token = next(tokens, None)
        for run in self.runs:
            place = run.languages or (run.script,)
            while token is not None and token.end <= run.end:
                if not token.term.isdecimal():
                    lengths[place] = lengths.get(place, 0) + (1 if token.script == "latin" else TELLING)
                token = next(tokens, None)
        return lengths

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages by whose rules words were stemmed, sorted; "" stands for none."""
        return tuple(sorted({language for run in self.runs for language in run.languages}))
