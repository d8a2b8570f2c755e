"""Vectors of sentences: by a sentence encoder, or as tf-idf of hashed words and character n-grams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ckm.models.topics import unit
from ckm.search.analysis import analyse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Advance = Callable[[float], None]

BUCKETS = 1 << 14
"""Number of hash buckets of words and n-grams; few words of some thousand comments share a bucket."""
SHORTEST_GRAM, LONGEST_GRAM = 3, 5
MOST_COMMON = 0.5
"""Largest share of texts with a word or n-gram that has a weight; it is large since stop words are removed before."""
MOST_CACHED = 20_000
"""Texts whose vectors are cached. Topics are learned from at most 9,000: 3,000 sentences in three forms."""
TEXTS_PER_DF = 30
"""Distinct texts for each text in which a word or n-gram must be to have a weight; three texts are always enough."""
BATCH = 128
"""Sentences per batch of the encoder, which needs some 300 kB of memory for each."""


class SentenceEncoder(Protocol):
    """Interface of a sentence encoder, which :class:`ckm.models.encoder.Encoder` implements."""

    digest: str

    def covers(self, language: str) -> bool:
        """Return whether the encoder was trained on a language."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one vector of length 1 per text, shape (n, d)."""


class RememberingEncoder:
    """Encoder with a cache of vectors: the sentences from which topics are learned are encoded again to assign them.

    The vectors of the first :data:`MOST_CACHED` texts are cached. All vectors are returned with the precision of 16-bit
    floats, in which they are cached (1 kB a text).

    Parameters
    ----------
    encoder
        Encoder whose vectors are cached.
    """

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, NDArray[np.float16]] = {}
        self.digest = encoder.digest

    def covers(self, language: str) -> bool:
        """Return whether the encoder was trained on a language."""
        return self._encoder.covers(language)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, shape (n, d); only texts that are not in the cache are encoded."""
        unknown = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        new = dict(zip(unknown, self._encoder.encode(unknown).astype(np.float16), strict=True)) if unknown else {}
        if len(self._vectors) < MOST_CACHED:
            self._vectors.update(new)
        return np.stack([new[text] if text in new else self._vectors[text] for text in texts]).astype(np.float32)


def encoded(encoder: SentenceEncoder, texts: Sequence[str], advance: Advance = lambda amount: None) -> Floats:
    """Encode texts in batches of similar length, shape (n, d); equal texts are encoded once.

    Parameters
    ----------
    encoder
        The encoder.
    texts
        Masked sentences.
    advance
        Called with the number of texts that were encoded since the last call.
    """
    # Sort by length, since the encoder pads the texts of a batch to the longest one.
    unique = sorted(set(texts), key=lambda text: (len(text), text))
    places = {text: place for place, text in enumerate(unique)}
    parts = []
    for start in range(0, len(unique), BATCH):
        batch = unique[start : start + BATCH]
        parts.append(encoder.encode(batch))
        advance(len(batch))
    return np.concatenate(parts)[[places[text] for text in texts]].astype(np.float64)


def content(text: str, lang: str) -> str:
    """Return the distinct words of a sentence without stop words; a sentence with Chinese characters is unchanged.

    Sentences about the same subject differ in tense, person and tone, mostly by their stop words.
    """
    words = [text[token.start : token.end] for token in analyse(text, lang, in_full=False).words]
    if any("\u3400" <= sign <= "\u9fff" for sign in text) or not words:
        return text
    return " ".join(dict.fromkeys(words))


def hashed(texts: Sequence[str], langs: Sequence[str], *, grams: bool = True) -> Any:
    """Count the hashed words of texts, and with ``grams`` their character n-grams.

    Returns a sparse matrix of shape (n, BUCKETS) with ln(1 + f) for a frequency f, so that a repeated word does not
    outweigh other words.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    hasher = HashingVectorizer(
        n_features=BUCKETS, analyzer=lambda pair: list(_features(*pair, grams=grams)), alternate_sign=False, norm=None
    )
    found = hasher.transform(list(zip(texts, langs, strict=True)))
    np.log1p(found.data, out=found.data)
    return found


def inverse_frequency(counts: Any) -> Floats:
    """Return ln(n / df) of each bucket, shape (BUCKETS,), from counts of n distinct texts, shape (n, BUCKETS).

    The weight is 0 if the bucket is in over half of the texts, or in fewer than 3 of them; in fewer than 2 for less
    than 90 texts. Less than 60 distinct texts are often answers to choose from, whose words are in a single text each.
    """
    texts = counts.shape[0]
    df = np.asarray((counts > 0).sum(0)).ravel()
    fewest = min(max(texts // TEXTS_PER_DF, 1), 3)
    usable = (df >= fewest) & (df <= max(MOST_COMMON * texts, fewest))
    return np.where(usable, np.log(texts / np.maximum(df, 1)), 0.0)


def weighted(counts: Any, idf: Floats) -> Any:
    """Multiply counts by inverse document frequencies: tf-idf rows of length 1, sparse, shape (n, BUCKETS)."""
    from scipy.sparse import diags
    from sklearn.preprocessing import normalize

    return normalize(counts @ diags(idf)).astype(np.float32)


def latent(rows: Any, dimensions: int) -> Floats:
    """Project tf-idf rows to a latent semantic space (Deerwester et al. 1990): centred rows of length 1.

    The shape is (n, ``dimensions``), with fewer dimensions for few rows.
    """
    from scipy.sparse.linalg import svds

    size = min(*rows.shape)
    wanted = min(dimensions, size - 1)
    if wanted < 1:
        return np.asarray(rows.todense())
    left, values, _ = svds(rows.astype(np.float64), k=wanted, v0=np.random.default_rng(0).standard_normal(size))
    order = np.argsort(-values)
    found = left[:, order] * values[order]
    return unit(found - found.mean(0))


def _features(text: str, lang: str, *, grams: bool) -> Iterator[str]:
    words = [token.term for token in analyse(text, lang, in_full=False).words]
    yield from words
    for word in words if grams else ():
        padded = f" {word} "
        if len(padded) <= LONGEST_GRAM and word.isascii():
            continue
        for size in range(SHORTEST_GRAM, LONGEST_GRAM + 1):
            for start in range(len(padded) - size + 1):
                yield f"#{padded[start : start + size]}"
