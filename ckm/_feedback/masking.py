"""Replace personal data in texts by spaces: addresses, telephone, card and account numbers, links, customers' names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._kb.lint.personal_data import CARD, IBAN
from ckm.pseudonym import EMAIL, PHONE

if TYPE_CHECKING:
    from collections.abc import Iterable

ADDRESS = re.compile(r"\S+[@＠]\S+|(?:https?://|www\.)\S+", re.IGNORECASE)
LONG_NUMBER = re.compile(r"\d[\d\s().\-/]{4,}\d|\w*\d\w*-?\d{3,}\w*")
"""Order numbers, and whatever else may identify a customer; no topic depends on it."""
SHORTEST_NAME = 2
"""Characters of a name that is masked; one in a script without spaces is nearly always a common character."""
_LETTERS = re.compile(r"[^\W\d_]+")
_ALONE = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Masking:
    """Masks personal data in texts.

    Attributes
    ----------
    names
        Casefolded words of customers' names in scripts with spaces between words.
    unspaced
        Names in scripts without spaces, as they are written.
    """

    names: frozenset[str] = frozenset()
    unspaced: re.Pattern[str] | None = None

    def mask(self, text: str) -> str:
        """Return the text with personal data replaced by spaces."""
        text = unicodedata.normalize("NFKC", text)
        if "@" in text or "://" in text or "www." in text:
            text = ADDRESS.sub(" ", EMAIL.sub(" ", text))
        if any(sign.isdecimal() for sign in text):
            for pattern in (IBAN, CARD, PHONE, LONG_NUMBER):
                text = pattern.sub(" ", text)
        if self.unspaced is not None:
            text = self.unspaced.sub(" ", text)
        if self.names:
            text = _LETTERS.sub(self._word, text)
        return text

    def is_name(self, word: str) -> bool:
        """Return whether a word is or contains the name of a customer."""
        return word.casefold() in self.names or (self.unspaced is not None and bool(self.unspaced.search(word)))

    def _word(self, found: re.Match[str]) -> str:
        word = found[0]
        # A name in lower case that is also a common word is no name: "Rose" and "rose".
        is_name = word.casefold() in self.names and (not word.islower() or not word.isascii())
        return " " if is_name else word


def masking_of(names: Iterable[str], common: frozenset[str] = frozenset()) -> Masking:
    """Return the masking of customers' names.

    Parameters
    ----------
    names
        Names as in the table ``customers``.
    common
        Casefolded words that are never masked: stop words and words of products.
    """
    words: set[str] = set()
    unspaced: set[str] = set()
    for name in names:
        for part in _LETTERS.findall(unicodedata.normalize("NFKC", name)):
            if len(part) < SHORTEST_NAME or part.casefold() in common:
                continue
            if _ALONE.match(part):
                unspaced.add(part)
            else:
                words.add(part.casefold())
    longest_first = sorted(unspaced, key=lambda each: (-len(each), each))
    pattern = re.compile("|".join(map(re.escape, longest_first))) if unspaced else None
    return Masking(frozenset(words), pattern)
