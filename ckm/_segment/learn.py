"""Fit segments to customers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckm._segment.definition import TrainingData
from ckm._segment.definition_file import SavedDefinition, describe
from ckm._segment.methods import Method, find_method
from ckm._segment.monetary import Monetary
from ckm._segment.result import Segmentation, segmented
from ckm._segment.rfm.definition import fit_rfm
from ckm.customers.features import FeatureTable, features_of, needs_of
from ckm.customers.ledger_reader import read_ledger
from ckm.errors import UsageError, no_amounts
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
    ledger: Ledger | None = None,
) -> Segmentation:
    """Fit segments to the customers, and assign each customer one.

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

    def at(day: date) -> FeatureTable:
        return features_of(
            ledger.standing_on(day), tables.get("customers"), scope=method.scope, money=monetary.money,
            window=monetary.window, with_prospects=method.with_prospects,
        )  # fmt: skip

    table = at(as_of or ledger.as_of)
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
    return segmented(saved, table)


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
