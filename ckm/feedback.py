"""What customers say: the functions of ``ckm feedback-mine``.

>>> import ckm
>>> found = ckm.feedback.feedback("shop", since="2026-04-01")  # doctest: +SKIP
>>> found.frame                                                 # doctest: +SKIP
>>> ckm.feedback.comment_topics("shop")                         # one row per comment and topic  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.cells import DIMENSIONS, UNKNOWN, cells
from ckm._feedback.comments import INTERACTIONS
from ckm._feedback.customer_value import CustomerValues, customer_values
from ckm._feedback.mining import NO_ENCODER, Learning, MinedComments, mine
from ckm._feedback.result import Feedback
from ckm._feedback.topic_model import OTHER
from ckm._feedback.topics_file import write_topics
from ckm.customers.definitions import local_day
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError
from ckm.metrics.cell_suppression import MIN_GROUP_SIZE
from ckm.models.encoder import Encoder
from ckm.pseudonym import shown_ids
from ckm.remark import assumption, basis, doubt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

    Progress = Callable[[str, float, float], None]

__all__ = ["Feedback", "comment_topics", "feedback", "page"]

PERIOD_DAYS = 91
"""Default length of the period: 13 weeks, so that both periods have equally many of each weekday."""
AUTO, NONE = "auto", "none"


def feedback(
    source: Source = None,
    *,
    as_of: date | None = None,
    since: date | None = None,
    by: Sequence[str] = ("topic",),
    new_only: bool = False,
    learn: bool = False,
    refit: bool = False,
    topics: int | None = None,
    encoder: str = AUTO,
    min_group_size: int = MIN_GROUP_SIZE,
    keep: bool = True,
    drafts: bool = False,
    lang: str = "en",
    seed: int = 0,
    progress: Progress | None = None,
) -> Feedback:
    """Find the topics of what customers say, and count comments by topic, product and segment.

    Personal data are masked before a text is read; no result, file or run contains a text of a customer.

    Parameters
    ----------
    source
        As for :func:`ckm.dataset.source.dataset_of`, with the table ``interactions``.
    as_of
        Last day of comments. Default: the newest usual day of the transactions, else the day of the newest comment.
    since
        First day of the period, which is compared with the period of the same length before it. Default: 13 weeks.
    by
        Dimensions of the cells, ``topic`` first: ``topic``, ``product``, ``segment``, ``channel``, ``lang``, ``kind``.
    new_only
        Only cells that grew more than chance explains, or that had no comment in the previous period if others had.
    learn
        Write ``topics.yaml`` of the workspace; known topics stay as they are, comments that fit none form new ones.
    refit
        Learn all topics again; those that are found again keep their id, title and owner.
    topics
        Number of clusters to learn. Default: by the number of comments.
    encoder
        ``auto`` (the setting ``feedback.encoder``, else the extra ``semantic``, else none), ``none``, or a folder.
    min_group_size
        Smallest number of customers of a cell; smaller cells are joined.
    keep
        Whether to save the topics of each customer as a run, for ``ckm kb-gaps`` and the loyalty report.
    drafts
        Write a draft of a knowledge entry to ``kb/drafts/`` for each topic without an answer; existing files stay.
    lang
        Language of ``title``.
    seed
        Random seed of the learning.
    progress
        Called with the stage, the work done in it, and its total (0: unknown).

    Raises
    ------
    UsageError
        The options contradict each other, or topics are to be written without a workspace.
    NotEnoughDataError
        There are too few comments.
    """
    dataset = dataset_of(source)
    wanted = _dimensions(by)
    if (learn or refit or drafts) and dataset.workspace is None:
        raise UsageError(
            "topics and drafts are written to a workspace, and this is none", hint="make one: ckm init DIR"
        )
    value = customer_values(dataset, as_of)
    day = as_of or value.as_of or _newest_day(dataset)
    first = since or day - timedelta(days=PERIOD_DAYS - 1)
    if first > day:
        raise UsageError(f"--since {first} is after the last day {day}", hint="choose an earlier day")
    opened = open_encoder(dataset, encoder)
    mined = mine(
        dataset,
        day,
        opened,
        Learning(learn=learn, refit=refit, topics=topics, seed=seed),
        progress=progress or (lambda stage, done, total: None),
    )
    before = first - (day - first) - timedelta(days=1)
    mentions = _mentions(mined, value)
    table, every_topic = (
        cells(mentions, each, since=first, before=before, as_of=day, min_group_size=min_group_size)
        for each in (wanted, ("topic",))
    )
    result = Feedback(
        frame=_titled(table, mined, lang, new_only=new_only),
        topic_frame=_titled(every_topic, mined, lang, new_only=False),
        comments=mentions.filter(pl.col("day").is_between(first, day))["interaction_id"].n_unique(),
        competitors=_competitors(mined, first, day, min_group_size),
        topics=mined.topics.topics,
        learned=mined.learned,
        as_of=day,
        since=first,
        before=before,
        currency=value.currency,
        remarks=(*_remarks(mined, dataset, first, before), *value.remarks),
    )
    if dataset.workspace is not None:
        result = _answered(result, mined, dataset.workspace.kb_dir, opened, drafts=drafts)
        if mined.learned is not None and (learn or refit):
            write_topics(dataset.workspace.root, mined.topics)
            result = replace(result, path=dataset.workspace.root)
        if keep:
            from ckm._feedback.saved_topics import save_topics

            save_topics(dataset, mentions, result)
    return result


def comment_topics(
    source: Source = None,
    *,
    as_of: date | None = None,
    encoder: str = AUTO,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Return the topics of every comment, for counts by day.

    Parameters
    ----------
    source, as_of, encoder, progress
        As for :func:`feedback`. Topics are those of ``topics.yaml``; without it they are learned and not written.

    Returns
    -------
    pl.DataFrame
        One row per comment and topic, by time: interaction_id (String), at (Datetime, UTC), day (Date, in the shop's
        zone), topic (String; ``""`` for comments that fit none), title (String, English if known), customer_id
        and segment (String; null without one), cosine (Float64, to the centroid of the topic), polarity (Float64, -1 to
        1; null if unknown).
    """
    dataset = dataset_of(source)
    value = customer_values(dataset, as_of)
    day = as_of or value.as_of or _newest_day(dataset)
    opened = open_encoder(dataset, encoder)
    mined = mine(
        dataset,
        day,
        opened,
        Learning(),
        progress=progress or (lambda stage, done, total: None),
    )
    titles = {topic.id: topic.title_in("en") for topic in mined.topics.topics}
    comments = mined.frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    return (
        mined.mentions.join(comments, on="row")
        .join(value.frame, on="customer_id", how="left")
        .sort("at", "interaction_id", "topic")
        .select(
            "interaction_id",
            "at",
            "day",
            "topic",
            "customer_id",
            "segment",
            "cosine",
            title=pl.col("topic").replace_strict(titles, default="", return_dtype=pl.String),
            polarity=pl.col("polarity").fill_nan(None),
        )
    )


