"""Result of ``ckm feedback-mine``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.result import Result

if TYPE_CHECKING:
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
    path
        Folder with the written ``topics.yaml``; None if it was not written.
    """

    frame: pl.DataFrame
    topic_frame: pl.DataFrame
    competitors: pl.DataFrame
    topics: tuple[Topic, ...]
    learned: LearnedTopics | None
    as_of: date
    since: date
    before: date
    currency: str | None
    remarks: tuple[str, ...]
    path: Path | None = None

    @property
    def summary(self) -> pl.DataFrame:
        """Comments, customers, share and trend by topic."""
        return self.topic_frame.select("topic", "title", "comments", "customers", "share", "trend", "growing")
