"""Topics of customers' comments; the functions behind ``ckm feedback-mine``.

>>> import ckm
>>> from datetime import date
>>> found = ckm.feedback.feedback("shop", since=date(2026, 4, 1))  # doctest: +SKIP
>>> found.frame                                                    # doctest: +SKIP
>>> ckm.feedback.comment_topics("shop")                            # one row per comment and topic  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.cells import DIMENSIONS, UNKNOWN, cells, mean_polarity
from ckm._feedback.customer_value import CustomerValues, customer_values
from ckm._feedback.mining import Learning, MinedComments, mine
from ckm._feedback.newest_day import newest_day
from ckm._feedback.remarks import remarks_of
from ckm._feedback.result import Feedback
from ckm._feedback.topic_space import OTHER
from ckm._feedback.topics_file import write_topics
from ckm.dataset.comments_file import comments_dataset
from ckm.errors import UnknownNameError, UsageError
from ckm.metrics.cell_suppression import MIN_GROUP_SIZE
from ckm.models.encoder import Encoder
from ckm.pseudonym import shown_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

    Progress = Callable[[str, float, float], None]

__all__ = ["Feedback", "comment_topics", "feedback", "page"]

PERIOD_DAYS = 91
"""Default length of the period in days: 13 weeks, so that both periods have the same number of each weekday."""
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
    """Find the topics of customers' comments, and count the comments by topic and by further dimensions.

    Personal data in comments are masked before the analysis. Neither the result nor a written file nor a saved run
    contains the text of a comment.

    Parameters
    ----------
    source
        A file of comments, or as for :func:`ckm.dataset.source.dataset_of`; the table ``interactions`` is required.
    as_of
        Last day of the period. Default: the newest day of the transactions that is not stray
        (:mod:`ckm.customers.usual_days`), else that of the interactions.
    since
        First day of the period. Default: 13 weeks. Counts are compared with the previous period of the same length.
    by
        Dimensions whose combinations are the rows of the result: ``topic``, ``product``, ``competitor``, ``segment``,
        ``channel``, ``lang``, ``kind``. ``topic`` is the first, also if it is not listed; if ``competitor`` is the
        first, it is so only if it is listed.
    new_only
        Whether to return only rows whose share of all comments grew significantly, and rows with comments in the period
        but none in the previous one. The latter are returned only if any row has comments in the previous period.
    learn
        Whether to write the topics to ``topics.yaml`` of the workspace. Topics in the file do not change; comments that
        fit none of them form new topics.
    refit
        Whether to learn all topics again. A new topic that matches a known one keeps its id, title and owner.
    topics
        Number of clusters to learn. Default: :func:`ckm.models.topics.default_topics` of the number of sentences.
    encoder
        ``auto`` (the encoder of the setting ``feedback.encoder``, else that of the extra ``semantic`` if it is
        installed, else none), ``none``, or the path of an encoder's folder.
    min_group_size
        Fewest customers of a row; smaller groups are combined.
    keep
        Whether to save the topics of each customer as a run, which ``ckm kb-gaps`` and the loyalty report read.
    drafts
        Whether to write a draft of a knowledge entry to ``kb/drafts/`` for each unanswered topic. Existing files are
        not overwritten.
    lang
        Language of the column ``title``.
    seed
        Random seed of the sampling of sentences and of the clustering.
    progress
        Called with the name of the stage, the amount of work done in it, and its total amount (0: unknown).

    Raises
    ------
    UsageError
        The options contradict each other, ``learn``, ``refit`` or ``drafts`` is set without a workspace, or the topics
        were learned with another encoder.
    UnknownNameError
        A dimension is unknown.
    NotEnoughDataError
        There are no interactions, or fewer than ten customers wrote a comment.
    """
    dataset = comments_dataset(source)
    wanted = _dimensions(by)
    if (learn or refit or drafts) and dataset.workspace is None:
        raise UsageError(
            "topics and drafts are written to a workspace, and this is none", hint="make one: ckm init DIR"
        )
    value = customer_values(dataset, as_of)
    day, later = (as_of, ()) if as_of else newest_day(dataset, value.as_of)
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
        remarks=(*dataset.remarks, *remarks_of(mined, every_topic, first, before), *later, *value.remarks),
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
    """Return one row per comment and topic, for all comments up to the as-of date.

    Parameters
    ----------
    source, as_of, encoder, progress
        As for :func:`feedback`. Topics are read from ``topics.yaml``; without the file they are learned and not saved.

    Returns
    -------
    pl.DataFrame
        Sorted by time: interaction_id (String), at (Datetime, UTC), day (Date, in the shop's time zone), topic (String;
        ``""`` for comments that fit no topic), customer_id and segment (String; null if unknown), cosine (Float64;
        largest cosine of the comment's sentences to the centroid of the topic), title (String; English if there is an
        English title, else any language; ``""`` without a topic), polarity (Float64; -1 negative to 1 positive, null if
        unknown).

    Raises
    ------
    UsageError
        The topics were learned with another encoder.
    NotEnoughDataError
        There are no interactions, or fewer than ten customers wrote a comment.
    """
    dataset = comments_dataset(source)
    value = customer_values(dataset, as_of)
    day = as_of or newest_day(dataset, value.as_of)[0]
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
    """Open the encoder that ``wanted`` names, as described for :func:`feedback`; None without one.

    Raises
    ------
    UsageError
        The folder contains no encoder, or the library that saved the encoder is not installed.
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
    """Return the result as one HTML page without external files.

    Parameters
    ----------
    found
        Result of :func:`feedback`.
    lang
        Language of the page: one of those of the loyalty report.
    calendar
        Calendar of the dates: one of :data:`ckm.setting_values.CALENDARS`.

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
    """Return the result with the ids of the entries that answer its topics, and write drafts of missing entries.

    A topic is unanswered if no entry answers it and at least half of its comments are complaints, questions or ideas.
    """
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
    frame, topic_frame = (
        frame.with_columns(entries=pl.col("topic").replace_strict(entries, default=None, return_dtype=pl.String))
        if "topic" in frame.columns
        else frame
        for frame in (result.frame, result.topic_frame)
    )
    return replace(
        result, frame=frame, topic_frame=topic_frame, answers=found.by_topic, unanswered=unanswered, drafts=files
    )


def _dimensions(by: Sequence[str]) -> tuple[str, ...]:
    by = tuple(by)
    for each in by:
        if each not in DIMENSIONS:
            raise UnknownNameError("dimension", each, DIMENSIONS, where="--by")
    return tuple(dict.fromkeys(by if by[:1] == ("competitor",) else ("topic", *by)))


def _mentions(mined: MinedComments, value: CustomerValues) -> pl.DataFrame:
    """Return a row per comment, topic, product and competitor, with the customer's segment, revenue, value at risk."""
    comments = mined.frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    # An interaction's id may be an e-mail address: reports contain a pseudonym of it, only comment_topics the id.
    comments = comments.with_columns(shown_ids(comments["interaction_id"]))
    return (
        mined.mentions.join(comments, on="row")
        .join(_by_row(mined.products, "product"), on="row", how="left")
        .join(_by_row(mined.competitors, "competitor"), on="row", how="left")
        .join(value.frame, on="customer_id", how="left")
        .sort("row", "topic", "product", "competitor")
    )


