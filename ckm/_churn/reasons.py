"""Reasons of a churn probability: sentences whose contributions add up to the log odds of the probability."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._churn.feature_catalogue import GROUPS, load_catalogue
from ckm._churn.reason_catalogue import load_reasons
from ckm.models.shapley import AdditiveScore, Attribution, additive_shapley

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from numpy.typing import NDArray

    from ckm._churn.customer_facts import ReturningCustomers
    from ckm._churn.reason_catalogue import Reason, ReasonCatalogue
    from ckm._churn.typical_customer import TypicalRetainedCustomer
    from ckm.models.shapley import WeightedTerm

    Codes: TypeAlias = NDArray[np.uint32]
    Flags: TypeAlias = NDArray[np.bool_]
    Floats: TypeAlias = NDArray[np.float64]
    Features: TypeAlias = Mapping[str, Floats]

CLEAR_POINTS = log(1.5)
"""Contribution from which a cause ranks before all signs: it raises the churn odds by half."""
LEAST_POINTS = log(1.01)
"""Smallest contribution that gets a sentence: it raises the odds by 1 %, well above rounding errors."""

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
    """Reasons of the churn probabilities of customers.

    Attributes
    ----------
    frame
        By customer, in the given order, and ``rank`` (0 is the top reason):

        - ``group``, ``code``, ``text``; null in a customer's last row, the remainder
        - ``value`` and ``typical``: the customer's raw fact and the usual value; null in the remainder
        - ``contribution``: contribution to the log odds; the remainder has that of groups without a sentence
        - ``share_of_retained``: share of returning customers with the same or a worse value; null in the remainder
        - ``cause``: whether the shop can act on the reason; null in the remainder attribution
        Contributions by group; the rows of a customer in ``frame`` and the base add up to the log odds.
    """

    frame: pl.DataFrame
    attribution: Attribution


def explain(
    model: AdditiveScore,
    customers: Codes,
    features: Features,
    typical: TypicalRetainedCustomer,
    *,
    facts: Features,
    returning: ReturningCustomers,
    currency: str,
    catalogue: ReasonCatalogue | None = None,
) -> Reasons:
    """Explain the churn probabilities of customers by their difference to a typical retained customer.

    The contribution of a feature group is its exact Shapley value (:func:`ckm.models.shapley.additive_shapley`). One
    reason of the group explains it. A reason applies if the customer's raw fact is known, differs from the usual value
    in the reason's direction, also when formatted, and lies within the reason's bounds. Of the reasons that apply, the
    one is selected whose features lower the log odds most when they are set to the typical values. A group has no
    sentence if its contribution is below :data:`LEAST_POINTS` or no reason applies; its contribution is then in the
    remainder. A reason with *always* applies whatever the contribution.

    Causes that raise the odds by half (:data:`CLEAR_POINTS`) rank first, then reasons with *always*, then all other
    reasons; each by contribution, largest first.

    Parameters
    ----------
    model
        Model of the log odds.
    customers
        Codes, shape (n,).
    features
        Features of these customers, by name, shape (n,); features without a typical value are ignored.
    typical
        Typical retained customer of the training set.
    facts
        Raw facts of these customers (:func:`ckm._churn.customer_facts.customer_facts`), by name, shape (n,).
    returning
        Returning customers, whose medians are the usual values.
    currency
        Currency code after amounts.
    catalogue
        Catalogue of reasons. Default: :func:`ckm._churn.reason_catalogue.load_reasons`.
    """
    catalogue = catalogue or load_reasons()
    known = {name: values for name, values in features.items() if name in typical.reference}
    groups = _groups(known)
    attribution = additive_shapley(model, known, typical.reference, groups)
    terms = tuple(model.terms())
    context = _Context(terms, known, typical, len(customers), facts, returning, currency)
    selected = [
        _selected_reasons(context, catalogue, group, attribution.points[:, at]) for at, group in enumerate(groups)
    ]
    frame = _Sentences(catalogue, context).frame(selected, attribution.points)
    return Reasons(frame.with_columns(customer=pl.Series(customers)[frame["customer"]]), attribution)


@dataclass(frozen=True)
class _Context:
    """Customers, with all data from which their reasons are chosen; arrays of shape (n,)."""

    terms: tuple[WeightedTerm, ...]
    features: Features
    typical: TypicalRetainedCustomer
    customers: int
    facts: Features
    returning: ReturningCustomers
    currency: str

    def usual(self, reason: Reason) -> Floats:
        """Return the value to compare with for each customer, shape (n,); NaN where unknown."""
        if reason.usual is not None:
            return self.facts[reason.usual]
        return np.full(self.customers, self.returning.median(reason.value))

    def applies(self, reason: Reason, points: Floats) -> Flags:
        """Return whether a reason applies to each customer, as defined in :func:`explain`; shape (n,).

        ``points`` is the contribution of the reason's group, shape (n,).
        """
        if any(name not in self.features for name in reason.features[:1]) or any(
            name not in self.facts for name in reason.facts
        ):
            return np.zeros(self.customers, np.bool_)
        value, days = self.facts[reason.value], self.facts["purchase_days"]
        within: Flags = (value >= reason.least) & (value <= reason.most)
        within &= (days >= reason.days_least) & (days <= reason.days_most)
        for name in reason.facts:
            within &= ~np.isnan(self.facts[name])
        if not reason.always:
            within &= points >= LEAST_POINTS
            usual = self.usual(reason)
            within &= value > usual if reason.above else value < usual  # False where one is NaN
            if reason.usual is not None:
                within &= usual > 0
        rows = np.flatnonzero(within)
        within[rows] &= self._differs(reason, rows)
        return within

    def effect(self, reason: Reason, rows: NDArray[np.intp]) -> Floats:
        """Return the decrease of the log odds of ``rows`` if the features of a reason had their typical values."""
        own = {name: values[rows] for name, values in self.features.items()}
        changed = {name: self.typical.reference[name] for name in reason.features if name in own}
        effect = np.zeros(len(rows))
        for each in self.terms:
            if not changed.keys().isdisjoint(each.term.names):
                effect += each.weight * each.term.decrease(own, changed)
        return effect

    def share_of_retained(self, reason: Reason, rows: NDArray[np.intp]) -> Floats:
        """Return, for each of ``rows``, the share of returning customers whose value is equal or worse.

        If the usual value is a fact of the same customer, multiples of it are compared.
        """
        measured = _measure(reason, self.returning.facts)
        back = np.sort(measured[~np.isnan(measured)])
        if not len(back):
            return np.full(len(rows), np.nan)
        mine = _measure(reason, self.facts)[rows]
        if reason.above:
            return 1 - np.searchsorted(back, mine, side="left") / len(back)
        return np.searchsorted(back, mine, side="right") / len(back)

    def _differs(self, reason: Reason, rows: NDArray[np.intp]) -> Flags:
        pairs = list(zip(self.facts[reason.value][rows].tolist(), self.usual(reason)[rows].tolist(), strict=True))
        differs = {pair: reason.differs(*pair, self.currency) for pair in set(pairs)}
        return np.array([differs[pair] for pair in pairs], np.bool_)


def _measure(reason: Reason, facts: Features) -> Floats:
    value = facts.get(reason.value, np.empty(0))
    if reason.usual is None or not len(value):
        return value
    usual = facts[reason.usual]
    multiples = np.full(len(value), np.nan)
    np.divide(value, usual, out=multiples, where=usual > 0)
    return multiples


def _groups(features: Features) -> dict[str, tuple[str, ...]]:
    """Return group to names of ``features`` in the group, without empty groups."""
    catalogue = load_catalogue()
    found = {group: tuple(each.name for each in catalogue.of_group(group) if each.name in features) for group in GROUPS}
    return {group: names for group, names in found.items() if names}


def _selected_reasons(context: _Context, catalogue: ReasonCatalogue, group: str, points: Floats) -> NDArray[np.int64]:
    """Return the position in the catalogue of each customer's reason of a group, shape (n,); -1 without one."""
    selected = np.full(len(points), -1)
    most = np.full(len(points), LEAST_POINTS)
    for reason in catalogue.of_group(group):
        applies = context.applies(reason, points)
        if reason.always:
            selected[applies], most[applies] = catalogue.reasons.index(reason), np.inf
            continue
        rows = np.flatnonzero(applies)
        if not len(rows):
            continue
        effect = context.effect(reason, rows)
        better = effect > most[rows]  # ties: the first of the catalogue
        selected[rows[better]] = catalogue.reasons.index(reason)
        most[rows[better]] = effect[better]
    return selected


