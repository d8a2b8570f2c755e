"""Keywords of topics, and titles made of them: single words that several customers wrote."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from ckm._feedback.topic_model import FEWEST, Sentences
from ckm.search.analysis import analyse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckm._feedback.masking import Masking

MOST = 6
"""Keywords of a topic and language."""
IN_TITLE = 3
BETWEEN = " · "
LEAST_RARITY = 0.1
"""Rarity of a word that every customer writes, so that a shop with one topic has keywords too."""
_HAN = re.compile(r"[\u3400-\u9fff]+")
LONGEST_HAN = 4
"""Most characters of a Chinese keyword, and fewest are two."""
COMMON_HAN = frozenset(
    "的了是在我你他她它们們有不没沒和与與也就都很这這那一個个上下到说說要会會可以为為吗嗎呢吧啊把被让讓给給对對从從"
)
"""Function characters: a keyword has none."""


def keywords(sentences: Sentences, topics: Sequence[str], masking: Masking) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the keywords of each topic by language, the most distinctive first.

    A word counts by its customers: c · ln(N / n), with c customers in the topic, n in all and N customers in all
    (class-based tf-idf, Grootendorst 2022, arXiv:2203.05794, with customers instead of occurrences). It needs
    :data:`ckm._feedback.topic_model.FEWEST` customers of the topic, so that no keyword is what one customer wrote, and
    is no name of a customer.
    """
    by_topic: dict[tuple[str, str], dict[str, set[int]]] = {}
    by_lang: dict[str, dict[str, set[int]]] = {}
    spelling: dict[tuple[str, str], Counter[str]] = {}
    people: dict[str, set[int]] = {}
    for text, lang, customer, topic in zip(
        sentences.texts, sentences.langs, sentences.customers.tolist(), topics, strict=True
    ):
        people.setdefault(lang, set()).add(customer)
        for term, word in _terms(text, lang):
            by_lang.setdefault(lang, {}).setdefault(term, set()).add(customer)
            spelling.setdefault((lang, term), Counter())[word] += 1
            if topic:
                by_topic.setdefault((topic, lang), {}).setdefault(term, set()).add(customer)
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for (topic, lang), terms in sorted(by_topic.items()):
        total = len(people[lang])
        score = {
            term: len(who) * (math.log(total / len(by_lang[lang][term])) + LEAST_RARITY) * _length_weight(term)
            for term, who in terms.items()
            if len(who) >= FEWEST and not _is_name(term, spelling[lang, term], masking)
        }
        chosen: list[str] = []
        for term in sorted(score, key=lambda each: (-score[each], each)):
            if not any(_overlap(term, other) for other in chosen) and len(chosen) < MOST:
                chosen.append(term)
        if chosen:
            written = (min(spelling[lang, term].items(), key=lambda each: (-each[1], each[0]))[0] for term in chosen)
            found.setdefault(topic, {})[lang] = tuple(written)
    return found


def titles(words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return a title by language: the first keywords."""
    return {lang: BETWEEN.join(each[:IN_TITLE]) for lang, each in words.items()}


def _terms(text: str, lang: str) -> set[tuple[str, str]]:
    found = set()
    for run in _HAN.findall(text):
        for size in range(2, LONGEST_HAN + 1):
            for start in range(len(run) - size + 1):
                gram = run[start : start + size]
                if not COMMON_HAN & set(gram):
                    found.add((gram, gram))
    for token in analyse(text, lang, in_full=False).words:
        word = text[token.start : token.end]
        if not _HAN.search(word) and len(word) > 2 and not any(map(str.isdigit, word)):
            found.add((token.term, word.lower() if lang != "de" else word))
    return found


def _length_weight(term: str) -> float:
    """Return a larger weight for a longer Chinese term: its bigrams are as frequent as itself."""
    return 1 + 0.2 * len(term) if _HAN.match(term) else 1.0


def _overlap(term: str, other: str) -> bool:
    """Return whether two terms share most of their text: one in the other, or two characters of Chinese terms."""
    if term in other or other in term:
        return True
    return _HAN.match(term) is not None and len(set(term) & set(other)) > 1


def _is_name(term: str, spellings: Counter[str], masking: Masking) -> bool:
    return any(masking.is_name(word) for word in (term, *spellings))
