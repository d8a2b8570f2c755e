"""Learning of the topics of a vector space from its sentences."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm._feedback.centred_vectors import CentredVectors
from ckm._feedback.rare_words import without_rare_words
from ckm._feedback.text_vectors import content, encoded, hashed, inverse_frequency, latent, weighted
from ckm._feedback.topic_space import FEWEST, MEANING, TopicSpace, rows_by_lang, rows_by_space
from ckm.models.threads import one_thread
from ckm.models.topics import consensus_clusters, default_topics, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from ckm._feedback.text_vectors import SentenceEncoder
    from ckm._feedback.topic_space import Sentences

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]
    Advance = Callable[[float], None]

SAMPLE = 3000
"""Most sentences from which the topics of a space are learned."""
LATENT = 40
"""Dimensions of the latent space of words and n-grams in which topics are learned."""
SHRINK = 20
"""Weight, in sentences, of the mean of all languages in the mean of a language (shrinkage of small samples)."""
OUTSIDE = 0.03
"""Share of a topic's sentences, those of the smallest cosine, that are assigned to :data:`OTHER`: it sets the limit of
the topic."""


def learn(
    sentences: Sentences,
    encoder: SentenceEncoder | None,
    *,
    topics: int | None = None,
    seed: int = 0,
    within: Sequence[TopicSpace] = (),
    advance: Advance = lambda amount: None,
) -> tuple[TopicSpace, ...]:
    """Learn the topics of sentences in each vector space, and return the spaces, most sentences first.

    Spaces with sentences of too few customers (less than twice :data:`FEWEST`) are left out.

    Parameters
    ----------
    sentences
        All sentences. From more than :data:`SAMPLE` distinct ones in a space, a sample by hash is used.
    encoder
        Encoder of the sentences; None for vectors of words and character n-grams.
    topics
        Number of clusters per space. Default: :func:`ckm.models.topics.default_topics`.
    seed
        Random seed of the sampling and the clustering.
    within
        Known spaces, whose means and weights are used, so that cosines to known and new centroids are comparable.
    advance
        Called with the number of texts that were encoded since the last call.
    """
    by_name = {space.name: space for space in within}
    found = []
    common = without_rare_words(sentences.texts, sentences.langs, sentences.customers.tolist())
    read = replace(sentences, texts=common)
    with one_thread():
        # Start with the space of most sentences, so that its topics get the lowest ids.
        for space, rows in sorted(rows_by_space(sentences, encoder).items(), key=lambda each: (-len(each[1]), each[0])):
            alike = _sample(read, rows, seed)
            writers = [frozenset(read.customers[each].tolist()) for each in alike]
            if len(frozenset().union(*writers)) < 2 * FEWEST:
                continue
            sample = np.array([each[0] for each in alike], dtype=np.int64)
            learn_space = _learn_meaning if space == MEANING else _learn_grams
            made = learn_space(
                _Learning(
                    name=space,
                    sentences=read.take(sample),
                    written=sentences.take(sample).texts,
                    writers=writers,
                    encoder=encoder,
                    topics=topics,
                    seed=seed,
                    within=by_name.get(space),
                    advance=advance,
                )
            )
            if made is not None:
                found.append(made)
    return tuple(found)


@dataclass(frozen=True)
class _Learning:
    """Arguments for learning the topics of one space from n distinct sentences.

    Attributes
    ----------
    sentences, written
        The sentences without and with their rare words.
    writers
        Customers who wrote each sentence, length n.
    """

    name: str
    sentences: Sentences
    written: Sequence[str]
    writers: Sequence[frozenset[int]]
    encoder: SentenceEncoder | None
    topics: int | None
    seed: int
    within: TopicSpace | None
    advance: Advance


def _learn_meaning(task: _Learning) -> TopicSpace | None:
    assert task.encoder is not None
    texts, langs = task.sentences.texts, task.sentences.langs
    plain = encoded(task.encoder, texts, task.advance)
    contents = encoded(task.encoder, list(map(content, texts, langs)), task.advance)
    written = plain if task.written == texts else encoded(task.encoder, task.written, task.advance)
    vectors = _centred(plain, langs, _means(plain, langs))
    both = unit(vectors + _centred(contents, langs, _means(contents, langs)))
    labels = consensus_clusters(both, task.topics or default_topics(len(both)), task.seed)
    means = task.within.means if task.within is not None else _means(written, langs)
    if task.within is not None:
        vectors = _centred(plain, langs, means)
    as_written = CentredVectors.of(_centred(written, langs, means))
    return _space(task, labels, CentredVectors.of(vectors), as_written, means, np.zeros(0))


def _learn_grams(task: _Learning) -> TopicSpace | None:
    counts = hashed(task.sentences.texts, task.sentences.langs)
    weights = task.within.weights if task.within is not None else inverse_frequency(counts)
    rows = weighted(counts, weights)
    labels = consensus_clusters(latent(rows, LATENT), task.topics or default_topics(rows.shape[0]), task.seed)
    mean = np.asarray(rows.mean(0)).ravel().astype(np.float64)
    means = task.within.means if task.within is not None else {"": mean}
    written = rows
    if task.written != task.sentences.texts:
        written = weighted(hashed(task.written, task.sentences.langs), weights)
    vectors, as_written = (CentredVectors.of(each, means[""]) for each in (rows, written))
    return _space(task, labels, vectors, as_written, means, weights)


def _space(
    task: _Learning,
    labels: Labels,
    vectors: CentredVectors,
    written: CentredVectors,
    means: Mapping[str, Floats],
    weights: Floats,
) -> TopicSpace | None:
    """Return the space of the clusters with enough customers (:data:`FEWEST`); None without any.

    Sentences of smaller clusters move to the nearest remaining one. The limits are quantiles of the cosines of
    ``written``, the vectors of the sentences with rare words, because comments are assigned with their rare words.
    """
    clusters = int(labels.max()) + 1
    customers: list[set[int]] = [set() for _ in range(clusters)]
    for label, writers in zip(labels.tolist(), task.writers, strict=True):
        customers[label] |= writers
    large = [each for each in range(clusters) if len(customers[each]) >= FEWEST]
    if not large:
        return None
    middles = vectors.centroids(labels, clusters)[large]
    nearest = vectors.cosines(middles).argmax(1)
    middles = vectors.centroids(nearest, len(large)).astype(np.float32).astype(np.float64)
    cosines = written.cosines(middles)
    nearest = cosines.argmax(1)
    limits = np.array(
        [
            np.quantile(cosines[nearest == place, place], OUTSIDE) if (nearest == place).any() else 1.0
            for place in range(len(large))
        ]
    )
    encoder = task.encoder.digest if task.encoder is not None and task.name == MEANING else ""
    return TopicSpace(
        name=task.name,
        ids=tuple(map(str, range(len(large)))),
        centroids=middles,
        limits=limits - 1e-6,
        means=means,
        weights=weights,
        generations=np.zeros(len(large), np.int64),
        encoder=encoder,
    )


def _means(vectors: Floats, langs: Sequence[str]) -> dict[str, Floats]:
    whole = vectors.mean(0)
    rows = rows_by_lang(langs)
    means = {lang: (vectors[at].sum(0) + SHRINK * whole) / (len(at) + SHRINK) for lang, at in rows.items()}
    if len(means) == 1:
        means = dict.fromkeys(means, whole)
    return {lang: mean.astype(np.float32).astype(np.float64) for lang, mean in {**means, "": whole}.items()}


def _centred(vectors: Floats, langs: Sequence[str], means: Mapping[str, Floats]) -> Floats:
    return unit(vectors - np.array([means.get(lang, means[""]) for lang in langs]))


def _sample(sentences: Sentences, rows: Sequence[int], seed: int) -> list[list[int]]:
    """Return the positions of at most :data:`SAMPLE` distinct texts among ``rows``, chosen by the hash of the text.

    Each item has the positions of all sentences with one text; the items are sorted by their first position.
    """
    alike: dict[str, list[int]] = {}
    for row in rows:
        alike.setdefault(sentences.texts[row], []).append(row)
    ordered = sorted(alike, key=lambda text: hashlib.blake2b(f"{seed} {text}".encode(), digest_size=8).digest())
    return sorted((alike[text] for text in ordered[:SAMPLE]), key=lambda each: each[0])
