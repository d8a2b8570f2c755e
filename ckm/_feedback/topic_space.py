"""Vector spaces with the centroids of topics, which do not change until a refit.

Sentences in all languages that the encoder covers share one vector space and its topics. Each other language (without
an encoder, every language) has a space of its own, with vectors of words and character n-grams.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.topics import match_topics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from ckm._feedback.text_vectors import SentenceEncoder

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

MEANING = "meaning"
"""Space of the encoder."""
GRAMS = "grams"
"""Prefix of the spaces of words and grams, one per language: ``grams-fa``."""
FEWEST = 5
"""Fewest customers (sentences without a customer count one each) of a topic; a smaller cluster is dissolved."""
SAME = 0.6
"""Smallest cosine of the centroids of an old topic and of a new one that count as the same topic."""
OTHER = ""
"""Topic id of sentences that are below the limits of all topics."""


@dataclass(frozen=True)
class TopicSpace:
    """Topics of one vector space.

    Attributes
    ----------
    name
        :data:`MEANING` for the space of the encoder, or ``grams-`` and a language.
    ids
        Ids of the topics.
    centroids
        Centroids of the topics, unit vectors, shape (topics, d).
    limits
        Smallest cosine to the centroid at which a sentence is assigned to the topic, shape (topics,).
    means
        Mean vector by language, shape (d,), which is subtracted from the vectors of sentences in this language; the key
        ``""`` is for languages without a mean.
    weights
        Inverse document frequencies of the hash buckets, shape (d,); empty in the space of the encoder.
    generations
        Number of the learning that added each topic, from 0, shape (topics,). A sentence that fits topics of several
        generations is assigned to the earliest, so that added topics change no earlier assignment.
    encoder
        Digest of the encoder; empty in spaces of words and n-grams.
    """

    name: str
    ids: tuple[str, ...]
    centroids: Floats
    limits: Floats
    means: Mapping[str, Floats]
    weights: Floats
    generations: Labels
    encoder: str = ""

    def digest(self, place: int) -> str:
        """Return the first 16 hexadecimal digits of the SHA-256 of the centroid of topic number ``place``."""
        return hashlib.sha256(self.centroids[place].astype("<f4").tobytes()).hexdigest()[:16]

    def nearest(self, vectors: Any, langs: Sequence[str]) -> tuple[Labels, Floats]:
        """Assign sentences to topics by their vectors.

        Parameters
        ----------
        vectors
            Vectors of length 1, not centred, dense or sparse, shape (n, d).
        langs
            Language of each sentence, length n.

        Returns
        -------
        tuple[Labels, Floats]
            Topic number of each sentence (-1 if it is below the limits of all topics), and the cosine to the centroid
            of this topic, or to the nearest centroid; shapes (n,).
        """
        if not len(self.ids) or not vectors.shape[0]:
            return np.full(vectors.shape[0], -1), np.zeros(vectors.shape[0])
        cosines = np.asarray(vectors @ self.centroids.T.astype(np.float32), dtype=np.float64)
        lengths = np.ones(len(langs))
        for lang, rows in rows_by_lang(langs).items():
            mean = self.means.get(lang, self.means[""])
            cosines[rows] -= self.centroids @ mean
            # |v − m|² = |v|² − 2 v·m + |m|² does not compute v − m, which is dense for a sparse v
            lengths[rows] = np.sqrt(np.maximum(1 - 2 * np.asarray(vectors[rows] @ mean).ravel() + mean @ mean, 1e-9))
        cosines /= lengths[:, None]
        each = np.arange(len(cosines))
        found, best = np.full(len(cosines), -1), cosines.max(1)
        for generation in np.unique(self.generations):
            of_generation = np.where(self.generations == generation, cosines, -np.inf)
            nearest = of_generation.argmax(1)
            fits = (found < 0) & (of_generation[each, nearest] >= self.limits[nearest])
            found[fits], best[fits] = nearest[fits], of_generation[each, nearest][fits]
        return found, best


@dataclass(frozen=True)
class Sentences:
    """Masked sentences with their language and the customer who wrote them.

    Attributes
    ----------
    texts
        The sentences.
    langs
        Language of each, as a BCP 47 tag; ``""`` if unknown.
    customers
        Number of the customer who wrote each, shape (n,); unique negative numbers if the customer is unknown.
    """

    texts: Sequence[str]
    langs: Sequence[str]
    customers: Labels

    def take(self, rows: Labels) -> Sentences:
        """Return the sentences at the positions ``rows``, shape (k,)."""
        return Sentences([self.texts[row] for row in rows], [self.langs[row] for row in rows], self.customers[rows])


def space_of(lang: str, encoder: SentenceEncoder | None) -> str:
    """Return the name of a language's vector space: MEANING if the encoder covers it, else ``grams-`` and its tag."""
    if encoder is not None and encoder.covers(lang or "en"):
        return MEANING
    return f"{GRAMS}-{lang.partition('-')[0] if not lang.startswith('zh') else lang}"


def rows_by_lang(langs: Sequence[str]) -> dict[str, list[int]]:
    """Return the row numbers of the sentences of each language, in the order of the sentences."""
    found: dict[str, list[int]] = {}
    for row, lang in enumerate(langs):
        found.setdefault(lang, []).append(row)
    return found


def rows_by_space(sentences: Sentences, encoder: SentenceEncoder | None) -> dict[str, list[int]]:
    """Return the row numbers of the sentences of each vector space (:func:`space_of`)."""
    found: dict[str, list[int]] = {}
    for lang, rows in rows_by_lang(sentences.langs).items():
        found.setdefault(space_of(lang, encoder), []).extend(rows)
    return found


def matched(old: Sequence[TopicSpace], new: Sequence[TopicSpace]) -> dict[str, str]:
    """Match new topics to old ones, by a cosine of their centroids of at least :data:`SAME`: old id by new id."""
    by_name = {space.name: space for space in old}
    found = {}
    for space in new:
        before = by_name.get(space.name)
        if before is None or before.centroids.shape[1:] != space.centroids.shape[1:] or before.encoder != space.encoder:
            continue
        pairs = match_topics(before.centroids, space.centroids, SAME)
        found.update({space.ids[here]: before.ids[there] for here, there in pairs.items()})
    return found


def joined(old: Sequence[TopicSpace], new: Sequence[TopicSpace]) -> tuple[TopicSpace, ...]:
    """Add new topics to the old ones of each space; topics, means and weights of the old spaces do not change."""
    fresh = {space.name: space for space in new}
    found = []
    for space in old:
        more = fresh.pop(space.name, None)
        if more is not None:
            space = replace(
                space,
                ids=(*space.ids, *more.ids),
                centroids=np.concatenate([space.centroids, more.centroids]),
                limits=np.concatenate([space.limits, more.limits]),
                generations=np.concatenate(
                    [space.generations, more.generations + space.generations.max(initial=-1) + 1]
                ),
            )
        found.append(space)
    return (*found, *fresh.values())
