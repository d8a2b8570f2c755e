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
    """Comments by topic, product and segment.

    Attributes
    ----------
    frame
        One row per cell, most comments first: the dimensions, ``title``, and :data:`ckm._feedback.cells.CELL_COLUMNS`.
        ``topic`` is ``""`` for comments that fit no topic.
    topic_frame
        The same by topic alone.
    comments
        Number of comments in the period; a comment with several topics counts once.
    competitors
        One row per competitor: competitor, comments, customers, polarity; null below the minimum group size.
    topics
        The topics, with titles by language, keywords and owner.
    learned
        What learning changed; None if the topics are those of the file.
    as_of, since, before
        Last and first day of the period, and first day of the previous period.
    currency
        Currency of the amounts; None without amounts.
    remarks
        Notes for the reader, as sentences.
    answers
        Ids of the knowledge entries that answer a topic, by topic.
    unanswered
        Topics with enough customers who complain, ask or propose something, and without an answer; those of the highest
        value at risk first, then of the highest revenue.
    drafts
        Files of the drafts that were written.
    path
        Folder with the written ``topics.yaml``; None if it was not written.
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
        """Comments, customers, share and trend by topic."""
        return self.topic_frame.select("topic", "title", "comments", "customers", "share", "trend", "growing")
