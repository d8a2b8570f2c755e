"""Replace personal data in texts by spaces.

Personal data are e-mail and web addresses, numbers of telephones, cards, accounts and orders, and customers' names.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ckm._kb.lint.personal_data import CARD, IBAN
from ckm.pseudonym import PHONE, without_addresses
from ckm.search.analysis import alphabets, arabic
from ckm.search.analysis.normalization import HAN, LETTER, THAI

if TYPE_CHECKING:
    from collections.abc import Iterable

LONG_NUMBER = re.compile(r"\d[\d\s().\-/]{5,}\d|[^\W_]*\d{5,}[^\W_]*|[A-Za-z]+-?\d{3,}[^\W_]*")
"""Order numbers and other long numbers, which may identify a customer. A year of four digits does not match."""
FULL_WIDTH = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF20, 0xFF3B), *range(0xFF41, 0xFF5B), 0xFF0E)
}
"""ASCII code by code of full-width letters, digits, full stop and @. Other punctuation is kept to split sentences."""
SHORTEST_NAME = 2
"""Fewest characters of a name that is masked: a single Chinese character is nearly always also a common word."""
LONGEST_HAN_NAME = 4
"""Most characters of a Chinese name whose substrings (such as the given name) are excluded from keywords."""
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(f"{LETTER}+")
_UNSPACED = re.compile(f"[{HAN}{THAI}]+")
_HAN = re.compile(f"[{HAN}]+")


@dataclass(frozen=True)
class Masking:
    """Customers' names, which are masked in texts along with addresses and numbers.

    Attributes
    ----------
    names
        Words of the names in scripts with spaces between words, without differences of case and accents.
    unspaced
        Pattern of the names in scripts without spaces between words, such as Chinese and Thai; None without any.
    parts
        Substrings of Chinese names, of two characters or more.
    """

    names: frozenset[str] = frozenset()
    unspaced: re.Pattern[str] | None = None
    parts: frozenset[str] = frozenset()

    def mask(self, text: str) -> str:
        """Return the text with personal data replaced by spaces."""
        # NFC, not NFKC, which decomposes the Thai vowel am and so changes Thai words.
        text = unicodedata.normalize("NFC", text).translate(FULL_WIDTH)
        text = without_addresses(text)
        if any(sign.isdecimal() for sign in text):
            for pattern in (IBAN, CARD, PHONE, LONG_NUMBER):
                text = pattern.sub(" ", text)
        if self.unspaced is not None:
            text = self.unspaced.sub(" ", text)
        if self.names:
            text = _WORD.sub(self._word, text)
        return text

    def is_name(self, word: str) -> bool:
        """Return whether a word is a customer's name, a part of a Chinese name, or contains a name without spaces."""
        folded = _fold(word)
        if folded in self.names or (folded.endswith("s") and folded[:-1] in self.names):
            return True
        return word in self.parts or (self.unspaced is not None and bool(self.unspaced.search(word)))

    def _word(self, found: re.Match[str]) -> str:
        word = found[0]
        # A name in lower-case ASCII letters may be a common word: mask "Rose", not "rose".
        return " " if self.is_name(word) and not (word.islower() and word.isascii()) else word


def masking_of(names: Iterable[str], common: frozenset[str] = frozenset()) -> Masking:
    """Return the masking for a list of customers' names.

    Parameters
    ----------
    names
        Full names: the column ``display_name`` of the table ``customers``.
    common
        Casefolded words that are never masked: stop words, and words of product names.
    """
    folded_common = frozenset(map(_fold, common))
    words: set[str] = set()
    unspaced: set[str] = set()
    for name in names:
        plain = _DIGITS.sub(" ", unicodedata.normalize("NFC", name).translate(FULL_WIDTH))
        unspaced.update(part for part in _UNSPACED.findall(plain) if len(part) >= SHORTEST_NAME and part not in common)
        folded = (_fold(part) for part in _WORD.findall(plain) if len(part) >= SHORTEST_NAME)
        words.update(part for part in folded if part not in folded_common)
    longest_first = sorted(unspaced, key=lambda each: (-len(each), each))
    pattern = re.compile("|".join(map(re.escape, longest_first))) if unspaced else None
    parts = {
        name[start:end]
        for name in unspaced
        if len(name) <= LONGEST_HAN_NAME and _HAN.fullmatch(name)
        for start in range(len(name))
        for end in range(start + SHORTEST_NAME, len(name) + 1)
    }
    return Masking(frozenset(words), pattern, frozenset(parts))


@lru_cache(maxsize=1 << 16)
def _fold(word: str) -> str:
    """Return a word without differences of spelling: case, umlauts, accents, and Arabic and Persian letters."""
    return alphabets.fold(arabic.fold(word.casefold()))
