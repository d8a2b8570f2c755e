"""Feature table of a definition: with its monetary value, its window and its population."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._segment.methods import METHODS
from ckm.customers.features import FeatureTable, features_of

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from ckm._segment.definition_file import SavedDefinition
    from ckm.customers.ledger import Ledger
    from ckm.customers.shop_facts import ShopFacts


def definition_table(
    saved: SavedDefinition,
    ledger: Ledger,
    customers: pl.LazyFrame | None,
    *,
    as_of: date | None,
    facts: ShopFacts | None = None,
) -> FeatureTable:
    """Return the feature table for a definition: with its monetary value, its window and its population.

    Parameters
    ----------
    saved
        The definition.
    ledger
        Result of :func:`ckm._segment.apply.read_for`, or a ledger with more sums.
    customers
        The table ``customers``.
    as_of
        As-of date; None means that of the ledger.
    facts
        Facts of all customers of the shop if the ledger has a part of them; None if it has all.
    """
    method = METHODS[saved.definition.method]
    return features_of(
        ledger.as_read_on(as_of or ledger.as_of),
        customers,
        scope=method.scope,
        money=saved.monetary.money,
        window=saved.monetary.window,
        population=saved.population,
        with_prospects=method.with_prospects,
        facts=facts,
    )
