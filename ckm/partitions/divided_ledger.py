"""Ledger of all customers whose entries are in partitions: functions of the entries are computed by partition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import numpy as np
import polars as pl

from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.day_totals import DayTotals
from ckm.customers.guests import Guests
from ckm.customers.learning_sample import SAMPLE_CUSTOMERS
from ckm.customers.ledger import Ledger, Rows, first_day_with_lines
from ckm.customers.ledger_join import join_customers, join_dimensions, join_guests, join_ledgers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from numpy.typing import NDArray

    from ckm.partitions.partitioned_ledger import Partition, PartitionedLedger

    Mask = NDArray[np.bool_]
    Integers = NDArray[np.int64]

T = TypeVar("T")

EXCLUDED = -1
"""Code of a customer who is not in the ledger."""


@dataclass(frozen=True)
class DividedLedger(Ledger):
    """Ledger with customer ids, guest sales and sums by dimension in memory, and the entries in partitions.

    A function of the entries is computed for each partition (:meth:`by_customer`, :meth:`of_parts`). The attributes
    with entries (``purchases``, ``returns`` …) are not in memory; access to them raises an error.

    Attributes
    ----------
    source
        The partitions.
    codes
        By partition number, the code of each customer of the partition (Int32, shape (customers,)); :data:`EXCLUDED`
        for customers who are not in this ledger.
    last
        Last day whose entries are used; None means all days.
    dated
        Whether undated returns are left out.
    """

    source: PartitionedLedger | None = None
    codes: Mapping[int, NDArray[np.int32]] | None = None
    last: date | None = None
    dated: bool = False

    is_partitioned: ClassVar[bool] = True

    @classmethod
    def of(cls, source: PartitionedLedger) -> DividedLedger:
        """Return the ledger of all customers and guests of the partitions, as of the as-of date of the analysis."""
        found = list(source.map(_outline, replace(source.common.reading.needs, baskets=False)))
        customers, codes = join_customers([ledger.customers for _, ledger, _ in found])
        first = next(ledger for _, ledger, _ in found)
        return cls(
            customers=customers,
            purchases=NO_ENTRIES,
            later_lines=NO_ENTRIES,
            returns=NO_ENTRIES,
            coverage=first.coverage,
            begins=calendar_day(min(day for *_, day in found if day is not None)),
            as_of=first.as_of,
            currency=first.currency,
            scale=first.scale,
            time_zone=first.time_zone,
            guests=join_guests([ledger.guests for _, ledger, _ in found]),
            dimensions=join_dimensions([ledger.dimensions for _, ledger, _ in found]),
            needs=source.common.reading.needs,
            source=source,
            codes={number: mine.astype(np.int32) for (number, *_), mine in zip(found, codes, strict=True)},
        )

    def by_customer(self, function: Callable[..., Rows], *columns: NDArray[Any]) -> Rows:
        """Return the result of :meth:`Ledger.by_customer`, computed by partition; in the order of the codes."""
        found: Any = list(self._mapped(function, columns))
        if isinstance(found[0][1], pl.DataFrame):
            order = np.argsort(np.concatenate([codes for codes, _ in found]))
            frames, names = [rows for _, rows in found], found[0][1].columns
            # column by column, so that the columns of the parts are freed
            joined: Any = [pl.concat([each.drop_in_place(name) for each in frames])[order] for name in names]
            return cast("Rows", pl.DataFrame(joined))
        dtype = np.result_type(*(each for _, each in found))
        rows: Any = np.empty((len(self.customers), *np.shape(found[0][1])[1:]), dtype=dtype)
        for codes, part in found:
            rows[codes] = part
        return cast("Rows", rows)

    def of_parts(self, function: Callable[..., T], *columns: NDArray[Any]) -> list[T]:
        """Return the results of :meth:`Ledger.of_parts`, one per partition."""
        return [result for _, result in self._mapped(function, columns)]

    def of_lines(
        self,
        transactions: pl.LazyFrame,
        narrow: Callable[[pl.LazyFrame], pl.LazyFrame],
        function: Callable[[pl.LazyFrame], T],
    ) -> list[T]:
        """Return the results of :meth:`Ledger.of_lines`; in Spark, one per partition."""
        assert self.source is not None
        return self.source.map_lines(transactions, narrow, function)

    def with_entries(self) -> Ledger:
        """Return the ledger with the entries of all customers in memory; the memory must be large enough."""
        assert self.source is not None
        joined = self.source.joined() if self.needs.baskets else self.source.joined().without_baskets()
        chosen = joined.customers.is_in(self.customers.implode()).to_numpy()
        found = (joined if chosen.all() else joined.only(chosen)).until(self.as_of)
        return found.without_undated_returns() if self.dated else found

    def until(self, day: date) -> Ledger:
        """Return the ledger as of the end of a day, with the same codes of customers; see :meth:`Ledger.until`."""
        if day >= self.as_of:
            return self
        number = day_number(day)
        return replace(
            self,
            coverage=self.coverage.until(number),
            as_of=day,
            guests=self.guests.until(number),
            dimensions={name: sums.filter(pl.col("day") <= number) for name, sums in self.dimensions.items()},
            last=day,
        )

    def only(self, chosen: Mask) -> Ledger:
        """Return the ledger of the customers with a true value in ``chosen``, without guests.

        Up to :data:`SAMPLE_CUSTOMERS` customers, it is a ledger with entries in memory; else the entries stay in
        partitions.
        """
        needs = replace(self.needs, shop=False)
        if chosen.sum() > SAMPLE_CUSTOMERS or chosen.all():
            kept = np.where(chosen, np.cumsum(chosen) - 1, EXCLUDED).astype(np.int32)
            assert self.codes is not None
            codes = {
                number: np.where(each == EXCLUDED, EXCLUDED, kept[each]).astype(np.int32)
                for number, each in self.codes.items()
            }
            customers = self.customers.filter(pl.Series(chosen))
            return replace(self, customers=customers, codes=codes, guests=Guests.none(), dimensions={}, needs=needs)
        parts = self.of_parts(Ledger.only, chosen)
        joined = join_ledgers(parts, self.coverage, self.currency)
        return replace(joined, begins=self.begins, as_of=self.as_of, needs=needs)

    def without_undated_returns(self) -> Ledger:
        """Return the ledger without undated returns."""
        return replace(self, dated=True)

    def without_baskets(self) -> Ledger:
        """Return the ledger without the baskets (sums by category and channel) of customers."""
        return replace(self, needs=replace(self.needs, baskets=False))

    def _mapped(
        self, function: Callable[..., T], columns: tuple[NDArray[Any], ...]
    ) -> Iterable[tuple[NDArray[np.int32], T]]:
        """Yield, for each partition, the codes of its customers in this ledger and the result of the function."""
        assert self.source is not None
        assert self.codes is not None
        kept, arguments = {}, {}
        for number, codes in self.codes.items():
            there = codes != EXCLUDED
            kept[number] = None if there.all() else there
            arguments[number] = tuple(each[codes[there]] for each in columns)
        job = partial(_result, function, kept, arguments, self.last, self.dated)
        for number, result in self.source.map(job, replace(self.needs, shop=False)):
            codes = self.codes[number]
            yield codes[codes != EXCLUDED], result


NO_ENTRIES = object.__new__(DayTotals)
"""Totals of a ledger that has no entries itself: each attribute raises an error."""


def _outline(part: Partition) -> tuple[int, Ledger, int | None]:
    """Return the number of a partition, its ledger without entries, and its first day number with a line."""
    ledger = part.ledger
    first = first_day_with_lines(*ledger.all_lines, ledger.guests)
    nobody = ledger.only(np.zeros(len(ledger.customers), dtype=np.bool_))
    outline = replace(
        nobody, customers=ledger.customers, guests=ledger.guests, dimensions=ledger.dimensions, needs=ledger.needs
    )
    return part.number, outline, first


def _result(
    function: Callable[..., T],
    kept: Mapping[int, Mask | None],
    arguments: Mapping[int, tuple[NDArray[Any], ...]],
    last: date | None,
    dated: bool,  # positional, because of partial
    part: Partition,
) -> tuple[int, T]:
    """Return the number of a partition, and the result of a function of its ledger of the customers in ``kept``."""
    ledger, chosen = part.ledger, kept[part.number]
    if last is not None:
        ledger = ledger.until(last)
    if chosen is not None:
        ledger = ledger.only(chosen)
    if dated:
        ledger = ledger.without_undated_returns()
    return part.number, function(ledger, *arguments[part.number])
