"""Alphabets that part words by spaces: Latin, Greek, Cyrillic and all others without a chain of their own."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from ckm.search.analysis import languages

GRAM = 4
"""Characters per gram. Longer ones find German compounds a little better and forgive a typo a little less."""

_LETTERS = str.maketrans({"ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ё": "е",
                          "\u00ad": None, "ς": "σ"})  # fmt: skip
_ACCENTED = ("latin", "greek")
# Rückgabe, Rueckgabe and Ruckgabe must meet, so what stands for an umlaut goes the way of the umlaut, in every word:
# nobody can tell the ue of "neue" from that of "Mueller" without a dictionary, and on both sides it folds alike.
_DIGRAPH = re.compile("([aou])e")


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Return a word in lower case, without accents (of Latin and Greek letters) and umlauts (ü, ue, u are one)."""
    return _DIGRAPH.sub(r"\1", plain(word))


@lru_cache(maxsize=1 << 16)
def plain(word: str) -> str:
    """Return a word in lower case without accents, with ``ue`` as it is written."""
    word = word.casefold()
    if word.isascii():
        return word
    word = word.translate(_LETTERS)
    if (word and languages.alphabet_of("spaced", word) in _ACCENTED) or not word.isalpha():
        decomposed = unicodedata.normalize("NFD", word)
        word = "".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f")
    return word


@lru_cache(maxsize=1 << 16)
def stem(word: str, language: str) -> str:
    """Return the stem of a word as written, "" for a stop word.

    A German word is folded before it is stemmed, so that all its spellings have one stem; in other languages ``ue`` is
    part of the word (*issues*, *issue*), and only the stem is folded.
    """
    folded = fold(word)
    if not language:
        return folded
    if folded in languages.stop_words(language):
        return ""
    if language == "de":
        return languages.snowball(folded, language)
    return fold(languages.snowball(plain(word), language))


@lru_cache(maxsize=1 << 16)
def grams(folded: str) -> tuple[str, ...]:
    """Return the grams of a folded word with its ends marked; a short word is one gram."""
    marked = f"_{folded}_"
    return tuple(marked[place : place + GRAM] for place in range(max(1, len(marked) - GRAM + 1)))
