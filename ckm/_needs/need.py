"""A need of customers, with its numbers, statistical test and evidence, without the text of a comment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

EMERGING, CANDIDATE, IMPLIED, WORKAROUND = "emerging", "candidate", "implied", "workaround"

SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "kind": pl.String,
    "need": pl.String,
    "subject": pl.String,
    "segment": pl.String,
    "customers": pl.Int64,
    "count": pl.Int64,
    "expected": pl.Float64,
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "test": pl.String,
    "evidence": pl.String,
}
"""Columns of the result table."""


@dataclass(frozen=True)
class Need:
    """Need of customers.

    Attributes
    ----------
    kind
        ``emerging`` (a topic with rising comments), ``candidate`` (a new topic, which cannot be tested yet),
        ``implied`` (a category that customers of another category buy next), ``workaround``.
    need
        The need as a sentence, without the text of a comment.
    subject
        Topic id, category, product, topic of events, or query.
    segment
        Segment of the customers; None for all customers.
    customers
        Number of customers with the need; for ``implied`` those who have not bought the category yet. None if unknown.
    count, expected
        Observed number (of comments, first purchases, returns, events or searches), and the expected number without the
        need; None if there is no expectation.
    ratio, low, high
        ``count`` divided by ``expected``, and its 95 % interval; None if there is no ratio or interval.
    test
        Name and level of the statistical test, or why there is none.
    evidence
        Where the need can be checked: ids of interactions, or the table, file or command.
    """

    kind: str
    need: str
    subject: str
    segment: str | None
    customers: int | None
    count: int
    expected: float | None
    ratio: float | None
    low: float | None
    high: float | None
    test: str
    evidence: str


def needs_table(needs: Iterable[Need]) -> pl.DataFrame:
    """Return needs as a table with the columns of :data:`SCHEMA`, one row per need."""
    return pl.DataFrame([[getattr(each, name) for name in SCHEMA] for each in needs], schema=SCHEMA, orient="row")