@dataclass(frozen=True)
class _Sentences:
    """Sentences of the selected reasons."""

    catalogue: ReasonCatalogue
    context: _Context

    def frame(self, selected: list[NDArray[np.int64]], points: Floats) -> pl.DataFrame:
        """Return one row per customer and reason, sorted by position of the customer and rank."""
        parts = [
            self._of_reason(reason, rows, points[rows, at])
            for at, chosen in enumerate(selected)
            for position, reason in enumerate(self.catalogue.reasons)
            if len(rows := np.flatnonzero(chosen == position))
        ]
        silent = np.column_stack(selected) < 0
        remainder = pl.DataFrame(
            {
                "customer": np.arange(len(points), dtype=np.uint32),
                "contribution": np.where(silent, points, 0.0).sum(axis=1),
            }
        )
        is_remainder = pl.col("code").is_null()
        clear = (pl.col("cause") & (pl.col("contribution") >= CLEAR_POINTS)).fill_null(value=False)
        always = pl.col("code").is_in([reason.code for reason in self.catalogue.reasons if reason.always])
        return (
            pl.concat([pl.DataFrame(schema=SCHEMA), *parts, remainder], how="diagonal")
            .sort("customer", is_remainder, ~clear, ~always, -pl.col("contribution"), maintain_order=True)
            .select("customer", pl.int_range(pl.len(), dtype=pl.UInt8).over("customer").alias("rank"), *[*SCHEMA][1:])
        )

    def _of_reason(self, reason: Reason, rows: NDArray[np.intp], points: Floats) -> pl.DataFrame:
        context = self.context
        typical = context.usual(reason)[rows]
        facts = (context.facts[name][rows].tolist() for name in reason.facts)
        stated = list(zip(typical.tolist(), *facts, strict=True))
        sentences = {
            (usual, *each): reason.sentence(usual, dict(zip(reason.facts, each, strict=True)), context.currency)
            for usual, *each in set(stated)
        }
        return pl.DataFrame(
            {
                "customer": rows.astype(np.uint32),
                "group": pl.repeat(reason.group, len(rows), eager=True),
                "code": pl.repeat(reason.code, len(rows), eager=True),
                "text": [sentences[each] for each in stated],
                "value": context.facts[reason.value][rows],
                "typical": typical,
                "contribution": points,
                "share_of_retained": context.share_of_retained(reason, rows),
                "cause": pl.repeat(reason.cause, len(rows), eager=True),
            }
        )
