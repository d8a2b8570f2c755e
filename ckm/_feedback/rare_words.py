"""Removal of words that only one customer wrote (names, ids, typing errors), before topics are learned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckm.search.analysis.normalization import HAN, LETTER, THAI

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_RARE = 0.125
"""Largest share of words of one customer, among all words of a language, at which they are removed. In a few hundred
comments on various subjects the share is larger (.14 to .25 in 800 sentences of news), and includes topical words."""
FEWEST_SENTENCES = 1 / 4
"""Smallest share of sentences with a word of one customer at which these words are removed, in a language without
spaces between words. In such a language only foreign words are counted, few of which are names or ids (.17 to .24 in
news)."""
_WORD = re.compile(f"{LETTER}+")
_UNSPACED = re.compile(f"[{HAN}]|[{THAI}]{{4}}")
"""Characters of scripts without spaces that count as a word; they are never removed."""


def without_rare_words(texts: Sequence[str], langs: Sequence[str], customers: Sequence[int]) -> list[str]:
    """Remove the words that only one customer wrote, in each language in which they are a small share of all words.

    Parameters
    ----------
    texts, langs, customers
        Sentences, their languages, and the number of the customer who wrote each; equal lengths.

    Returns
    -------
    list[str]
        One text per sentence. A sentence that consists only of such words is returned unchanged.
    """
    rare = _rare_words(texts, langs, customers)
    words, unspaced, rare_words, sentences, with_rare = (dict.fromkeys(langs, 0) for _ in range(5))
    for text, lang in zip(texts, langs, strict=True):
        found = _WORD.findall(text.casefold())
        count = sum((lang, word) in rare for word in found)
        words[lang] += len(found)
        unspaced[lang] += len(_UNSPACED.findall(text))
        rare_words[lang] += count
        sentences[lang] += 1
        with_rare[lang] += count > 0
    removed = {
        lang
        for lang, count in rare_words.items()
        if count <= MOST_RARE * (words[lang] + unspaced[lang])
        and (words[lang] > unspaced[lang] or with_rare[lang] >= FEWEST_SENTENCES * sentences[lang])
    }

    def common(text: str, lang: str) -> str:
        kept = _WORD.sub(lambda word: " " if (lang, word[0].casefold()) in rare else word[0], text)
        return " ".join(kept.split()) if any(map(str.isalpha, kept)) else text

    return [common(text, lang) if lang in removed else text for text, lang in zip(texts, langs, strict=True)]


def _rare_words(texts: Sequence[str], langs: Sequence[str], customers: Sequence[int]) -> set[tuple[str, str]]:
    """Return the pairs of language and word, in lower case, that only one customer wrote."""
    writer: dict[tuple[str, str], int | None] = {}
    for text, lang, customer in zip(texts, langs, customers, strict=True):
        for word in _WORD.findall(text.casefold()):
            if writer.setdefault((lang, word), customer) != customer:
                writer[lang, word] = None
    return {key for key, customer in writer.items() if customer is not None}
