"""Emerging needs: topics whose weekly number of comments rises more than all comments do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.stats import chi2

from ckm._needs.need import CANDIDATE, EMERGING, Need
from ckm.models.count_alarm import FEWEST_WEEKS, LAG, WEEKS_A_YEAR, count_alarms
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from numpy.typing import NDArray

    from ckm.models.count_alarm import CountAlarms

RECENT_WEEKS = 4
"""Number of weeks up to the as-of date whose alarms are reported."""
NO_TOPIC = ""
EXAMPLES = 5
NEW_WEEKS = 13
FEWEST_NEW = 5
"""Fewest comments of a topic without any earlier comment, in the last ``NEW_WEEKS`` weeks, to be a candidate."""


@dataclass(frozen=True)
class Simulated:
    """Rate of false alarms, over all topics and segments.

    Attributes
    ----------
    stated
        False alarms per year for which the thresholds were set.
    simulated
        False alarms per year in a simulation independent of the one that set the thresholds.
    dispersion
        Dispersion of the topics' weekly counts: the variance of a count with mean ``m`` is ``m + dispersion * m**2``.
    """

    stated: float
    simulated: float
    dispersion: float


@dataclass(frozen=True)
class Emerging:
    """Result of :func:`emerging`; the default values are those without comments on topics.

    Attributes
    ----------
    needs
        Emerging topics (rising comments) and candidates (new topics).
    small
        Titles of the topics with too few comments a week to detect a tripling of their rate within some weeks.
    weeks
        Whole weeks of comments up to the as-of date.
    false_alarms
        Rate of false alarms; None if there are too few weeks for a test, or only one topic.
    silent_weeks
        Whole weeks without comments between the newest comment and the as-of date.
    """

    needs: tuple[Need, ...] = ()
    small: tuple[str, ...] = ()
    weeks: int = 0
    false_alarms: Simulated | None = None
    silent_weeks: int = 0


def emerging(comments: pl.DataFrame, as_of: date, *, per_year: float, min_group_size: int, seed: int) -> Emerging:
    """Test which topics have rising weekly comments, over all customers and within each segment.

    Parameters
    ----------
    comments
        One row per comment and topic, as returned by :func:`ckm.feedback.comment_topics`.
    as_of
        Last day of the comments that are used.
    per_year
        Expected number of false alarms per year over all topics and segments.
    min_group_size
        Fewest customers of a topic that is reported.
    seed
        Seed of the simulation that sets the thresholds.
    """
    # comments without a topic count towards the total volume
    placed = comments.filter(pl.col("day") <= as_of).with_columns(
        week=(pl.lit(as_of) - pl.col("day")).dt.total_days() // 7
    )
    if placed.filter(pl.col("topic") != NO_TOPIC).is_empty():
        return Emerging()
    first_day: date = placed.select(pl.col("day").min()).item()
    weeks = ((as_of - first_day).days + 1) // 7
    placed = placed.filter(pl.col("week") < weeks)
    new = list(_new_topics(placed.filter(pl.col("topic") != NO_TOPIC), weeks, min_group_size))
    silent = int(placed["week"].min() or 0)  # type: ignore[arg-type]
    if weeks < FEWEST_WEEKS or placed["topic"].n_unique() == 1:
        return Emerging(tuple(new), weeks=weeks, silent_weeks=silent)
    titles = dict(placed.select("topic", "title").unique().sort("topic", "title").iter_rows())
    known = {each.subject for each in new}
    segments = placed["segment"].drop_nulls().unique().sort().to_list()
    # with segments, half of the false alarms are for topics over all customers, half for topics within segments
    share = per_year / 2 if segments else per_year
    found, small = list[Need](), list[str]()
    simulated, dispersion = 0.0, 0.0
    for segment in (None, *segments):
        part = placed if segment is None else placed.filter(pl.col("segment") == segment)
        topics, counts = _counts(part, weeks)
        allowed = share if segment is None else share / len(segments)
        alarms = count_alarms(counts, allowed, seed=seed)
        simulated += alarms.simulated
        dispersion = alarms.dispersion if segment is None else dispersion
        for row, topic in enumerate(topics):
            if topic == NO_TOPIC:
                continue
            if alarms.small[row] and segment is None:
                small.append(titles[topic] or topic)
            if alarms.alarms[row, -RECENT_WEEKS:].any() and topic not in known:
                chosen = part.filter(pl.col("topic") == topic)
                found += _need(chosen, topic, segment, counts[row], alarms, row, min_group_size)
    return Emerging((*found, *new), tuple(small), weeks, Simulated(per_year, simulated, dispersion), silent)


def _counts(placed: pl.DataFrame, weeks: int) -> tuple[list[str], NDArray[np.float64]]:
    """Return the topics, sorted, and their comments per week, oldest first, shape (topics, weeks)."""
    cells = placed.group_by("topic", "week").agg(count=pl.col("interaction_id").n_unique())
    topics = cells["topic"].unique().sort()
    at = cells.join(topics.to_frame().with_row_index("row"), on="topic")
    counts = np.zeros((len(topics), weeks))
    counts[at["row"].to_numpy(), weeks - 1 - at["week"].to_numpy()] = at["count"].to_numpy()
    return topics.to_list(), counts


def _need(
    chosen: pl.DataFrame,
    topic: str,
    segment: str | None,
    counts: NDArray[np.float64],
    alarms: CountAlarms,
    row: int,
    min_group_size: int,
) -> Iterator[Need]:
    recent = chosen.filter(pl.col("week") < RECENT_WEEKS)
    customers = recent["customer_id"].drop_nulls().n_unique()
    if recent["interaction_id"].n_unique() < min_group_size or 0 < customers < min_group_size:
        return
    count, mean = int(counts[-RECENT_WEEKS:].sum()), float(np.nansum(alarms.expected[row, -RECENT_WEEKS:]))
    earlier = float(counts[-LAG - WEEKS_A_YEAR : -LAG].sum())
    low, high = _interval(count, mean, alarms.dispersion / RECENT_WEEKS + 1 / max(earlier, 1.0))
    title = recent["title"][0] or topic
    within = f" in segment {segment}" if segment else ""
    yield Need(
        EMERGING,
        f"{title}: {counted(count, 'comment')} in {RECENT_WEEKS} weeks{within}, {mean:.1f} expected",
        topic,
        segment,
        customers,
        count,
        round(mean, 2),
        round(count / mean, 2) if mean else None,
        low,
        high,
        "negative binomial CUSUM against the volume of all comments" + (" of the segment" if segment else ""),
        "; ".join(recent.sort("at", descending=True)["interaction_id"].unique(maintain_order=True).head(EXAMPLES)),
    )


def _interval(count: int, mean: float, variance: float) -> tuple[float | None, float | None]:
    """Return a 95 % interval of ``count / mean``: that of Poisson counts (Garwood 1936), widened for overdispersion.

    ``variance`` is the relative variance of the count beyond that of Poisson, due to dispersion and to the estimation
    error of ``mean``. The bounds are None unless ``mean`` is positive.
    """
    if mean <= 0:
        return None, None
    factor = 1 + count * variance
    low = factor * chi2.ppf(0.025, 2 * count / factor) / 2 if count else 0.0
    high = factor * chi2.ppf(0.975, 2 * count / factor + 2) / 2
    return round(float(low / mean), 2), round(float(high / mean), 2)


def _new_topics(placed: pl.DataFrame, weeks: int, min_group_size: int) -> Iterator[Need]:
    """Yield topics whose first comment is in the last ``NEW_WEEKS`` weeks, if comments of other weeks exist."""
    if weeks <= NEW_WEEKS:
        return
    first = placed.group_by("topic", "title").agg(
        oldest=pl.col("week").max(),
        count=pl.col("interaction_id").n_unique(),
        customers=pl.col("customer_id").drop_nulls().n_unique(),
        ids=pl.col("interaction_id").unique().sort().head(EXAMPLES),
    )
    least = max(FEWEST_NEW, min_group_size)
    for row in first.filter(pl.col("oldest") < NEW_WEEKS, pl.col("count") >= least).sort("topic").iter_rows(named=True):
        if 0 < row["customers"] < min_group_size:
            continue
        yield Need(
            CANDIDATE,
            f"{row['title'] or row['topic']}: {counted(row['count'], 'comment')}, none before {NEW_WEEKS} weeks ago",
            row["topic"],
            None,
            row["customers"],
            row["count"],
            None,
            None,
            None,
            None,
            "new topic: no baseline to test against",
            "; ".join(row["ids"]),
        )
