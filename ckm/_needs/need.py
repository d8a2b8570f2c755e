"""A need: what it is, how it was tested, and its evidence; no text of a customer."""

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
    """A need of customers.

    Attributes
    ----------
    kind
        ``emerging`` (a topic that rises), ``candidate`` (a topic that is new, not tested yet), ``implied`` (a category
        that similar customers buy next), ``workaround``.
    need
        The need as a sentence, without words of a customer.
    subject
        Topic, category or product.
    segment
        Segment; None for all customers.
    customers
        Customers concerned; for ``implied`` those who do not buy the category; None where customers are unknown.
    count, expected
        Observed number, and the number without the need.
    ratio, low, high
        ``count`` divided by ``expected`` with a 95 % interval; None without one.
    test
        The statistical test, and its result.
    evidence
        Where to look: ids of interactions, or the columns that were counted.
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
    """Return needs as a table."""
    return pl.DataFrame([[getattr(each, name) for name in SCHEMA] for each in needs], schema=SCHEMA, orient="row")
