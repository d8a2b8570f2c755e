"""Result of ``ckm feedback-mine``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import polars as pl

    from ckm._feedback.topic_learning import LearnedTopics
    from ckm._feedback.topics_file import Topic


@dataclass(frozen=True)
class Feedback(Result):
    """Counts of comments by topic and further dimensions, and the topics.

    Attributes
    ----------
    frame
        One row per combination of the dimensions, most comments first: the dimensions, ``title`` (of the topic), and
        the columns of :func:`ckm._feedback.cells.cells`. ``topic`` is ``""`` for comments that fit no topic. With a
        workspace also ``entries``: ids of the knowledge entries that answer the topic (null without any). ``title`` and
        ``entries`` are left out if ``topic`` is not a dimension.
    topic_frame
        As ``frame``, with ``topic`` as the only dimension.
    comments
        Number of comments in the period; a comment with several topics counts once.
    competitors
        One row per competitor: ``competitor``, and ``comments``, ``customers`` and mean ``polarity`` in the period
        (null below the minimum group size).
    topics
        The topics, with titles by language, keywords and owner.
    learned
        Topics after learning, with the ids of new and retired ones; None if the topics were read from ``topics.yaml``.
    as_of, since, before
        Last and first day of the period, and first day of the previous period.
    currency
        Currency of the amounts; None without amounts.
    remarks
        Notes on the result, as sentences.
    answers
        Ids of the knowledge entries that answer a topic, by topic id.
    unanswered
        Ids of the topics in ``topic_frame`` without an answer, of whose comments at least half are complaints,
        questions or ideas. Sorted by value at risk, then by revenue of the customers, largest first.
    drafts
        Paths of the drafts that were written.
    path
        Folder in which ``topics.yaml`` was written; None if it was not written.
    """

    frame: pl.DataFrame
    topic_frame: pl.DataFrame
    comments: int
    competitors: pl.DataFrame
    topics: tuple[Topic, ...]
    learned: LearnedTopics | None
    as_of: date
    since: date
    before: date
    currency: str | None
    remarks: tuple[str, ...]
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unanswered: tuple[str, ...] = ()
    drafts: tuple[Path, ...] = ()
    path: Path | None = None

    @property
    def summary(self) -> pl.DataFrame:
        """One row per topic, with its comments, customers, share of all comments, trend, and whether it grows."""
        return self.topic_frame.select("topic", "title", "comments", "customers", "share", "trend", "growing")
