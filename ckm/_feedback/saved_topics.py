"""Saved runs of ``ckm feedback-mine``: the topics of each customer in the period, and the topics' titles and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.topic_space import OTHER

if TYPE_CHECKING:
    from datetime import date

    from ckm._feedback.result import Feedback
    from ckm.dataset import Dataset
    from ckm.store import Run, Store

ANALYSIS, NAME, VERSION = "feedback", "topics", 1


def save_topics(dataset: Dataset, mentions: pl.DataFrame, result: Feedback) -> None:
    """Save a run: the topics of each customer in the period, with revenue and value at risk, without texts.

    Parameters
    ----------
    dataset
        Dataset of a workspace, in whose store the run is saved.
    mentions
        One row per comment and topic: customer_id, day, topic, revenue, value_at_risk.
    result
        Result of the run, with its period, topics and counts.
    """
    assert dataset.workspace is not None
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    by_customer = (
        mentions.filter(
            pl.col("customer_id").is_not_null()
            & (pl.col("topic") != OTHER)
            & pl.col("day").is_between(result.since, result.as_of)
        )
        .group_by("customer_id")
        .agg(
            topics=pl.col("topic").unique().sort().str.join(" "),
            revenue=pl.col("revenue").first(),
            value_at_risk=pl.col("value_at_risk").first(),
        )
        .sort("customer_id")
    )
    facts = {
        "since": result.since.isoformat(),
        "unanswered": list(result.unanswered),
        "topics": {
            topic.id: {
                "title": dict(topic.title),
                "keywords": {lang: list(words) for lang, words in topic.keywords.items()},
                "owner": topic.owner,
            }
            for topic in result.topics
        },
        "cells": {
            row["topic"]: {name: row[name] for name in ("comments", "customers", "growing", "trend", "polarity")}
            for row in result.topic_frame.iter_rows(named=True)
            if row["topic"] != OTHER
        },
    }
    Store(dataset.workspace.store_dir).save_run(ANALYSIS, NAME, VERSION, result.as_of, by_customer, facts)


def newest_topics(store: Store, as_of: date) -> tuple[Run, pl.DataFrame] | None:
    """Return the newest saved run with an as-of date up to ``as_of``, and its rows by customer; None without a run."""
    runs = [run for run in store.runs(ANALYSIS, NAME) if run.as_of <= as_of]
    if not runs:
        return None
    run = max(runs, key=lambda each: (each.as_of, each.number))
    return run, store.read_run(run)
