"""Topics of customers' comments that no knowledge entry answers, by value at risk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.saved_topics import newest_topics
from ckm._kb.entry_files import read_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.store import Store


@dataclass(frozen=True)
class UnansweredTopic:
    """Topic that no knowledge entry answers.

    Attributes
    ----------
    id, title
        Id, and title in English, else in any language.
    customers
        Number of customers who wrote about the topic in the period.
    value_at_risk
        Sum of the value at risk of these customers, in units of currency; None if no customer has a saved warning. A
        customer who wrote about several topics counts for each of them.
    revenue
        Net sales to these customers in the last 12 months, in units of currency; None without purchases.
    draft
        Path of the draft entry that lists the topic, relative to the knowledge base; empty without a draft.
    """

    id: str
    title: str
    customers: int
    value_at_risk: float | None
    revenue: float | None
    draft: str = ""

    @property
    def name(self) -> str:
        """Title, with the id and the path of the draft in brackets."""
        return f"{self.title} ({self.id}{f', {self.draft}' if self.draft else ''})"


@dataclass(frozen=True)
class UnansweredTopics:
    """Topics that no knowledge entry answers, highest value at risk first, and first and last day of the comments."""

    topics: tuple[UnansweredTopic, ...]
    since: date
    as_of: date


def unanswered_topics(store: Store, kb: Path, as_of: date) -> UnansweredTopics | None:
    """Return the topics that were unanswered in the newest saved run and that no valid entry lists now.

    Parameters
    ----------
    store
        Store with the saved runs of ``ckm feedback-mine``.
    kb
        Folder of the knowledge base.
    as_of
        Day on which entries must be valid. Runs with a later as-of date are not used.

    Returns
    -------
    UnansweredTopics | None
        None without a saved run.
    """
    saved = newest_topics(store, as_of)
    if saved is None:
        return None
    run, rows = saved
    entries = read_folder(kb).entries if kb.is_dir() else ()
    answered = {topic for each in entries if each.in_use and each.valid_on(as_of) for topic in each.classify.topics}
    drafts = {topic: each.path for each in entries if not each.in_use for topic in each.classify.topics}
    facts = run.facts["topics"]
    wanted = [topic for topic in run.facts["unanswered"] if topic not in answered and topic in facts]
    by_topic = (
        rows.with_columns(topic=pl.col("topics").str.split(" "))
        .explode("topic")
        .filter(pl.col("topic").is_in(wanted))
        .sort("topic", "customer_id")
        .group_by("topic", maintain_order=True)
        .agg(pl.len(), *(_sum(name) for name in ("value_at_risk", "revenue")))
        .sort("value_at_risk", "revenue", "topic", descending=[True, True, False], nulls_last=True)
    )
    topics = tuple(
        UnansweredTopic(topic, _title(facts[topic]["title"], topic), count, at_risk, revenue, drafts.get(topic, ""))
        for topic, count, at_risk, revenue in by_topic.iter_rows()
    )
    return UnansweredTopics(topics, date.fromisoformat(run.facts["since"]), run.as_of)


def _sum(name: str) -> pl.Expr:
    """Return the expression of a column's sum, rounded to two decimals; null if all values are null."""
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum().round(2)).alias(name)


def _title(titles: dict[str, str], topic: str) -> str:
    return titles.get("en") or next(iter(titles.values()), topic)
