"""The features of customers, for rooms that need more than the ledger: of all, or of a sample where they are many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.feature_table.table import FeatureTable, feature_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.feature_table.table import Population
    from ckm.measures.basis import Basis

FEW_ROWS = 1_000_000
"""Rows of transactions of which all features are made in three seconds; of 20 million it would take 44."""
SAMPLE = 20_000
"""Customers of a sample: sums then have a standard error near one in a hundred."""


@dataclass(frozen=True)
class FeatureSample:
    """Features of customers.

    Attributes
    ----------
    table
        One row per customer of the sample, with all features.
    of
        Customers of the ledger that it stands for.
    """

    table: FeatureTable
    of: int

    @property
    def is_everybody(self) -> bool:
        """Whether nobody is left out."""
        return self.table.frame.height >= self.of

    @property
    def weight(self) -> float:
        """Customers that a row stands for."""
        return self.of / max(1, self.table.frame.height)


def read_features(basis: Basis, *, population: Population | None = None, everybody: bool = False) -> FeatureSample:
    """Return the features of all customers, or of a systematic sample where there are many.

    With more than :data:`FEW_ROWS` rows it is every so-many-th customer by id, from a start that the seed draws.

    Parameters
    ----------
    basis
        Of all customers.
    population
        What a customer with little history borrows, frozen by a definition; None means from the customers at hand.
    everybody
        Take all, whatever it takes.

    Raises
    ------
    InputError
        A customer stands in the table of customers more than once.
    """
    ledger, tables = basis.ledger, dict(basis.tables)
    buyers = np.flatnonzero(np.diff(ledger.visits.bounds))
    if not everybody and ledger.left_out.rows > FEW_ROWS and len(buyers) > SAMPLE:
        chosen = ledger.customers.gather(_every_so_many(buyers, basis.seed)).implode()
        tables = {
            name: rows.filter(pl.col("customer_id").cast(pl.String).is_in(chosen))
            for name, rows in tables.items()
            if name in ("transactions", "customers")
        }
        tables["transactions"] = tables["transactions"].collect(engine="streaming").lazy()
    table = feature_table(tables, as_of=basis.as_of, time_zone=ledger.time_zone, population=population)
    return FeatureSample(table, len(buyers))


def _every_so_many(codes: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    step = len(codes) / SAMPLE
    places = ((np.arange(SAMPLE) + np.random.default_rng(seed).random()) * step).astype(np.int64)
    return np.asarray(codes[places.clip(0, len(codes) - 1)])
