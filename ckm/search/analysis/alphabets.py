"""Analyzer for alphabets with spaces between words: Latin, Greek, Cyrillic and all without an analyzer of their own."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from ckm.search.analysis import languages

GRAM = 4
"""Characters per gram. Longer grams find German compounds slightly better and tolerate typos slightly less."""

_LETTERS = str.maketrans({"ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ё": "е",
                          "\u00ad": None, "ς": "σ"})  # fmt: skip
_ACCENTED = ("latin", "greek")
# Rückgabe, Rueckgabe and Ruckgabe must have the same terms. So every "ue" is folded like "ü": without a dictionary the
# "ue" of "neue" cannot be distinguished from that of "Mueller", and texts and queries are folded alike.
_DIGRAPH = re.compile("([aou])e")


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Return a word in lower case, without accents (of Latin and Greek letters) and umlauts (ü, ue and u are equal)."""
    return _DIGRAPH.sub(r"\1", plain(word))


@lru_cache(maxsize=1 << 16)
def plain(word: str) -> str:
    """Return a word in lower case without accents, with ``ue`` unchanged."""
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
    """Return the stem of a word; "" for a stop word.

    A German word is folded before it is stemmed, so that all its spellings have one stem. In other languages ``ue`` is
    part of the word (*issues*, *issue*), so only the stem is folded.
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
    """Return the character grams of ``_word_`` for a folded word; a short word is one gram."""
    marked = f"_{folded}_"
    return tuple(marked[place : place + GRAM] for place in range(max(1, len(marked) - GRAM + 1)))
