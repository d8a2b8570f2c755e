"""Learn topics of comments: all topics, or further topics from comments that fit no known topic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm._feedback.space_learning import learn
from ckm._feedback.topic_assignment import Assignment, assign
from ckm._feedback.topic_space import OTHER, TopicSpace, joined, matched
from ckm._feedback.topic_titles import topic_words
from ckm._feedback.topics_file import Topic, Topics
from ckm.pseudonym import shown_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckm._feedback.comments import Comments
    from ckm._feedback.text_vectors import SentenceEncoder

    Advance = Callable[[float], None]

MOST_EXAMPLES = 5


@dataclass(frozen=True)
class LearnedTopics:
    """Topics after learning, and how they differ from the topics before.

    Attributes
    ----------
    topics
        Topics after learning.
    assignment
        Topics of all sentences.
    new, kept, retired
        Ids of topics that are new, of topics that existed before, and of earlier topics that no longer exist.
    """

    topics: Topics
    assignment: Assignment
    new: tuple[str, ...]
    kept: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()


def learn_topics(
    comments: Comments,
    encoder: SentenceEncoder | None,
    old: Topics | None,
    *,
    refit: bool,
    topics: int | None = None,
    seed: int = 0,
    advance: Advance = lambda amount: None,
) -> LearnedTopics:
    """Learn the topics of comments.

    Without ``old``, all topics are new. With ``old``, these topics do not change, and comments that fit none of them
    form new topics. With ``refit``, all topics are learned again: a topic whose centroid matches that of an old topic
    (:func:`ckm._feedback.topic_space.matched`) gets the id, title, keywords and owner of the old topic, other topics
    get new ids, and old topics without a match are retired.

    Parameters
    ----------
    comments
        Comments with their sentences.
    encoder
        Encoder of the sentences; None for vectors of words and character n-grams.
    old
        Known topics; None at the first learning.
    refit
        Whether to learn all topics again.
    topics
        Number of clusters per vector space; None for :func:`ckm.models.topics.default_topics`.
    seed
        Random seed of the sampling and the clustering.
    advance
        Called with the number of texts that were encoded since the last call.
    """
    known = old or Topics()
    ids = known.free_ids()
    sentences = comments.sentences
    found: Assignment | None = None
    if known.topics and not refit:
        found = assign(known.spaces, sentences, encoder, comment=comments.row, advance=advance)
        rest = np.array([row for row, each in enumerate(found.topics) if each == OTHER], np.int64)
        sentences = sentences.take(rest)
        # New topics use the means and weights of the known ones, so that cosines to both are comparable.
        spaces = learn(sentences, encoder, topics=topics, seed=seed, advance=advance, within=known.spaces)
    else:
        spaces = learn(sentences, encoder, topics=topics, seed=seed, advance=advance)
    spaces = tuple(_named(space, ids.next) for space in spaces)
    if not known.topics or refit:
        pairs = matched(known.spaces, spaces)
        spaces = tuple(replace(space, ids=tuple(pairs.get(each, each) for each in space.ids)) for space in spaces)
        whole = spaces
    else:
        whole = joined(known.spaces, spaces)
    if found is not None:
        found = found.updated(rest, assign(whole, sentences, encoder, advance=advance))
    else:
        found = assign(whole, sentences, encoder, comment=comments.row, advance=advance)
    described = _described(whole, known, comments, found)
    here = {each.id for each in described}
    before = set(known.by_id)
    retired = tuple(sorted(before - here))
    return LearnedTopics(
        Topics(described, whole, tuple(dict.fromkeys((*known.retired, *retired)))).with_digests(),
        found,
        new=tuple(each.id for each in described if each.id not in before),
        kept=tuple(each.id for each in described if each.id in before),
        retired=retired,
    )


def _named(space: TopicSpace, next_id: Callable[[], str]) -> TopicSpace:
    return replace(space, ids=tuple(next_id() for _ in space.ids))


def _described(
    spaces: tuple[TopicSpace, ...], known: Topics, comments: Comments, found: Assignment
) -> tuple[Topic, ...]:
    """Return the topics of the spaces: known topics unchanged, new ones with keywords, titles and examples."""
    words = topic_words(comments.sentences, found.topics, comments.masking)
    ids = comments.frame["interaction_id"]
    by_topic: dict[str, dict[str, float]] = {}
    for row, each, cosine in zip(comments.row.tolist(), found.topics, found.cosines.tolist(), strict=True):
        near = by_topic.setdefault(each, {})
        near[ids[row]] = max(cosine, near.get(ids[row], -1.0))
    topics = []
    for space in spaces:
        for name in space.ids:
            near = by_topic.get(name, {})
            examples = sorted(near, key=lambda name: (-near[name], name))[:MOST_EXAMPLES]
            topic = known.by_id.get(name)
            if topic is None:
                topic = Topic(name, space.name, words.titles.get(name, {}), words.keywords.get(name, {}))
                topic = replace(topic, examples=tuple(map(shown_id, examples)))
            topics.append(topic)
    return tuple(topics)
