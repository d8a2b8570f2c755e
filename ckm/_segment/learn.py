"""Fit segments to customers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckm._segment.definition import TrainingData
from ckm._segment.definition_file import SavedDefinition, describe
from ckm._segment.methods import Method, find_method
from ckm._segment.monetary import Monetary
from ckm._segment.partitions import segment_partitions
from ckm._segment.result import Segmentation, segmented
from ckm._segment.rfm.definition import fit_rfm
from ckm._segment.tables import definition_table
from ckm.customers.features import FeatureTable, features_of, needs_of
from ckm.customers.learning_sample import learning_sample
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.shop_facts import ShopFacts
from ckm.errors import UsageError, no_amounts
from ckm.partitions.partitioned_ledger import PartitionedLedger
from ckm.schema import NO_CURRENCY
from ckm.settings import SegmentSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl

    from ckm._segment.definition import Definition
    from ckm._segment.rfm.names import NameTable
    from ckm.customers.ledger import Ledger

AMOUNTS = frozenset({"monetary", "net_total"})
"""Features that are computed without amounts too, but have no meaning then."""


def segment_customers(
    tables: Mapping[str, pl.LazyFrame],
    *,
    by: str | Definition = "rfm",
    as_of: date | None = None,
    time_zone: str = "UTC",
    monetary: Monetary = Monetary(),
    settings: SegmentSettings = SegmentSettings(),
    names: NameTable | None = None,
    seed: int = 0,
    name: str = "default",
    previous: SavedDefinition | None = None,
    ledger: Ledger | PartitionedLedger | None = None,
    keep: bool = True,
) -> Segmentation:
    """Fit segments to the customers, or to a sample of many, and assign each customer one.

    Parameters
    ----------
    tables, as_of, time_zone
        See :func:`ckm.customers.features.feature_table`, also for the errors raised.
    monetary
        Definition of frequency and monetary value.
    by
        The method (rfm, value, lifecycle, clusters), or a definition that needs no fitting (rules).
    settings
        Settings of the workspace.
    names
        Names and number of scores of rfm. Default: the eleven names of ``ckm/data/rfm_names.yaml`` for five scores.
    seed
        Random seed.
    name
        Name of the definition.
    previous
        The definition that the fitted one replaces.
    ledger
        Ledger of the tables, if it was read already; it must have the sums that the method and the monetary value need.
        With a ledger in partitions the result has no rows of customers (:func:`ckm._segment.partitions.with_rows`).
    keep
        With a ledger in partitions: whether the result is saved as a run.

    Raises
    ------
    UsageError
        The method is unknown (a similar one is suggested), or it is not fitted: users write rules in a file.
    NotEnoughDataError
        Too few customers; the message has the number needed. Or the transactions have no amounts, and the method needs
        them.
    """
    method = find_method(by if isinstance(by, str) else getattr(by, "method", str(by)))

    ledger = ledger or read_ledger(
        tables, as_of=as_of, time_zone=time_zone, needs=needs_of(method.scope, monetary.money)
    )

    customers = tables.get("customers")
    sample = ledger.sample() if isinstance(ledger, PartitionedLedger) else learning_sample(ledger)
    day = as_of or sample.ledger.as_of
    facts = None
    if isinstance(ledger, PartitionedLedger):
        facts = ledger.facts(as_of)
    elif sample.ledger is not ledger:  # a sample may have other common channels
        facts = ShopFacts.of(ledger.as_read_on(day))

    def at(day: date, facts: ShopFacts | None = None) -> FeatureTable:
        return features_of(
            sample.ledger.as_read_on(day), sample.of_table(customers), scope=method.scope, money=monetary.money,
            window=monetary.window, with_prospects=method.with_prospects, facts=facts,
        )  # fmt: skip

    table = at(day, facts)
    if table.currency == NO_CURRENCY:
        _refuse_what_needs_amounts(method, by, monetary)
    training = TrainingData(table, at, settings, seed, previous.definition if previous else None)
    if by == "rfm":
        by = fit_rfm(training, names=names)
    elif isinstance(by, str):
        if method.fit is None:
            raise UsageError(f"method '{by}' is not fitted", hint="give a file of rules, or a definition")
        by = method.fit(training)
    saved = describe(name, by, table, monetary)
    if previous is not None:
        saved = previous if _same(saved, previous) else replace(saved, version=previous.version + 1)
    if sample.ledger is ledger:
        return segmented(saved, table)
    if isinstance(ledger, PartitionedLedger):
        return segment_partitions(saved, ledger, customers, as_of=as_of, keep=keep)[0]
    return segmented(saved, definition_table(saved, ledger, customers, as_of=as_of))


def _refuse_what_needs_amounts(method: Method, by: str | Definition, monetary: Monetary) -> None:
    if method.of_money:
        raise no_amounts(f"segments by {by}")
    if not isinstance(by, str) and not AMOUNTS.isdisjoint(by.needs):
        raise no_amounts("rules about money")
    if monetary.money != "net":
        raise no_amounts(f"scores of the {monetary.money}")


def _same(one: SavedDefinition, other: SavedDefinition) -> bool:
    """Return whether two definitions give every customer the same segment."""
    return (one.definition, one.monetary, one.population, one.currency, one.time_zone, one.dictionary) == (
        other.definition, other.monetary, other.population, other.currency, other.time_zone, other.dictionary
    )  # fmt: skip
