"""Assignment of sentences to the nearest centroid of a topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm._feedback.text_vectors import BATCH, hashed, weighted
from ckm._feedback.topic_space import MEANING, OTHER, rows_by_space
from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from ckm._feedback.text_vectors import SentenceEncoder
    from ckm._feedback.topic_space import Sentences, TopicSpace

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]
    Advance = Callable[[float], None]


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

    def updated(self, rows: Labels, other: Assignment) -> Assignment:
        """Return a copy with the topics and cosines of ``other`` for the sentences at the positions ``rows``."""
        topics, cosines = list(self.topics), self.cosines.copy()
        for row, topic in zip(rows.tolist(), other.topics, strict=True):
            topics[row] = topic
        cosines[rows] = other.cosines
        return Assignment(topics, cosines, self.vectors)


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
        for name, rows in rows_by_space(sentences, encoder).items():
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
