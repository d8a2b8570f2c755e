"""Customer ledger in partitions: one ledger per partition of the customers, and their common facts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import polars as pl

from ckm.customers.calendar import calendar_day
from ckm.customers.definitions import FINEST_MONEY_SCALE
from ckm.customers.learning_sample import SAMPLE_CUSTOMERS, SAMPLE_KEY, LearningSample, learning_sample
from ckm.customers.ledger_join import join_ledgers
from ckm.customers.shop_facts import ShopFacts
from ckm.errors import UsageError
from ckm.models.sampling import id_hashes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from ckm.customers.coverage import Coverage
    from ckm.customers.ledger import Ledger
    from ckm.customers.ledger_needs import Needs

T = TypeVar("T")

CANDIDATES = 1.2
"""Ratio of the hashed candidates for a sample to its size: with the 200,000 of a sample, 90 standard deviations."""


@dataclass(frozen=True)
class Reading:
    """Arguments of :func:`ckm.customers.ledger_reader.read_ledger`, by which all partitions are read."""

    as_of: date | None
    time_zone: str
    needs: Needs
    keep_stray_dates: bool


@dataclass(frozen=True)
class Common:
    """Common facts of the ledgers of all partitions.

    Attributes
    ----------
    reading
        Arguments by which the ledgers were read.
    coverage
        Coverage of the transaction lines of all partitions.
    currency
        Currency of all amounts.
    """

    reading: Reading
    coverage: Coverage
    currency: str

    @classmethod
    def of(cls, reading: Reading, coverage: Coverage) -> Common:
        """Return the common facts of ledgers with this coverage, after checks of customers, currency and amounts.

        Raises
        ------
        NotEnoughDataError
            No known customer has a purchase by the as-of date.
        UsageError
            The amounts have several currencies, or are too large to be summed exactly by partition.
        InputError
            Amounts are too large to be summed exactly.
        """
        needs = reading.needs
        if not coverage.purchases:
            raise coverage.no_purchase_error(reading.as_of)
        currency = coverage.currency(with_guests=needs.shop)
        if coverage.money_scale(needs.money, needs.first_kind) != FINEST_MONEY_SCALE:
            raise UsageError(
                "the amounts are too large for partitions, which sum them in hundredths of a cent",
                hint="run without --partitions and --engine",
            )
        return cls(reading, coverage, currency)

    def present(self, ledger: Ledger) -> Ledger:
        """Return the ledger of a partition as of the as-of date of the analysis, without rows of stray dates."""
        as_of = calendar_day(self.coverage.as_of)
        return self.on_usual_days(replace(ledger, coverage=self.coverage, as_of=as_of, currency=self.currency))

    def on_usual_days(self, ledger: Ledger) -> Ledger:
        """Return a ledger without rows of stray dates; unchanged if the settings keep stray dates."""
        if self.reading.keep_stray_dates:
            return ledger
        return ledger.on_usual_days(as_of_named=self.reading.as_of is not None)


@dataclass(frozen=True)
class Partition:
    """One partition of the customers: its number and its ledger.

    Attributes
    ----------
    number
        Number of the partition, from 0.
    ledger
        Ledger of the customers of the partition.
    """

    number: int
    ledger: Ledger


class PartitionedLedger(ABC):
    """Ledgers of all customers, one per partition; each customer is in exactly one partition.

    Parameters
    ----------
    common
        Common facts of the ledgers: arguments of reading, coverage, currency.
    partitions
        Number of partitions.
    customers
        Number of customers of all partitions.
    """

    def __init__(self, common: Common, partitions: int, customers: int) -> None:
        self.common = common
        self.partitions = partitions
        self.customers = customers
        self._facts: dict[date | None, ShopFacts] = {}

    @abstractmethod
    def map_stored(self, function: Callable[[Partition], T], needs: Needs | None = None) -> Iterable[T]:
        """Return the result of a function for each partition, in any order.

        The function gets the partition with its ledger of all days. The ledger has only the sums in ``needs``; None
        means all sums that were read.
        """

    def map_lines(
        self,
        transactions: pl.LazyFrame,
        narrow: Callable[[pl.LazyFrame], pl.LazyFrame],
        function: Callable[[pl.LazyFrame], T],
    ) -> list[T]:
        """Return the results of a function of the transaction lines, as :meth:`ckm.customers.ledger.Ledger.of_lines`.

        This machine streams the lines of all customers, so that there is one result.
        """
        return [function(narrow(transactions))]

    @abstractmethod
    def write(self, rows: Callable[[Partition], pl.DataFrame], path: Path, schema: pl.Schema) -> int:
        """Write a frame per partition to a Parquet file (in Spark: a folder of files); return the number of rows."""

    def map(self, function: Callable[[Partition], T], needs: Needs | None = None) -> Iterable[T]:
        """Return the result of a function for each partition, in any order.

        The function gets the partition with its ledger as of the as-of date of the analysis. ``needs`` has the sums to
        read, as in :meth:`map_stored`.
        """
        return self.map_stored(self.presenting(function), needs)

    def presenting(self, function: Callable[[Partition], T]) -> Callable[[Partition], T]:
        """Return a function of a partition with all days, which applies ``function`` to it as of the as-of date."""
        present = self.common.present
        return lambda stored: function(Partition(stored.number, present(stored.ledger)))

    def joined(self) -> Ledger:
        """Return the ledger of all customers and guests in memory, as of the as-of date of the analysis."""
        found = [each.ledger for each in self.map_stored(lambda stored: stored)]
        return self.common.on_usual_days(join_ledgers(found, self.common.coverage, self.common.currency))

    def facts(self, day: date | None = None) -> ShopFacts:
        """Return the facts of the whole shop, as of the as-of date of the analysis or an earlier day."""
        if day not in self._facts:
            found = self.map(lambda part: ShopFacts.of(part.ledger.as_read_on(day or part.ledger.as_of)))
            self._facts[day] = reduce(lambda one, other: one.joined(other), found)
        return self._facts[day]

    def sample(self) -> LearningSample:
        """Return the learning sample, which equals that of the joined ledger (:func:`learning_sample`)."""
        common, size = self.common, SAMPLE_CUSTOMERS

        def candidates(stored: Partition, highest: np.uint64 | None) -> tuple[int, Ledger]:
            ids = common.present(stored.ledger).customers
            low = ids if highest is None else ids.filter(pl.Series(id_hashes(ids.to_list(), key=SAMPLE_KEY) <= highest))
            return len(ids), stored.ledger.only(stored.ledger.customers.is_in(low.implode()).to_numpy())

        expected = self.customers  # of all days; an early as-of date has fewer and needs a second pass
        while True:
            share = CANDIDATES * size / expected if expected else 1.0
            highest = None if share >= 1 else np.uint64(share * 2**64)
            found = list(self.map_stored(lambda stored, highest=highest: candidates(stored, highest)))  # type: ignore[misc]
            total = sum(count for count, _ in found)
            if highest is None or sum(len(each.customers) for _, each in found) >= min(size, total):
                break
            expected = min(total, expected // 2)
        parts = [each for _, each in found]
        return learning_sample(common.on_usual_days(join_ledgers(parts, common.coverage, common.currency)), total=total)
