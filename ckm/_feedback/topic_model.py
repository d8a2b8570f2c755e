"""Topic model: centroids that do not change until a refit, and the assignment of sentences to centroids.

Sentences in all languages that the encoder covers share one vector space and its topics. Each other language (without
an encoder, every language) has a space of its own, with vectors of words and character n-grams.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm._feedback.rare_words import without_rare_words
from ckm._feedback.text_vectors import BATCH, content, encoded, hashed, inverse_frequency, latent, weighted
from ckm.models.threads import one_thread
from ckm.models.topics import consensus_clusters, default_topics, match_topics, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from ckm._feedback.text_vectors import SentenceEncoder

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]
    Advance = Callable[[float], None]

MEANING = "meaning"
"""Space of the encoder."""
GRAMS = "grams"
"""Prefix of the spaces of words and grams, one per language: ``grams-fa``."""
SAMPLE = 3000
"""Most sentences from which the topics of a space are learned."""
LATENT = 40
"""Dimensions of the latent space of words and n-grams in which topics are learned."""
FEWEST = 5
"""Fewest customers (sentences without a customer count one each) of a topic; a smaller cluster is dissolved."""
SHRINK = 20
"""Weight, in sentences, of the mean of all languages in the mean of a language (shrinkage of small samples)."""
OUTSIDE = 0.03
"""Share of a topic's sentences, those of the smallest cosine, that are assigned to :data:`OTHER`: it sets the limit of
the topic."""
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
        for lang, rows in _rows_by_lang(langs).items():
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
        for space, rows in sorted(
            _rows_by_space(sentences, encoder).items(), key=lambda each: (-len(each[1]), each[0])
        ):
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
class Assignment:
    """Topics of sentences, and vectors of their comments.

    Attributes
    ----------
    topics
        Topic id of each sentence, length n; :data:`OTHER` for a sentence below the limits of all topics.
    cosines
        Cosine of each sentence to the centroid of its topic, or else to the nearest centroid, shape (n,); 0 if its
        space has no topics.
    vectors
        Sum of the encoder's vectors of each comment's sentences, shape (comments, d), as 16-bit floats; zeros where
        the encoder does not cover the language. None without an encoder.
    """

    topics: list[str]
    cosines: Floats
    vectors: NDArray[np.float16] | None


def assign(
    spaces: Sequence[TopicSpace],
    sentences: Sentences,
    encoder: SentenceEncoder | None,
    *,
    comment: Labels | None = None,
    advance: Advance = lambda amount: None,
) -> Assignment:
    """Assign each sentence to a topic.

    Sentences are encoded in batches, so that only the vectors of one batch, and one 16-bit vector per comment, are in
    memory.

    Parameters
    ----------
    spaces
        Vector spaces with their topics. Sentences of other spaces are assigned to :data:`OTHER`.
    sentences
        The sentences.
    encoder
        Encoder of the sentences; None for vectors of words and character n-grams.
    comment
        Number of the comment of each sentence, shape (n,), to sum the vectors of each comment. None: vectors are not
        returned.
    advance
        Called with the number of sentences that were assigned since the last call.
    """
    by_name = {space.name: space for space in spaces}
    topics = np.full(len(sentences.texts), OTHER, dtype=object)
    cosines = np.zeros(len(sentences.texts))
    vectors: NDArray[np.float16] | None = None
    with one_thread():
        for name, rows in _rows_by_space(sentences, encoder).items():
            space = by_name.get(name)
            for texts, langs, members in _batches(sentences, rows):
                if name == MEANING:
                    assert encoder is not None
                    found: Any = encoder.encode(texts)
                    if comment is not None:
                        if vectors is None:
                            vectors = np.zeros((int(comment.max()) + 1, found.shape[1]), dtype=np.float16)
                        for row, vector in zip(members, found, strict=True):
                            np.add.at(vectors, comment[row], vector.astype(np.float16))
                elif space is not None:
                    found = weighted(hashed(texts, langs), space.weights)
                if space is not None:
                    labels, nearness = space.nearest(found, langs)
                    for row, label, cosine in zip(members, labels.tolist(), nearness.tolist(), strict=True):
                        topics[row] = space.ids[label] if label >= 0 else OTHER
                        cosines[row] = cosine
                advance(sum(map(len, members)))
    return Assignment(topics.tolist(), cosines, vectors)


def _batches(sentences: Sentences, rows: Sequence[int]) -> Iterator[tuple[list[str], list[str], list[list[int]]]]:
    """Yield batches of distinct sentences of similar length: texts, languages, and the positions of each sentence."""
    unique: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        unique.setdefault((sentences.texts[row], sentences.langs[row]), []).append(row)
    ordered = sorted(unique, key=lambda pair: (len(pair[0]), pair))
    for start in range(0, len(ordered), BATCH):
        batch = ordered[start : start + BATCH]
        yield [text for text, _ in batch], [lang for _, lang in batch], [unique[pair] for pair in batch]


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
    as_written = _Vectors.of(_centred(written, langs, means))
    return _space(task, labels, _Vectors.of(vectors), as_written, means, np.zeros(0))


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
    vectors, as_written = (_Vectors.of(each, means[""]) for each in (rows, written))
    return _space(task, labels, vectors, as_written, means, weights)


@dataclass(frozen=True)
class _Vectors:
    """Centred vectors of length 1, (row - mean) / length, stored as these three so that sparse rows stay sparse.

    Attributes
    ----------
    rows
        Vectors before centring, dense or sparse, shape (n, d).
    mean
        Mean that is subtracted from each row, shape (d,).
    lengths
        Length of each row less the mean, shape (n,).
    """

    rows: Any
    mean: Floats
    lengths: Floats

    @classmethod
    def of(cls, rows: Any, mean: Floats | None = None) -> _Vectors:
        """Centre rows of length 1 by a mean; without a mean the rows must be centred and of length 1 already."""
        if mean is None:
            return cls(rows, np.zeros(rows.shape[1]), np.ones(rows.shape[0]))
        return cls(rows, mean, np.sqrt(np.maximum(1 - 2 * np.asarray(rows @ mean).ravel() + mean @ mean, 1e-9)))

    def centroids(self, labels: Labels, clusters: int) -> Floats:
        """Return the direction of the mean of each cluster, shape (clusters, d)."""
        from scipy.sparse import csr_matrix

        places = np.arange(len(labels))
        member = csr_matrix((1 / self.lengths, (labels, places)), shape=(clusters, len(labels)))
        sums = member @ self.rows
        dense = np.asarray(sums.todense() if hasattr(sums, "todense") else sums)
        return unit(dense - np.outer(np.asarray(member.sum(1)).ravel(), self.mean))

    def cosines(self, middles: Floats) -> Floats:
        """Return the cosine of each vector with each centroid, shape (n, k)."""
        return np.asarray(np.asarray(self.rows @ middles.T) - middles @ self.mean) / self.lengths[:, None]


def _space(
    task: _Learning, labels: Labels, vectors: _Vectors, written: _Vectors, means: Mapping[str, Floats], weights: Floats
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
    rows = _rows_by_lang(langs)
    means = {lang: (vectors[at].sum(0) + SHRINK * whole) / (len(at) + SHRINK) for lang, at in rows.items()}
    if len(means) == 1:
        means = dict.fromkeys(means, whole)
    return {lang: mean.astype(np.float32).astype(np.float64) for lang, mean in {**means, "": whole}.items()}


def _centred(vectors: Floats, langs: Sequence[str], means: Mapping[str, Floats]) -> Floats:
    return unit(vectors - np.array([means.get(lang, means[""]) for lang in langs]))


def _rows_by_lang(langs: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, lang in enumerate(langs):
        found.setdefault(lang, []).append(row)
    return found


def _rows_by_space(sentences: Sentences, encoder: SentenceEncoder | None) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for lang, rows in _rows_by_lang(sentences.langs).items():
        found.setdefault(space_of(lang, encoder), []).extend(rows)
    return found


def _sample(sentences: Sentences, rows: Sequence[int], seed: int) -> list[list[int]]:
    """Return the positions of at most :data:`SAMPLE` distinct texts among ``rows``, chosen by the hash of the text.

    Each item has the positions of all sentences with one text; the items are sorted by their first position.
    """
    alike: dict[str, list[int]] = {}
    for row in rows:
        alike.setdefault(sentences.texts[row], []).append(row)
    ordered = sorted(alike, key=lambda text: hashlib.blake2b(f"{seed} {text}".encode(), digest_size=8).digest())
    return sorted((alike[text] for text in ordered[:SAMPLE]), key=lambda each: each[0])
