"""Assign topics, polarity, kind, products and competitors to the comments of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.comments import INTERACTIONS, Comments, read_comments
from ckm._feedback.mentions import Names
from ckm._feedback.sentiment import Polarity, kinds_of, polarity_of
from ckm._feedback.text_vectors import RememberingEncoder
from ckm._feedback.topic_assignment import assign
from ckm._feedback.topic_learning import LearnedTopics, learn_topics
from ckm._feedback.topic_space import FEWEST, OTHER, space_of
from ckm._feedback.topics_file import FILE, Topics, read_topics
from ckm.customers.contacts import OPEN_FOR_DAYS
from ckm.errors import NotEnoughDataError, UsageError
from ckm.time_zones import end_of_day
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from ckm._feedback.text_vectors import SentenceEncoder
    from ckm._feedback.topic_assignment import Assignment
    from ckm.dataset import Dataset

    Progress = Callable[[str, float, float], None]

NO_ENCODER = (
    "without the extra 'semantic' topics are of words and letters: each language has its own, and they are less exact"
)


@dataclass(frozen=True)
class MinedComments:
    """Comments with their topics, polarity, kinds, products and competitors.

    Attributes
    ----------
    comments
        The comments, masked.
    topics
        The topics.
    learned
        Topics after learning, with the ids of new and retired ones; None if the topics were read from ``topics.yaml``.
    mentions
        One row per comment and topic: ``row`` (row number in ``comments.frame``), ``topic``, and ``cosine`` (largest
        cosine of the comment's sentences to the centroid of the topic).
    polarity
        Polarity of the comments.
    kinds
        Kind of each comment; None if unknown.
    products
        Ids of the products that a comment names, or that it is about by its source, by row number in
        ``comments.frame``. Comments without a product are left out.
    competitors
        Names of the competitors that a comment mentions, by row number. Comments without a mention are left out.
    uncovered
        Languages that the encoder does not cover, sorted; empty without an encoder.
    has_encoder
        Whether an encoder was used.
    """

    comments: Comments
    topics: Topics
    learned: LearnedTopics | None
    mentions: pl.DataFrame
    polarity: Polarity
    kinds: list[str | None]
    products: dict[int, frozenset[str]]
    competitors: dict[int, frozenset[str]]
    uncovered: tuple[str, ...] = ()
    has_encoder: bool = False

    @property
    def frame(self) -> pl.DataFrame:
        """The comments without texts, with ``polarity`` (NaN if unknown), ``kind`` (null if unknown), ``is_open``."""
        return self.comments.frame.drop("text").with_columns(
            polarity=pl.Series(self.polarity.values), kind=pl.Series(self.kinds, dtype=pl.String)
        )


@dataclass(frozen=True)
class Learning:
    """Whether and how topics are learned.

    Attributes
    ----------
    learn, refit
        Whether to learn further topics from comments that fit none, and whether to learn all topics again.
    topics
        Number of clusters per vector space; None for :func:`ckm.models.topics.default_topics`.
    seed
        Random seed.
    """

    learn: bool = False
    refit: bool = False
    topics: int | None = None
    seed: int = 0


def _quiet(stage: str, done: float, total: float) -> None:
    """Ignore the progress of a stage."""


def mine(
    dataset: Dataset,
    as_of: date,
    encoder: SentenceEncoder | None,
    learning: Learning,
    *,
    progress: Progress = _quiet,
) -> MinedComments:
    """Read the comments of a dataset, and determine their topics, polarity, kinds, products and competitors.

    Topics are read from ``topics.yaml`` of the workspace; without the file, or without a workspace, they are learned.

    Parameters
    ----------
    dataset
        Dataset with the table ``interactions``.
    as_of
        Last day of the comments that are read.
    encoder
        The encoder; None without one.
    learning
        Whether and how topics are learned.
    progress
        Called with the stage, the amount of work done in it, and its total.

    Raises
    ------
    NotEnoughDataError
        There are no interactions, or fewer than ten customers wrote a comment.
    UsageError
        The topics were learned with another encoder, or a number of topics is given for topics that are not learned.
    """
    if INTERACTIONS not in dataset.tables:
        raise NotEnoughDataError(
            f"'{dataset.label}' has no interactions", hint="load comments: ckm ingest FILE --as interactions"
        )
    settings = dataset.config.feedback
    products = Names.of(settings.products)
    competitors = Names.of({_first(each): each.split("|") for each in settings.competitors})
    comments = read_comments(
        dataset.tables,
        as_of,
        dataset.config.time_zone,
        kept_words=products.words | competitors.words,
        without=lambda text: competitors.removed(products.removed(text)),
        advance=_counter(progress, "masking personal data", 0),
    )
    _check_customers(comments, as_of)
    topics, learned, found = _topics(dataset, comments, encoder, learning, progress)
    polarity = _polarity(comments, found.vectors, encoder)
    declared = {row: frozenset([each]) for row, each in enumerate(comments.frame["product_id"]) if each is not None}
    langs = {lang for lang in comments.sentences.langs if encoder is not None and not encoder.covers(lang or "en")}
    return MinedComments(
        comments=replace(comments, frame=_with_open(comments.frame, as_of, dataset.config.time_zone)),
        topics=topics,
        learned=learned,
        mentions=_mentions(comments, found),
        polarity=polarity,
        kinds=kinds_of(comments.frame, polarity.values),
        products={**_named(products, comments), **declared},
        competitors=_named(competitors, comments),
        uncovered=tuple(sorted(langs)),
        has_encoder=encoder is not None,
    )


def _named(names: Names, comments: Comments) -> dict[int, frozenset[str]]:
    """Return the products or competitors that each comment names, by row number in ``comments.frame``."""
    texts = comments.frame["text"].to_list()
    by_text = names.find(texts)
    return {row: by_text[text] for row, text in enumerate(texts) if text in by_text}


def _check_customers(comments: Comments, as_of: date) -> None:
    """Raise NotEnoughDataError if fewer than twice :data:`FEWEST` customers wrote a comment."""
    customers = len(set(comments.sentences.customers.tolist()))
    if customers >= 2 * FEWEST:
        return
    if comments.empty and not customers:
        raise NotEnoughDataError(
            f"none of the {comments.empty:,} interactions by {as_of} has a text",
            hint="map the column of the texts: ckm ingest FILE --as interactions --column text='COLUMN'",
        )
    raise NotEnoughDataError(
        f"{counted(customers, 'customer')} wrote a comment by {as_of}; topics need {2 * FEWEST}",
        hint="load survey answers, reviews or tickets: ckm ingest FILE --as interactions",
    )


def _topics(
    dataset: Dataset, comments: Comments, encoder: SentenceEncoder | None, learning: Learning, progress: Progress
) -> tuple[Topics, LearnedTopics | None, Assignment]:
    """Return the topics, as read or as learned, and the topics of all sentences."""
    if encoder is not None:
        encoder = RememberingEncoder(encoder)
    known = read_topics(dataset.workspace.root, refit=learning.refit) if dataset.workspace is not None else None
    if known is not None and not learning.refit:
        _check_encoder(known, encoder)
        if learning.topics is not None and not learning.learn:
            raise UsageError(f"the number of topics is that of {FILE}", hint="--refit --topics N learns all again")
        if not learning.learn:
            advance = _counter(progress, "assigning topics", len(comments.sentences.texts))
            return known, None, assign(known.spaces, comments.sentences, encoder, comment=comments.row, advance=advance)
    learned = learn_topics(
        comments,
        encoder,
        known,
        refit=learning.refit,
        topics=learning.topics,
        seed=learning.seed,
        advance=_counter(progress, "learning topics", 0),
    )
    return learned.topics, learned, learned.assignment


def _check_encoder(known: Topics, encoder: SentenceEncoder | None) -> None:
    """Raise UsageError if the topics were learned with an encoder other than ``encoder``."""
    if not known.encoder or (encoder is not None and encoder.digest == known.encoder):
        return
    if encoder is not None:
        raise UsageError(
            f"{FILE} was learned with another encoder",
            hint="name that encoder; --refit learns new topics with this one",
        )
    raise UsageError(
        f"{FILE} was learned with an encoder, and this run has none",
        hint="leave out --encoder none, or pip install 'ckm-toolkit[semantic]'; --refit learns new topics without one",
    )


def _polarity(comments: Comments, sums: NDArray[np.float16] | None, encoder: SentenceEncoder | None) -> Polarity:
    def covered(lang: str) -> bool:
        return encoder is not None and space_of(lang, encoder) == space_of("en", encoder)

    return polarity_of(comments.frame, sums, covered)


def _mentions(comments: Comments, found: Assignment) -> pl.DataFrame:
    """Return one row per comment and topic; :data:`OTHER` only for a comment without any topic."""
    rows = pl.DataFrame({"row": comments.row, "topic": found.topics, "cosine": found.cosines})
    best = rows.group_by("row", "topic").agg(pl.col("cosine").max()).sort("row", "topic")
    has_topic = (pl.col("topic") != OTHER).any().over("row")
    return best.filter(~has_topic | (pl.col("topic") != OTHER))


def _with_open(frame: pl.DataFrame, as_of: date, time_zone: str) -> pl.DataFrame:
    """Add ``is_open``: a complaint by its source, less than 180 days old, and not resolved by the end of ``as_of``."""
    until = end_of_day(as_of, time_zone)
    unresolved = pl.col("resolved_at").is_null() | (pl.col("resolved_at") >= until)
    recent = (pl.lit(as_of) - pl.col("day")).dt.total_days() < OPEN_FOR_DAYS
    return frame.with_columns(is_open=((pl.col("kind") == "complaint") & unresolved & recent).fill_null(value=False))


def _counter(progress: Progress, stage: str, total: float) -> Callable[[float], None]:
    done = 0.0

    def advance(amount: float) -> None:
        nonlocal done
        done += amount
        progress(stage, done, total)

    return advance


def _first(spellings: str) -> str:
    return spellings.split("|")[0].strip()
