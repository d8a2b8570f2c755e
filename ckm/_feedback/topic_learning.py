"""Learn topics from comments, add topics for comments that fit none, or learn all again and keep the known ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ckm._feedback.topic_model import OTHER, TopicSpace, assign, joined, learn, matched
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
    """Topics after learning.

    Attributes
    ----------
    topics
        The topics.
    new, kept, retired
        Ids of new topics, of topics that were there before, and of those that were not found again.
    """

    topics: Topics
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
    """Return topics of comments.

    Without ``old``, all topics are new. With ``old``, its topics stay as they are, and comments that fit none form new
    ones. With ``refit``, all are learned again; a topic whose centroid is near an old one keeps its id, title and
    owner, the others get new ids, and old ones without a counterpart are retired.

    Parameters
    ----------
    comments
        The comments.
    encoder
        The encoder; None without one.
    old
        Known topics; None without any.
    refit
        Whether to learn all topics again.
    topics
        Number of clusters per space; None for the default.
    seed
        Random seed.
    advance
        Called with the number of encoded texts.
    """
    known = old or Topics()
    ids = known.free_ids()
    sentences = comments.sentences
    if known.topics and not refit:
        found = assign(known.spaces, sentences, encoder, advance=advance)
        sentences = sentences.take(np.array([row for row, each in enumerate(found.topics) if each == OTHER], np.int64))
        # Topics of further comments are compared by the means and weights of the old ones.
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
    described = _described(whole, known, comments, encoder, advance)
    here = {each.id for each in described}
    before = set(known.by_id)
    retired = tuple(sorted(before - here))
    return LearnedTopics(
        Topics(described, whole, tuple(dict.fromkeys((*known.retired, *retired)))).with_digests(),
        new=tuple(each.id for each in described if each.id not in before),
        kept=tuple(each.id for each in described if each.id in before),
        retired=retired,
    )


def _named(space: TopicSpace, next_id: Callable[[], str]) -> TopicSpace:
    return replace(space, ids=tuple(next_id() for _ in space.ids))


def _described(
    spaces: tuple[TopicSpace, ...], known: Topics, comments: Comments, encoder: SentenceEncoder | None, advance: Advance
) -> tuple[Topic, ...]:
    """Return the topics: old ones with their title and owner, new ones with titles made of their keywords."""
    found = assign(spaces, comments.sentences, encoder, advance=advance)
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
