"""The forms of a word in a script with spaces: folded, stems and grams, cached for all its occurrences."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ckm.search.analysis import alphabets, arabic, chinese, languages
from ckm.search.analysis.normalization import normalise, runs
from ckm.search.analysis.tokens import NON_LATIN_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Callable


class WordForms(NamedTuple):
    """The forms of a word. A stop word has no stems and grams; a lone accent has no folded form either.

    ``weight`` is the weight of the word in language detection; 0 for a number.
    """

    alphabet: str
    folded: str
    stems: tuple[str, ...]
    grams: tuple[str, ...]
    weight: int


@lru_cache(maxsize=1 << 16)
def read_word(script: str, written: str, chosen: tuple[str, ...]) -> WordForms:
    """Return a word's alphabet, folded form, stems in each language, and grams.

    Parameters
    ----------
    script, written
        As :func:`ckm.search.analysis.normalization.runs` yields them: ``spaced`` or ``arabic``.
    chosen
        Languages in which to stem; "" for none.
    """
    chain = arabic if script == "arabic" else alphabets
    folded = chain.fold(written)
    stems = dict.fromkeys(stem for language in chosen if (stem := chain.stem(written, language)))
    alphabet = languages.alphabet_of(script, written)
    weight = 0 if folded.isdecimal() else 1 if alphabet == "latin" else NON_LATIN_WEIGHT
    return WordForms(alphabet, folded, tuple(stems), alphabets.grams(folded) if stems else (), weight)


_FOLD: dict[str, Callable[[str], str]] = {"han": chinese.fold, "arabic": arabic.fold, "spaced": alphabets.fold}
"""Folding by script; runs of other scripts are only normalised."""


@lru_cache(maxsize=1 << 16)
def fold_text(text: str) -> str:
    """Return a text folded as in the index: case, accents, umlauts, Traditional characters and Arabic letters.

    Words are separated by one space; punctuation is removed.
    """
    return " ".join(_FOLD.get(script, str)(characters) for script, characters, _ in runs(normalise(text)))