def open_encoder(dataset: Dataset, wanted: str = AUTO) -> Encoder | None:
    """Return the encoder of an option: see :func:`feedback`.

    Raises
    ------
    UsageError
        The folder is no encoder.
    """
    if wanted == NONE:
        return None
    if wanted != AUTO:
        return Encoder.open(wanted)
    declared = dataset.config.feedback.encoder
    if declared is not None and dataset.workspace is not None:
        return Encoder.open(dataset.workspace.root / Path(declared))
    return Encoder.open()


def page(found: Feedback, lang: str = "en", *, calendar: str = "gregorian") -> str:
    """Return a result as one HTML page that opens offline, in one of the languages of the loyalty report.

    Raises
    ------
    UnknownNameError
        The language is unknown.
    """
    from ckm._feedback.document import WORDS, feedback_document
    from ckm._loyalty.numbers import Numbers
    from ckm._loyalty.words import load_words
    from ckm.io.values.word_lists import load_data
    from ckm.render.page import render_page

    if lang not in load_data(WORDS):
        raise UnknownNameError("language", lang, load_data(WORDS), where="--lang")
    words = load_words(lang)
    numbers = Numbers(words.locale, found.currency or "EUR", calendar)
    return render_page(feedback_document(found, lang, numbers, words), words.page_words())


def _answered(result: Feedback, mined: MinedComments, kb: Path, encoder: Encoder | None, *, drafts: bool) -> Feedback:
    """Return the result with the entries that answer its topics, and write drafts for the others."""
    from ckm._feedback.answers import answers_to, write_drafts

    found = answers_to(mined.topics, kb, result.as_of, encoder)
    asking = result.topic_frame.filter(
        (pl.col("topic") != OTHER)
        & ~pl.col("topic").is_in(list(found.by_topic))
        & (2 * (pl.col("complaints") + pl.col("requests")) >= pl.col("comments"))
    ).sort("value_at_risk", "revenue", "topic", descending=[True, True, False], nulls_last=True)
    unanswered = tuple(asking["topic"])
    files: tuple[Path, ...] = ()
    if drafts:
        evidence = {topic: ids.split(" ") for topic, ids in asking.select("topic", "evidence").iter_rows()}
        by_id = mined.topics.by_id
        files = write_drafts(kb, [by_id[each] for each in unanswered], evidence, result.as_of)
    entries = {topic: " ".join(names) for topic, names in found.by_topic.items()}
    frames = (
        frame.with_columns(entries=pl.col("topic").replace_strict(entries, default=None, return_dtype=pl.String))
        for frame in (result.frame, result.topic_frame)
    )
    frame, topic_frame = frames
    return replace(
        result, frame=frame, topic_frame=topic_frame, answers=found.by_topic, unanswered=unanswered, drafts=files
    )


