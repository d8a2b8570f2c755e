"""Sample of customers from which definitions are learned: by hashed id, so that it does not depend on partitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.models.sampling import id_hashes

if TYPE_CHECKING:
    from ckm.customers.ledger import Ledger

SAMPLE_CUSTOMERS = 200_000
"""Maximum number of customers from which a definition is learned. A quantile of so many has a standard error of a ninth
of a percent of the ranks."""
SAMPLE_KEY = "0"
"""Key of the hashes: that of seed 0, also for other seeds, so that a seed changes only the method."""


@dataclass(frozen=True)
class LearningSample:
    """Customers from which a definition is learned.

    Attributes
    ----------
    ledger
        Their ledger.
    highest
        Largest hash of their ids; None if they are all customers.
    """

    ledger: Ledger
    highest: np.uint64 | None = None

    def of_table(self, customers: pl.LazyFrame | None) -> pl.LazyFrame | None:
        """Return the rows of the table ``customers`` that a sample with the same hashes has."""
        if customers is None or self.highest is None:
            return customers
        table = customers.collect()
        ids = table["customer_id"].cast(pl.String).fill_null("").to_list()
        return table.filter(pl.Series(id_hashes(ids, key=SAMPLE_KEY) <= self.highest)).lazy()


def learning_sample(ledger: Ledger, size: int | None = None, *, total: int | None = None) -> LearningSample:
    """Return the customers from which definitions are learned: all, or the ``size`` with the smallest hashes.

    Parameters
    ----------
    ledger
        Ledger of all customers, or of at least those with the smallest hashes.
    size
        Maximum number of customers; None means :data:`SAMPLE_CUSTOMERS`.
    total
        Number of all customers; None means those of ``ledger``.
    """
    size = SAMPLE_CUSTOMERS if size is None else size
    ids = ledger.customers
    if (len(ids) if total is None else total) <= size:
        return LearningSample(ledger)
    hashes = id_hashes(ids.to_list(), key=SAMPLE_KEY)
    smallest = np.argsort(hashes, kind="stable")[:size]
    chosen = np.zeros(len(ids), dtype=bool)
    chosen[smallest] = True
    return LearningSample(ledger.only(chosen), hashes[smallest[-1]])
