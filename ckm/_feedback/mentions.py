"""Mentions of competitors and products in comments, correctly spelt or with a typing error."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

LEAST_SIMILAR = 85
"""Smallest similarity (0 to 100, Levenshtein and transposition by rapidfuzz) of a misspelt name."""
SHORTEST_MISSPELT = 5
"""Fewest characters of a name that is also found misspelt: shorter names are one edit away from common words."""
_WORD = re.compile(r"[^\W_]+(?:['’&-][^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True)
class Names:
    """Names of competitors or products that are searched for in texts.

    Attributes
    ----------
    names
        Key by folded name (:func:`fold`). The key is the main name of the competitor, or the id of the product.
    """

    names: Mapping[str, str]

    @classmethod
    def of(cls, spellings: Mapping[str, Collection[str]]) -> Names:
        """Create from ``spellings``: the spellings of each name by its key, such as ``{"T1": ["Earl Grey", "EG"]}``."""
        return cls({fold(each): key for key, names in spellings.items() for each in names if fold(each)})

    @property
    def words(self) -> frozenset[str]:
        """All words of the names, folded."""
        return frozenset(word for name in self.names for word in name.split())

    def find(self, texts: Collection[str]) -> dict[str, frozenset[str]]:
        """Return the keys that each text mentions, by text; texts without a mention are left out.

        A name of at least :data:`SHORTEST_MISSPELT` characters is also found with a typing error, except in scripts
        without spaces between words.
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if not self.names:
            return {}
        unspaced = [name for name in self.names if _UNSPACED.search(name)]
        spaced = [name for name in self.names if not _UNSPACED.search(name)]
        sizes = sorted({len(name.split()) for name in spaced})
        known: dict[str, str | None] = {name: name for name in spaced}
        long = [name for name in spaced if len(name) >= SHORTEST_MISSPELT]
        found = {}
        for text in set(texts):
            folded = fold(text)
            keys = {self.names[name] for name in unspaced if name.replace(" ", "") in folded.replace(" ", "")}
            for phrase in _phrases(folded, sizes):
                if phrase not in known:
                    best = process.extractOne(
                        phrase, long, scorer=OSA.normalized_similarity, score_cutoff=LEAST_SIMILAR / 100
                    )
                    # A misspelt word nearly always keeps its first letter.
                    known[phrase] = best[0] if best is not None and best[0][0] == phrase[0] else None
                if (name := known[phrase]) is not None:
                    keys.add(self.names[name])
            if keys:
                found[text] = frozenset(keys)
        return found

    def removed(self, text: str) -> str:
        """Replace the correctly spelt names in a text by spaces."""
        return self._pattern.sub(" ", text) if self._pattern is not None else text

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self.names:
            return None
        parts = []
        for name in sorted(self.names, key=lambda each: (-len(each), each)):
            body = r"\s+".join(map(re.escape, name.split()))
            parts.append(body if _UNSPACED.search(name) else rf"(?<![^\W_]){body}(?![^\W_])")
        return re.compile("|".join(parts), re.IGNORECASE)


def fold(text: str) -> str:
    """Return the words of a text in lower case, with one space between them."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _phrases(folded: str, sizes: Collection[int]) -> Iterator[str]:
    words = folded.split()
    for size in sizes:
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])