def _dimensions(by: Sequence[str]) -> tuple[str, ...]:
    for each in by:
        if each not in DIMENSIONS:
            raise UnknownNameError("dimension", each, DIMENSIONS, where="--by")
    return tuple(dict.fromkeys(("topic", *by)))


def _newest_day(dataset: Dataset) -> date:
    if INTERACTIONS not in dataset.tables:
        raise NotEnoughDataError(
            f"'{dataset.label}' has no interactions", hint="load comments: ckm ingest FILE --as interactions"
        )
    days = dataset.tables[INTERACTIONS].select(local_day("at", dataset.config.time_zone).max()).collect()
    newest: date | None = days.item()
    if newest is None:
        raise NotEnoughDataError(f"'{dataset.label}' has no comments", hint="load some: ckm ingest FILE")
    return newest


def _mentions(mined: MinedComments, value: CustomerValues) -> pl.DataFrame:
    """Return one row per comment, topic and product, with the facts of the customer."""
    comments = mined.frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    products = pl.DataFrame(
        [(row, product) for row, found in sorted(mined.products.items()) for product in sorted(found)],
        schema={"row": pl.Int64, "product": pl.String},
        orient="row",
    )
    # An id may be an address; requested lists (comment_topics) have it, reports a pseudonym.
    comments = comments.with_columns(shown_ids(comments["interaction_id"]))
    return (
        mined.mentions.join(comments, on="row")
        .join(products, on="row", how="left")
        .join(value.frame, on="customer_id", how="left")
        .sort("row", "topic", "product")
    )


def _titled(table: pl.DataFrame, mined: MinedComments, lang: str, *, new_only: bool) -> pl.DataFrame:
    titles = {topic.id: topic.title_in(lang) for topic in mined.topics.topics} | {OTHER: "other"}
    if new_only:
        had_none = (pl.col("comments_before") == 0) & (pl.col("comments") > 0) & (pl.col("comments_before").sum() > 0)
        is_new = pl.col("growing") | had_none
        table = table.filter(is_new & (pl.col("topic") != OTHER))
    return table.insert_column(
        1, pl.col("topic").replace_strict(titles, default=UNKNOWN, return_dtype=pl.String).alias("title")
    )


def _competitors(mined: MinedComments, since: date, as_of: date, least: int) -> pl.DataFrame:
    """Return comments and customers by competitor in the period; null below the minimum group size."""
    rows = [(row, name) for row, found in sorted(mined.competitors.items()) for name in sorted(found)]
    named = pl.DataFrame(rows, schema={"row": pl.Int64, "competitor": pl.String}, orient="row")
    comments = mined.frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    found = (
        named.join(comments, on="row")
        .filter(pl.col("day").is_between(since, as_of))
        .group_by("competitor")
        .agg(
            comments=pl.len().cast(pl.Int64),
            customers=pl.col("code").n_unique().cast(pl.Int64),
            polarity=pl.col("polarity").drop_nans().mean().round(3),
        )
    )
    enough = pl.col("customers") >= least
    hidden = [pl.when(enough).then(pl.col(name)).alias(name) for name in ("comments", "customers", "polarity")]
    return found.with_columns(hidden).sort("comments", "competitor", descending=[True, False], nulls_last=True)


def _remarks(mined: MinedComments, dataset: Dataset, since: date, before: date) -> list[str]:
    comments, frame = mined.comments, mined.comments.frame
    now = frame.filter(pl.col("day") >= since)
    found = [*dataset.remarks, basis(f"{frame.height:,} comments, {now.height:,} of them since {since}")]
    earliest = frame["day"].min()
    if isinstance(earliest, date) and earliest > before:
        found.append(doubt(f"the comments begin on {earliest}: the previous period, from {before}, is not complete"))
    if comments.by_staff:
        found.append(f"{comments.by_staff:,} visit notes and events are not read: customers did not write them")
    if mined.learned is not None and mined.learned.new:
        found.append(f"{len(mined.learned.new)} topics are new: {', '.join(mined.learned.new)}")
    if mined.learned is not None and mined.learned.retired:
        found.append(doubt(f"topics not found again, and retired: {', '.join(mined.learned.retired)}"))
    if not mined.has_encoder:
        found.append(doubt(NO_ENCODER))
    if mined.uncovered:
        unread = ", ".join(each or "unknown" for each in mined.uncovered)
        found.append(doubt(f"the encoder does not cover {unread}: topics of their own, by words and letters"))
    by = mined.polarity.by
    if "other languages" in by:
        langs = sorted({lang for lang, each in zip(frame["lang"], by, strict=True) if each == "other languages"})
        found.append(
            assumption(f"polarity of unrated comments in {', '.join(langs)} is learned from ratings of other languages")
        )
    unknown = by.count("")
    if unknown:
        found.append(f"{unknown:,} comments have no polarity: their language has fewer than 300 rated comments")
    return found
