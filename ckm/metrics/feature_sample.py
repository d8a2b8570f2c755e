"""Features of all customers, or of a sample if there are many, for sections that need more than the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ckm.customers.features import FeatureTable, features_of
from ckm.metrics.customer_segments import saved_definition
from ckm.models.intervals import Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.metrics.context import ReportContext

FEW_ROWS = 1_000_000
"""Rows of transactions up to which all customers are used: their features take three seconds; those of 20 million rows
would take 44."""
SAMPLE = 20_000
"""Number of customers in a sample, for a standard error of sums of about 1 %."""
MONEY_DIGITS = 2
METHOD = "value"
"""Segment method whose saved population parameters are used."""


class Estimate(NamedTuple):
    """A sum over customers; without an interval if all customers are known."""

    value: float
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class FeatureSample:
    """Features of all customers, or of a simple sample that represents them.

    Attributes
    ----------
    table
        One row per customer of the sample, with all features.
    of
        Number of customers of the ledger that the sample represents.
    """

    table: FeatureTable
    of: int

    @property
    def is_complete(self) -> bool:
        """Whether the table has all customers, and is no sample."""
        return self.table.frame.height >= self.of

    @property
    def weight(self) -> float:
        """Customers per row."""
        return self.of / max(1, self.table.frame.height)

    def total(self, values: NDArray[np.float64]) -> Estimate:
        """Return the sum of ``values`` over all customers, with an interval if the table is a sample.

        ``N / n`` times the sum of the sample, with the variance of a simple random sample without replacement (Cochran
        1977, Sampling Techniques, 2.24); a systematic sample of sorted ids varies no more.

        Parameters
        ----------
        values
            Value of each row of the table. For the total of a group, customers outside of it have the value zero.
        """
        total, number = self.weight * float(values.sum()), len(values)
        if self.is_complete or number < 2:
            return Estimate(round(total, MONEY_DIGITS))
        reach = Z * self.weight * sqrt(number * float(values.var(ddof=1)) * (1 - 1 / self.weight))
        return Estimate(*(round(total + sign * reach, MONEY_DIGITS) for sign in (0, -1, 1)))


def read_features(context: ReportContext, *, all_customers: bool = False) -> FeatureSample:
    """Return the features of all customers, or of a systematic sample if there are many.

    With more than :data:`FEW_ROWS` rows, every k-th customer in the order of ids is used, from a random start.
    Population parameters are taken from the workspace's value definition; without one, they are computed from these
    customers.

    Parameters
    ----------
    context
        Context of all customers.
    all_customers
        Whether to use all customers, also if there are many.

    Raises
    ------
    InputError
        A customer occurs more than once in the customers table.
    """
    ledger = context.ledger
    saved = saved_definition(context, METHOD, of=METHOD)
    buyers = np.flatnonzero(ledger.has_purchase)
    chosen = ledger
    if not all_customers and ledger.left_out.rows > FEW_ROWS and len(buyers) > SAMPLE:
        those = np.zeros(len(ledger.customers), dtype=np.bool_)
        those[_systematic_sample(buyers, context.seed)] = True
        chosen = ledger.only(those)
    table = features_of(chosen, context.tables.get("customers"), population=saved.population if saved else None)
    return FeatureSample(table, len(buyers))


def _systematic_sample(codes: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    step = len(codes) / SAMPLE
    places = ((np.arange(SAMPLE) + np.random.default_rng(seed).random()) * step).astype(np.int64)
    return np.asarray(codes[places.clip(0, len(codes) - 1)])
