"""Keywords and titles of topics: words and short phrases that several customers wrote."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING
from zlib import crc32

from ckm._feedback.topic_space import FEWEST, Sentences
from ckm.search.analysis import analyse
from ckm.search.analysis.normalization import LETTER, THAI

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ckm._feedback.masking import Masking
    from ckm.search.analysis.tokens import Token

MOST_READ = 6_000
"""Most sentences from which terms are counted, chosen by hash, to limit memory."""
MOST = 6
"""Keywords of a topic and language."""
IN_TITLE = 2
"""Phrases of a title."""
LONGEST_PHRASE = 3
"""Words of a phrase, stop words included."""
GERMAN = "de"
"""Language in which every noun has a capital."""
BETWEEN = " · "
LEAST_RARITY = 0.1
"""Added to the rarity of every term, so that keywords exist even if every customer writes the same words."""
_HAN = re.compile(r"[\u3400-\u9fff]+")
_WORDS = re.compile(f"(?:{LETTER}|[{THAI}])+")
_ONE_PHRASE = re.compile(f"(?:{LETTER}|[{THAI}]| )+")
"""Words with spaces between them; a mark of punctuation ends a phrase."""
LONGEST_HAN = 4
"""Most characters of a Chinese keyword; the fewest are two."""
COMMON_HAN = frozenset(
    "的了是在我你他她它们們有不没沒和与與也就都很这這那一個个上下到说說要会會可以为為吗嗎呢吧啊把被让讓给給对對从從"
)
"""Chinese function characters; a keyword contains none of them."""


@dataclass
class _Counts:
    """Sentences with each term in a language: their number, and by topic their numbers and customers; spellings."""

    sentences: int = 0
    of_term: Counter[str] = field(default_factory=Counter)
    of_topic: dict[str, dict[str, dict[int, int]]] = field(default_factory=dict)
    """Customer by number of the sentence, by term and topic."""
    spelling: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, terms: Collection[tuple[str, str]], customer: int, topic: str) -> None:
        self.sentences += 1
        self.of_term.update({term for term, _ in terms})
        for term, written in terms:
            self.spelling.setdefault(term, Counter())[written] += 1
            if topic:
                self.of_topic.setdefault(topic, {}).setdefault(term, {})[self.sentences] = customer

    def rarity(self, term: str) -> float:
        """Return ln(N / n) + :data:`LEAST_RARITY` for a term in n of N sentences; always above 0."""
        return math.log(self.sentences / self.of_term[term]) + LEAST_RARITY

    def written(self, term: str, lang: str) -> str:
        usual = _usual(self.spelling[term])
        return usual if lang == GERMAN else usual.lower()


@dataclass(frozen=True)
class TopicWords:
    """Keywords and titles by topic id and language."""

    keywords: Mapping[str, Mapping[str, tuple[str, ...]]]
    titles: Mapping[str, Mapping[str, str]]


def topic_words(sentences: Sentences, topics: Sequence[str], masking: Masking) -> TopicWords:
    """Return keywords and titles of topics.

    A term is a word, or a phrase of up to :data:`LONGEST_PHRASE` words. Its weight is c · ln(N / n), where n of N
    sentences have the term, and c is the sum over customers of √(number of sentences of the customer in the topic with
    the term) (class-based tf-idf, Grootendorst 2022, arXiv:2203.05794, with less weight for a customer's repetitions).
    A term is used if at least
    :data:`ckm._feedback.topic_space.FEWEST` customers of the topic wrote it, if it contains no name of a customer, and,
    for a phrase, if it is not a whole sentence of a customer.

    Keywords are the words of the largest weight. A title is the term of the largest weight, followed by the term of the
    largest weight among the sentences without the first term.

    Parameters
    ----------
    sentences
        Masked sentences.
    topics
        Topic id of each sentence.
    masking
        Customers' names, which are excluded.
    """
    words: dict[str, _Counts] = {}
    phrases: dict[str, _Counts] = {}
    whole: set[str] = set()
    rows = zip(sentences.texts, sentences.langs, sentences.customers.tolist(), topics, strict=True)
    ordered = sorted(rows, key=lambda row: crc32(f"{row[2]} {row[0]}".encode())) if len(topics) > MOST_READ else rows
    for text, lang, customer, topic in islice(ordered, MOST_READ):
        tokens = analyse(text, lang, in_full=False).words
        words.setdefault(lang, _Counts()).add(_terms(text, tokens), customer, topic)
        phrases.setdefault(lang, _Counts()).add(_phrases(text, tokens), customer, topic)
        if len(text.split()) <= LONGEST_PHRASE:
            whole.add(_plain(text))
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    titles: dict[str, dict[str, str]] = {}
    for lang, counts in sorted(words.items()):
        names = {term for term, each in counts.spelling.items() if _is_name(term, each, lang, masking)}
        for topic in sorted(counts.of_topic):
            chosen = _keywords(counts, topic, names)
            if chosen:
                found.setdefault(topic, {})[lang] = tuple(counts.written(term, lang) for term in chosen)
                titles.setdefault(topic, {})[lang] = _title(counts, phrases[lang], topic, names, whole, lang)
    return TopicWords(found, titles)


def _keywords(counts: _Counts, topic: str, names: set[str]) -> list[str]:
    terms = {
        term: written
        for term, written in counts.of_topic[topic].items()
        if len(set(written.values())) >= FEWEST and term not in names
    }
    score = {
        term: _damped(written.values()) * counts.rarity(term) * _length_weight(term) for term, written in terms.items()
    }
    chosen: list[str] = []
    for term in sorted(score, key=lambda each: (-score[each], each)):
        if not any(_overlap(term, other) for other in chosen) and len(chosen) < MOST:
            chosen.append(term)
    return chosen


def _title(words: _Counts, phrases: _Counts, topic: str, names: set[str], whole: Collection[str], lang: str) -> str:
    """Return the title of a topic: one or two terms, joined by :data:`BETWEEN`."""
    weights: dict[str, tuple[float, Mapping[int, int]]] = {}
    for counts in (words, phrases):
        for term, written in counts.of_topic.get(topic, {}).items():
            parts = term.split(" ")
            few = len(set(written.values())) < FEWEST
            if few or names.intersection(parts) or (len(parts) > 1 and _is_whole(counts, term, whole)):
                continue
            weights[term] = counts.rarity(term) * _length_weight(term) * math.sqrt(len(parts)), written
    chosen: list[str] = []
    covered: set[int] = set()
    while len(chosen) < IN_TITLE:
        used = {part for term in chosen for part in term.split(" ")}
        left = {
            term: [customer for sentence, customer in written.items() if sentence not in covered]
            for term, (_, written) in weights.items()
            if not any(_overlap(part, other) for part in term.split(" ") for other in used)
        }
        score = {
            term: weights[term][0] * _damped(customers)
            for term, customers in left.items()
            if len(set(customers)) >= FEWEST
        }
        if not score:
            break
        chosen.append(min(score, key=lambda each: (-score[each], each)))
        covered.update(weights[chosen[-1]][1])
    return BETWEEN.join((phrases if " " in term else words).written(term, lang) for term in chosen)


def _damped(customers: Iterable[int]) -> float:
    """Return the sum over customers of √(number of their sentences), from the customer of each sentence."""
    return sum(map(math.sqrt, Counter(customers).values()))


def _is_whole(counts: _Counts, term: str, whole: Collection[str]) -> bool:
    """Return whether a phrase, in any of its spellings, is also a whole sentence that a customer wrote."""
    return any(_plain(written) in whole for written in counts.spelling[term])


def _plain(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))


def _phrases(text: str, tokens: Sequence[Token]) -> set[tuple[str, str]]:
    """Return the phrases of two or more content words in a text, as pairs of the words' terms and the spelling."""
    terms = {(token.start, token.end): token.term for token in tokens}
    words = list(terms)
    found = set()
    for first, (start, _) in enumerate(words):
        for last in range(first + 1, min(first + LONGEST_PHRASE, len(words))):
            written = text[start : words[last][1]]
            if not _ONE_PHRASE.fullmatch(written) or len(written.split()) > LONGEST_PHRASE:
                break
            if not _HAN.search(written):
                found.add((" ".join(terms[place] for place in words[first : last + 1]), written))
    return found


def _terms(text: str, tokens: Sequence[Token]) -> set[tuple[str, str]]:
    found = set()
    for run in _HAN.findall(text):
        for size in range(2, LONGEST_HAN + 1):
            for start in range(len(run) - size + 1):
                gram = run[start : start + size]
                if not COMMON_HAN & set(gram):
                    found.add((gram, gram))
    for token in tokens:
        word = text[token.start : token.end]
        if not _HAN.search(word) and len(word) > 2 and not any(map(str.isdigit, word)):
            found.add((token.term, word))
    return found


def _length_weight(term: str) -> float:
    """Return a factor that grows with the length of a Chinese term, else 1: its bigrams are at least as frequent."""
    return 1 + 0.2 * len(term) if _HAN.match(term) else 1.0


def _overlap(term: str, other: str) -> bool:
    """Return whether one term contains the other, or two Chinese terms have at least two characters in common."""
    if term in other or other in term:
        return True
    return _HAN.match(term) is not None and len(set(term) & set(other)) > 1


def _usual(spellings: Counter[str]) -> str:
    return min(spellings.items(), key=lambda each: (-each[1], each[0]))[0]


def _is_name(term: str, spellings: Counter[str], lang: str, masking: Masking) -> bool:
    """Return whether a word is a customer's name, or (except in German) is mostly written with a capital."""
    return any(masking.is_name(word) for word in (term, *spellings)) or (lang != GERMAN and _usual(spellings).istitle())
