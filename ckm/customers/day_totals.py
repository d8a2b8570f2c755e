"""Totals by customer and day: a sorted array with running totals, so that the sum of any period is a difference.

Entries are sorted by customer and day. So a customer's history up to a day is the first part of the customer's entries.
Two binary searches per customer find any window of days, and the difference of two running totals is its sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import day_number
from ckm.customers.grouped_sums import MergedSums

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from ckm.customers.period import Period

    Codes = NDArray[np.uint32]
    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

DAY_BITS = 17
"""Bits of a day in a key; days from before 1900 to after 2200 fit."""
EPOCH = 1 << 15
"""Offset added to days in a key, because days before 1970 are negative."""
DAY_MASK = (1 << DAY_BITS) - 1
NEVER = 1 << 16
"""A day number later than every valid day."""
LINE_SUMS = ("net", "lines", "costed", "cost", "costs_known", "discount", "discounts_known", "orders",
             "undated", "undated_lines")  # fmt: skip
"""Names of the sums in the totals of a ledger, in this order."""
KNOWN_BY = {"costs_known": ("costed", "cost"), "discounts_known": ("discount",), "undated_lines": ("undated",)}
"""Name of the count of lines with a known amount, and names of the sums that are dropped if this count is 0."""
NO_DAY = int(np.iinfo(np.int32).max)
"""First or last purchase day of a customer without a purchase."""


def pack_day(code: Integers, day: Integers) -> Integers:
    """Return one integer per customer code and day; sorted integers are sorted by customer, then day.

    Days are days since 1970-01-01.
    """
    return code << DAY_BITS | (day + EPOCH)


def unpack_day(keys: Integers) -> NDArray[np.int32]:
    """Return the day of a key, in days since 1970-01-01."""
    return ((keys & DAY_MASK) - EPOCH).astype(np.int32)


@dataclass(frozen=True)
class DayTotals:
    """Sums by customer and day: one entry per customer and day with activity.

    A customer's *code* is an integer from 0. Arrays "by code" have one element per customer; all other arrays
    have one per entry. Days are integers since 1970-01-01 in the shop's time zone.

    Attributes
    ----------
    keys
        Keys of :func:`pack_day` (int64), ascending and distinct.
    totals
        Running totals over the entries by name, with a leading 0 (int64), so that differences are exact. Money is in
        ``1 / scale`` of the currency's unit.
    customers
        Number of codes; some may have no entry.
    """

    keys: Integers
    totals: Mapping[str, Integers]
    customers: int

    @classmethod
    def of_sums(cls, keys: Integers, sums: Mapping[str, Integers], customers: int) -> DayTotals:
        """Return the totals with ``sums`` (name to one sum per key) for ascending, distinct keys."""
        return cls(keys, {name: _running(each) for name, each in sums.items()}, customers)

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def code(self) -> NDArray[np.int32]:
        """Customer code of each entry (int32), ascending."""
        return (self.keys >> DAY_BITS).astype(np.int32)

    @cached_property
    def day(self) -> NDArray[np.int32]:
        """Day of each entry (int32), ascending within a customer."""
        return unpack_day(self.keys)

    @cached_property
    def bounds(self) -> Integers:
        """Bounds of the entries of each customer code: code ``c`` has the entries ``[bounds[c]:bounds[c + 1]]``."""
        return np.searchsorted(self.keys, np.arange(self.customers + 1, dtype=np.int64) << DAY_BITS)

    @property
    def counts(self) -> Integers:
        """Number of entries of each customer (int64), shape (customers,)."""
        return np.diff(self.bounds)

    @property
    def has_any(self) -> Mask:
        """Whether each customer has an entry, shape (customers,)."""
        return self.counts > 0

    def of(self, name: str) -> Integers:
        """Return the sum ``name`` of each entry (int64)."""
        return np.diff(self.totals[name])

    def sum_of(self, name: str) -> int:
        """Return the sum ``name`` over all entries; 0 if the totals do not have it."""
        return int(self.totals[name][-1]) if name in self.totals else 0

    def first_day_of(self, name: str) -> int:
        """Return the first day on which the sum ``name`` of any entry is above 0; :data:`NEVER` without one."""
        if not self.sum_of(name):
            return NEVER
        return int(self.day[self.of(name) > 0].min())

    def first_days(self) -> NDArray[np.int32]:
        """Day of each customer's first entry (int32), shape (customers,); :data:`NO_DAY` without one."""
        return self._day_at(self.bounds[:-1])

    def last_days(self) -> NDArray[np.int32]:
        """Day of each customer's last entry (int32), shape (customers,); :data:`NO_DAY` without one."""
        return self._day_at(self.bounds[1:] - 1)

    def second_days(self) -> NDArray[np.int32]:
        """Day of each customer's second entry (int32), shape (customers,); :data:`NO_DAY` with fewer."""
        days = np.full(self.customers, NO_DAY, dtype=np.int32)
        some = np.flatnonzero(self.counts > 1)
        days[some] = self.day[self.bounds[some] + 1]
        return days

    def next_days(self, day: int) -> NDArray[np.int32]:
        """Day of each customer's first entry after ``day`` (int32), shape (customers,); :data:`NO_DAY` without one."""
        following = self.after(np.arange(self.customers, dtype=np.uint32), day)
        has_one = following < self.bounds[1:]
        days = np.full(self.customers, NO_DAY, dtype=np.int32)
        days[has_one] = self.day[following[has_one]]
        return days

    def repeats_by_day(self, first: int, last: int) -> tuple[Integers, Integers]:
        """Return two counts per day: entries that are not a customer's first, and customers with an earlier entry.

        Parameters
        ----------
        first, last
            First and last day of both arrays; no entry is earlier or later.
        """
        days = last - first + 1
        all_entries = np.bincount(self.day - first, minlength=days)
        began = np.bincount(self.first_days()[self.has_any] - first, minlength=days)
        return all_entries - began, np.cumsum(began) - began

    def _day_at(self, positions: Integers) -> NDArray[np.int32]:
        days = np.full(self.customers, NO_DAY, dtype=np.int32)
        some = np.flatnonzero(self.has_any)
        days[some] = self.day[positions[some]]
        return days

    # Some customers, and the days (after, until]: binary searches.

    def start(self, customers: Codes) -> Integers:
        """Return the index of the first entry of each of ``customers``."""
        return self.bounds[customers]

    def after(self, customers: Codes, day: int) -> Integers:
        """Return the index behind the last entry up to ``day`` of each of ``customers``."""
        return np.searchsorted(self.keys, (customers.astype(np.int64) << DAY_BITS) + (day + EPOCH), side="right")

    def count(self, customers: Codes, after: int, until: int) -> Integers:
        """Return the number of entries of each of ``customers`` in the days ``(after, until]``."""
        return self.after(customers, until) - self.after(customers, after)

    def total(self, name: str, start: Integers, stop: Integers) -> Integers:
        """Return the sums of ``name`` over the entries ``[start, stop)``; 0 if the totals do not have it."""
        if name not in self.totals:
            return np.zeros(len(start), dtype=np.int64)
        running = self.totals[name]
        return running[stop] - running[start]

    def between(self, name: str, customers: Codes, after: int, until: int) -> Integers:
        """Return the sum ``name`` of each of ``customers`` over the days ``(after, until]``."""
        return self.total(name, self.after(customers, after), self.after(customers, until))

    # All customers, and a period: one pass over the entries.

    def within(self, period: Period) -> Mask:
        """Return a mask of the entries in a period."""
        return (self.day >= day_number(period.first)) & (self.day <= day_number(period.last))

    def counts_in(self, period: Period) -> Integers:
        """Return the number of entries of each customer in ``period`` (int64), shape (customers,)."""
        return np.bincount(self.code[self.within(period)], minlength=self.customers)

    def sums(self, name: str, period: Period) -> Integers:
        """Return the sum ``name`` of each customer in ``period`` (int64), shape (customers,)."""
        entries, running = np.flatnonzero(self.within(period)), self.totals[name]
        sums = np.zeros(self.customers, dtype=np.int64)
        np.add.at(sums, self.code[entries], running[entries + 1] - running[entries])
        return sums

    def total_of(self, name: str, period: Period) -> int:
        """Return the sum of all customers in a period."""
        return int(self.of(name)[self.within(period)].sum())

    def until(self, day: int) -> DayTotals:
        """Return the entries up to a day; the codes do not change."""
        return self._where(self.day <= day)

    def since(self, day: int) -> DayTotals:
        """Return the entries from a day on; the codes do not change."""
        return self._where(self.day >= day)

    def joined(self, other: DayTotals, codes: Integers, other_codes: Integers, customers: int) -> DayTotals:
        """Return the entries of both totals under new codes.

        Parameters
        ----------
        other
            Totals of other customers. A sum that only one of both totals has counts as 0 in the other.
        codes, other_codes
            New code of each customer code in these totals, and in ``other``; ascending, distinct; -1 drops a customer.
        customers
            Number of new codes.
        """
        kept = codes[self.keys >> DAY_BITS] >= 0
        mine = _recoded(self.keys[kept], codes)
        merged = MergedSums.of(mine, _recoded(other.keys, other_codes))
        totals = {}
        for name in LINE_SUMS:
            if name in self.totals or name in other.totals:
                sums = self.of(name)[kept] if name in self.totals else np.zeros(len(mine), dtype=np.int64)
                others = other.of(name) if name in other.totals else np.zeros(len(other), dtype=np.int64)
                totals[name] = _running(merged.put(sums, others))
        return DayTotals(merged.keys, totals, customers)

    def without_undated(self) -> DayTotals:
        """Return the totals with undated returns subtracted from ``lines`` and ``net``, without empty entries."""
        if not self.sum_of("undated_lines"):
            return self
        sums = {name: self.of(name) for name in self.totals}
        sums["lines"] = sums["lines"] - sums.pop("undated_lines")
        sums["net"] = sums["net"] - sums.pop("undated")
        return DayTotals.of_sums(self.keys, sums, self.customers)._where(sums["lines"] > 0)

    def without(self, names: Collection[str]) -> DayTotals:
        """Return the totals without the sums ``names``."""
        return replace(self, totals={name: each for name, each in self.totals.items() if name not in names})

    def only(self, chosen: Mask) -> DayTotals:
        """Return the entries of the customers in the mask ``chosen``, who get consecutive new codes."""
        kept = self._where(chosen[self.code])
        codes = np.cumsum(chosen, dtype=np.int64) - 1
        return DayTotals(_recoded(kept.keys, codes), kept.totals, int(chosen.sum()))

    def _where(self, kept: Mask) -> DayTotals:
        if kept.all():
            return self
        return DayTotals.of_sums(
            self.keys[kept], {name: np.diff(each)[kept] for name, each in self.totals.items()}, self.customers
        )


def known_totals(*those: DayTotals) -> list[DayTotals]:
    """Return the totals without sums of amounts that are unknown in all lines of all totals."""
    unknown = [
        name for known, of in KNOWN_BY.items() if not any(each.sum_of(known) for each in those) for name in (known, *of)
    ]
    return [each.without(unknown) for each in those]


def _recoded(keys: Integers, codes: Integers) -> Integers:
    new: Integers = codes[keys >> DAY_BITS] << DAY_BITS | keys & DAY_MASK
    return new


def _running(sums: Integers) -> Integers:
    running = np.zeros(len(sums) + 1, dtype=np.int64)
    np.cumsum(sums, out=running[1:])
    return running
