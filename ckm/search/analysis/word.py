"""A word of a script with spaces: folded, stemmed and cut into grams, once for all its occurrences."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ckm.search.analysis import arabic, languages, spaced
from ckm.search.analysis.tokens import TELLING


class Word(NamedTuple):
    """What the index makes of a word; a stop word has neither stems nor grams, a lone mark no folded form either.

    ``weight`` is how much it tells of a text's language; a number tells nothing.
    """

    alphabet: str
    folded: str
    stems: tuple[str, ...]
    grams: tuple[str, ...]
    weight: int


@lru_cache(maxsize=1 << 16)
def read_word(script: str, written: str, chosen: tuple[str, ...]) -> Word:
    """Return a word's alphabet, folded form, stems by the rules of each language, and grams.

    Parameters
    ----------
    script, written
        As :func:`ckm.search.analysis.text.runs` yields them: ``spaced`` or ``arabic``.
    chosen
        Languages; "" for none of them.
    """
    chain = arabic if script == "arabic" else spaced
    folded = chain.fold(written)
    stems = dict.fromkeys(stem for language in chosen if (stem := chain.stem(written, language)))
    alphabet = languages.alphabet_of(script, written)
    weight = 0 if folded.isdecimal() else 1 if alphabet == "latin" else TELLING
    return Word(alphabet, folded, tuple(stems), spaced.grams(folded) if stems else (), weight)
