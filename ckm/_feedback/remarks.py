"""Remarks on the result of ``ckm feedback-mine``: which comments were read, and what limits the conclusions."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.mining import NO_ENCODER
from ckm._feedback.sentiment import FEWEST_OF_A_SIGN, OTHER_LANGUAGES, RATED
from ckm._feedback.topic_space import OTHER
from ckm.remark import assumption, basis, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._feedback.mining import MinedComments

MOST_REPEATED = 0.05
"""Largest share of a text of unknown customers in all comments of a period without a remark."""


def remarks_of(mined: MinedComments, table: pl.DataFrame, since: date, before: date) -> Iterator[str]:
    """Yield the remarks on a result, as sentences.

    Parameters
    ----------
    mined
        Comments with their topics.
    table
        Counts by topic, as :func:`ckm._feedback.cells.cells` returns them.
    since, before
        First day of the period, and first day of the previous period.
    """
    frame = mined.comments.frame
    now = frame.filter(pl.col("day") >= since)
    yield basis(f"{frame.height:,} comments, {now.height:,} of them since {since}")
    earliest = frame["day"].min()
    if isinstance(earliest, date) and earliest > before:
        yield doubt(f"the comments begin on {earliest}: the previous period, from {before}, is not complete")
    yield from _left_out(mined)
    yield from _repeated(now)
    yield from _of_topics(mined, table)
    yield from _of_polarity(mined)


def _left_out(mined: MinedComments) -> Iterator[str]:
    comments = mined.comments
    if comments.by_staff:
        yield f"{comments.by_staff:,} visit notes and events are not read: customers did not write them"
    if comments.empty:
        yield counted(comments.empty, "interaction", "has no text", "have no text")
    if comments.copies:
        copies = counted(comments.copies, "comment", "is", "are")
        yield f"{copies} left out: the same customer wrote the same text within four weeks"


def _repeated(now: pl.DataFrame) -> Iterator[str]:
    """Yield a doubt if a text of unknown customers repeats often: it may be a copy, or an answer that many chose."""
    anonymous = now.filter(pl.col("customer_id").is_null() & (pl.col("text").str.len_chars() > 1))
    most = anonymous["text"].value_counts()["count"].max() if anonymous.height else 0
    if isinstance(most, int) and most > max(MOST_REPEATED * now.height, 10):
        yield doubt(
            f"{most:,} comments without a customer have the same text: each counts as of another customer, and may be "
            "a copy"
        )


def _of_topics(mined: MinedComments, table: pl.DataFrame) -> Iterator[str]:
    if mined.learned is not None and mined.learned.new:
        yield f"{len(mined.learned.new)} topics are new: {', '.join(mined.learned.new)}"
    if mined.learned is not None and mined.learned.retired:
        yield doubt(f"topics not found again, and retired: {', '.join(mined.learned.retired)}")
    hidden = len(mined.topics.topics) - table.filter(pl.col("topic") != OTHER).height
    if hidden > 0:
        few = counted(hidden, "topic", "has", "have")
        yield f"{few} too few customers in the period: the comments are counted as 'other'"
    if not mined.has_encoder:
        yield doubt(NO_ENCODER)
    if mined.uncovered:
        unread = ", ".join(each or "unknown" for each in mined.uncovered)
        yield doubt(
            f"the encoder does not cover {unread}: these comments have topics of their own, by words and letters, and "
            "are not counted in topics of other languages"
        )


def _of_polarity(mined: MinedComments) -> Iterator[str]:
    frame = mined.comments.frame
    by = pl.Series(mined.polarity.by, dtype=pl.String)
    transferred = sorted(frame.filter(by == OTHER_LANGUAGES)["lang"].unique())
    if transferred:
        yield assumption(
            f"polarity of unrated comments in {', '.join(transferred)} is learned from ratings of other languages"
        )
    unknown = int((by == "").sum())
    if unknown:
        yield (
            f"{counted(unknown, 'comment', 'has', 'have')} no polarity: it needs {RATED} rated comments of a language, "
            f"{FEWEST_OF_A_SIGN} of them positive and {FEWEST_OF_A_SIGN} negative"
        )
    no_scale = frame.filter(pl.col("rating").is_not_null() & pl.col("scale").is_null()).height
    if no_scale:
        yield doubt(
            f"{counted(no_scale, 'rating', 'has', 'have')} no scale, and no effect: name it in the mapping, such as "
            "scale: {value: csat_1_5}"
        )
