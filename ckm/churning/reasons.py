"""Why a customer has the score that they have: sentences whose points add up to it."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.churning.feature_catalogue import GROUPS, load_catalogue
from ckm.churning.reason_catalogue import load_reasons
from ckm.models.shapley import Attribution, group_shapley

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from numpy.typing import NDArray

    from ckm.churning.customer_facts import ReturningCustomers
    from ckm.churning.reason_catalogue import Reason, ReasonCatalogue
    from ckm.churning.typical_customer import TypicalRetainedCustomer

    Codes: TypeAlias = NDArray[np.uint32]
    Flags: TypeAlias = NDArray[np.bool_]
    Floats: TypeAlias = NDArray[np.float64]
    Features: TypeAlias = Mapping[str, Floats]

CLEAR_POINTS = log(1.5)
"""A cause that raises the churn odds by half is told before any sign."""
LEAST_POINTS = log(1.01)
"""Of what raises the odds by less than a hundredth nothing is said; so rounding is no reason either."""

SCHEMA: Mapping[str, pl.DataType] = {
    "customer": pl.UInt32(),
    "group": pl.String(),
    "code": pl.String(),
    "text": pl.String(),
    "value": pl.Float64(),
    "typical": pl.Float64(),
    "contribution": pl.Float64(),
    "share_of_retained": pl.Float64(),
    "cause": pl.Boolean(),
}


@dataclass(frozen=True)
class Reasons:
    """Why customers have their scores.

    Attributes
    ----------
    frame
        By customer, in the order given, and ``rank`` (0 is to be read first):

        - ``group``, ``code``, ``text``; null in a customer's last row, the remainder
        - ``value`` and ``typical``: the customer's raw number and the usual one; null in the remainder
        - ``contribution``: what it adds to the log odds; those of the remainder are of groups of which nothing is said
        - ``share_of_retained``: of the customers who came back, the share of whom the same or worse could be said; null
          in the remainder
        - ``cause``: whether one can act on it; null in the remainder
    attribution
        Points by group; those of a customer in ``frame`` and the base add up to the score.
    """

    frame: pl.DataFrame
    attribution: Attribution


def explain(
    log_odds: Callable[[Features], Floats],
    customers: Codes,
    features: Features,
    typical: TypicalRetainedCustomer,
    *,
    facts: Features,
    returning: ReturningCustomers,
    currency: str,
    book: ReasonCatalogue | None = None,
) -> Reasons:
    """Say why customers have their scores, against a typical staying customer.

    A group's points are its exact Shapley value (:func:`ckm.models.shapley.group_shapley`). They go to one code: of
    those that can be said of the customer (the raw fact is known, beyond the usual one on the side that counts, written
    differently, and within the code's bounds) the one whose features lower the score most when they alone are set to
    the typical values. Nothing is said of a group that does not raise the score (by :data:`LEAST_POINTS`), or of which
    no code can be said; its points are in the remainder. A code that is *always* said takes its group's points whatever
    they are.

    Causes that raise the odds by half (:data:`CLEAR_POINTS`) stand before all others, then what is always said; all by
    points, most first.

    Parameters
    ----------
    log_odds
        Score of rows by nothing but their features.
    customers
        Codes, shape (n,).
    features
        Of these customers, by name, shape (n,); those that no retained customer had are not looked at.
    typical
        Whom the score is compared with, of the past that the model learned from.
    facts
        Raw facts of these customers (:func:`ckm.churning.customer_facts.customer_facts`), by name, shape (n,).
    returning
        Whose facts say what is usual.
    currency
        Written behind money.
    book
        What can be said. Default: :func:`ckm.churning.reason_catalogue.load_reasons`.
    """
    book = book or load_reasons()
    known = {name: values for name, values in features.items() if name in typical.reference}
    groups = _groups(known)
    attribution = group_shapley(log_odds, known, typical.reference, groups)
    context = _Context(log_odds, known, typical, attribution.scores, facts, returning, currency)
    said = [_told(context, book, group, attribution.points[:, at]) for at, group in enumerate(groups)]
    frame = _Sentences(book, context).frame(said, attribution.points)
    return Reasons(frame.with_columns(customer=pl.Series(customers)[frame["customer"]]), attribution)


@dataclass(frozen=True)
class _Context:
    """Customers, what is true of them, and what their scores would be with something as usual."""

    log_odds: Callable[[Features], Floats]
    features: Features
    typical: TypicalRetainedCustomer
    scores: Floats
    facts: Features
    returning: ReturningCustomers
    currency: str

    def usual(self, reason: Reason) -> Floats:
        """What is usual for each customer; NaN where it is not known."""
        if reason.usual is not None:
            return self.facts[reason.usual]
        return np.full(len(self.scores), self.returning.median(reason.value))

    def can_be_said(self, reason: Reason) -> Flags:
        """Whether the facts of the sentence are known, beyond the usual one, and within the bounds of the reason."""
        if any(name not in self.features for name in reason.features[:1]) or any(
            name not in self.facts for name in reason.facts
        ):
            return np.zeros(len(self.scores), np.bool_)
        value, days = self.facts[reason.value], self.facts["purchase_days"]
        within: Flags = (value >= reason.least) & (value <= reason.most)
        within &= (days >= reason.days_least) & (days <= reason.days_most)
        for name in reason.facts:
            within &= ~np.isnan(self.facts[name])
        if not reason.always:
            usual = self.usual(reason)
            within &= value > usual if reason.above else value < usual  # False where one is NaN
            if reason.usual is not None:
                within &= usual > 0
        rows = np.flatnonzero(within)
        within[rows] &= self._differs(reason, rows)
        return within

    def effect(self, reason: Reason, rows: NDArray[np.intp]) -> Floats:
        """By how much the score of ``rows`` falls when the reason's features alone are as usual."""
        as_usual = {
            name: np.full(len(rows), self.typical.reference[name]) if name in reason.features else values[rows]
            for name, values in self.features.items()
        }
        return self.scores[rows] - self.log_odds(as_usual)

    def share_of_retained(self, reason: Reason, rows: NDArray[np.intp]) -> Floats:
        """Share of the customers who came back with a value the same or worse; of an own usual one, its multiples."""
        measured = _measure(reason, self.returning.facts)
        back = np.sort(measured[~np.isnan(measured)])
        if not len(back):
            return np.full(len(rows), np.nan)
        mine = _measure(reason, self.facts)[rows]
        if reason.above:
            return 1 - np.searchsorted(back, mine, side="left") / len(back)
        return np.searchsorted(back, mine, side="right") / len(back)

    def _differs(self, reason: Reason, rows: NDArray[np.intp]) -> Flags:
        pairs = zip(self.facts[reason.value][rows].tolist(), self.usual(reason)[rows].tolist(), strict=True)
        return np.array([reason.differs(*pair, self.currency) for pair in pairs], np.bool_)


def _measure(reason: Reason, facts: Features) -> Floats:
    value = facts.get(reason.value, np.empty(0))
    if reason.usual is None or not len(value):
        return value
    usual = facts[reason.usual]
    multiples = np.full(len(value), np.nan)
    np.divide(value, usual, out=multiples, where=usual > 0)
    return multiples


def _groups(features: Features) -> dict[str, tuple[str, ...]]:
    """Features by group; groups without a feature are left out."""
    catalogue = load_catalogue()
    found = {group: tuple(each.name for each in catalogue.of_group(group) if each.name in features) for group in GROUPS}
    return {group: names for group, names in found.items() if names}


def _told(context: _Context, book: ReasonCatalogue, group: str, points: Floats) -> NDArray[np.int64]:
    """Position in the book of the reason that each customer's points of a group go to; -1 for none."""
    told = np.full(len(points), -1)
    most = np.full(len(points), LEAST_POINTS)
    for reason in book.of_group(group):
        can_be_said = context.can_be_said(reason)
        if reason.always:
            told[can_be_said], most[can_be_said] = book.reasons.index(reason), np.inf
            continue
        rows = np.flatnonzero((points >= LEAST_POINTS) & can_be_said)
        if not len(rows):
            continue
        effect = context.effect(reason, rows)
        better = effect > most[rows]  # of two that do the same the first of the book
        told[rows[better]] = book.reasons.index(reason)
        most[rows[better]] = effect[better]
    return told


@dataclass(frozen=True)
class _Sentences:
    """Turns what is told into a frame."""

    book: ReasonCatalogue
    context: _Context

    def frame(self, said: list[NDArray[np.int64]], points: Floats) -> pl.DataFrame:
        """Rows by customer (by position) and rank."""
        parts = [
            self._of_reason(reason, rows, points[rows, at])
            for at, told in enumerate(said)
            for position, reason in enumerate(self.book.reasons)
            if len(rows := np.flatnonzero(told == position))
        ]
        silent = np.column_stack(said) < 0
        remainder = pl.DataFrame(
            {
                "customer": np.arange(len(points), dtype=np.uint32),
                "contribution": np.where(silent, points, 0.0).sum(axis=1),
            }
        )
        is_remainder = pl.col("code").is_null()
        clear = (pl.col("cause") & (pl.col("contribution") >= CLEAR_POINTS)).fill_null(value=False)
        always = pl.col("code").is_in([reason.code for reason in self.book.reasons if reason.always])
        return (
            pl.concat([pl.DataFrame(schema=SCHEMA), *parts, remainder], how="diagonal")
            .sort("customer", is_remainder, ~clear, ~always, -pl.col("contribution"), maintain_order=True)
            .select("customer", pl.int_range(pl.len(), dtype=pl.UInt8).over("customer").alias("rank"), *[*SCHEMA][1:])
        )

    def _of_reason(self, reason: Reason, rows: NDArray[np.intp], points: Floats) -> pl.DataFrame:
        context = self.context
        facts = {name: context.facts[name][rows].tolist() for name in reason.facts}
        typical = context.usual(reason)[rows]
        sentences = [
            reason.sentence(usual, dict(zip(facts, each, strict=True)), context.currency)
            for usual, each in zip(typical.tolist(), zip(*facts.values(), strict=True), strict=True)
        ]
        return pl.DataFrame(
            {
                "customer": rows.astype(np.uint32),
                "group": pl.repeat(reason.group, len(rows), eager=True),
                "code": pl.repeat(reason.code, len(rows), eager=True),
                "text": sentences,
                "value": context.facts[reason.value][rows],
                "typical": typical,
                "contribution": points,
                "share_of_retained": context.share_of_retained(reason, rows),
                "cause": pl.repeat(reason.cause, len(rows), eager=True),
            }
        )