def _by_row(found: Mapping[int, frozenset[str]], name: str) -> pl.DataFrame:
    """Return one row per comment and value: ``row`` (row number of the comment) and the column ``name``."""
    rows = [(row, value) for row, values in sorted(found.items()) for value in sorted(values)]
    return pl.DataFrame(rows, schema={"row": pl.Int64, name: pl.String}, orient="row")


def _titled(table: pl.DataFrame, mined: MinedComments, lang: str, *, new_only: bool) -> pl.DataFrame:
    titles = {topic.id: topic.title_in(lang) for topic in mined.topics.topics} | {OTHER: "other"}
    if new_only:
        had_none = (pl.col("comments_before") == 0) & (pl.col("comments") > 0) & (pl.col("comments_before").sum() > 0)
        table = table.filter(pl.col("growing") | had_none)
    if "topic" not in table.columns:
        return table
    if new_only:
        table = table.filter(pl.col("topic") != OTHER)
    return table.insert_column(
        table.columns.index("topic") + 1,
        pl.col("topic").replace_strict(titles, default=UNKNOWN, return_dtype=pl.String).alias("title"),
    )


def _competitors(mined: MinedComments, since: date, as_of: date, least: int) -> pl.DataFrame:
    """Return comments, customers and mean polarity by competitor in the period; null below ``least`` customers."""
    comments = mined.frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    found = (
        _by_row(mined.competitors, "competitor")
        .join(comments, on="row")
        .filter(pl.col("day").is_between(since, as_of))
        .group_by("competitor")
        .agg(
            comments=pl.len().cast(pl.Int64),
            customers=pl.col("code").n_unique().cast(pl.Int64),
            polarity=mean_polarity(),
        )
    )
    enough = pl.col("customers") >= least
    hidden = [pl.when(enough).then(pl.col(name)).alias(name) for name in ("comments", "customers", "polarity")]
    return found.with_columns(hidden).sort("comments", "competitor", descending=[True, False], nulls_last=True)
