"""What customers bought, or gave back, by customer and day: compact, sorted, and any period a sum away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ckm.churning.timeline import DAY_BITS, Timeline, day_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.measures.period import Period

    Whole = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Entries(Timeline):
    """Entries of a ledger: one per customer and day on which there was anything, by customer and day.

    A :class:`ckm.churning.timeline.Timeline` whose one total is ``net``, with its columns unpacked and sums over a
    calendar's periods. ``code``, ``day`` and ``net`` are columns of one table, as long as there are entries.

    Attributes
    ----------
    keys, totals
        See :class:`ckm.churning.timeline.Timeline`; ``totals["net"]`` is the running total of :attr:`net`.
    customers
        How many codes there are: 0 to ``customers - 1``, some perhaps without an entry.
    """

    customers: int = 0

    @classmethod
    def of_arrays(cls, keys: Whole, net: Whole, customers: int) -> Entries:
        """Build from ascending, distinct keys of :func:`ckm.churning.timeline.pack` and the money of each."""
        running = np.zeros(len(net) + 1, dtype=np.int64)
        np.cumsum(net, out=running[1:])
        return cls(keys, {"net": running}, customers)

    @cached_property
    def code(self) -> NDArray[np.int32]:
        """Customer of each entry (int32), ascending."""
        return (self.keys >> DAY_BITS).astype(np.int32)

    @cached_property
    def day(self) -> NDArray[np.int32]:
        """Day of each entry (int32, days since 1970-01-01 in the shop's calendar), ascending within a customer."""
        return self.days

    @property
    def net(self) -> Whole:
        """Money of each entry (int64, in ``1 / scale`` of the currency's unit)."""
        return np.diff(self.totals["net"])

    @cached_property
    def bounds(self) -> Whole:
        """Where each customer's entries begin (int64, ``customers + 1`` long): those of ``c`` are ``[c]:[c + 1]``."""
        counts = np.bincount(self.code, minlength=self.customers)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def within(self, period: Period) -> Mask:
        """Which entries lie in a period."""
        return (self.day >= day_number(period.first)) & (self.day <= day_number(period.last))

    def counts(self, period: Period) -> Whole:
        """How many entries each customer has in a period (int64, by code)."""
        return np.bincount(self.code[self.within(period)], minlength=self.customers)

    def sums(self, period: Period) -> Whole:
        """Money of each customer in a period (int64, by code)."""
        there, running = np.flatnonzero(self.within(period)), self.totals["net"]
        sums = np.zeros(self.customers, dtype=np.int64)
        np.add.at(sums, self.code[there], running[there + 1] - running[there])
        return sums

    def total_of(self, period: Period) -> int:
        """Money of all customers in a period."""
        return int(self.net[self.within(period)].sum())

    def first_days(self) -> NDArray[np.int32]:
        """Day of each customer's first entry (int32, by code); :data:`NO_DAY` where there is none."""
        return self._day_at(self.bounds[:-1])

    def last_days(self) -> NDArray[np.int32]:
        """Day of each customer's last entry (int32, by code); :data:`NO_DAY` where there is none."""
        return self._day_at(self.bounds[1:] - 1)

    def _day_at(self, positions: Whole) -> NDArray[np.int32]:
        days = np.full(self.customers, NO_DAY, dtype=np.int32)
        some = np.flatnonzero(np.diff(self.bounds))
        days[some] = self.day[positions[some]]
        return days

    def until(self, day: int) -> Entries:
        """Those by a day (a number of days since 1970); the customers keep their codes."""
        return self._where(self.day <= day)

    def only(self, chosen: Mask) -> Entries:
        """Those of some customers (``chosen`` by code), whose codes close up."""
        kept = self._where(chosen[self.code])
        codes = np.cumsum(chosen, dtype=np.int64) - 1
        day = kept.keys & ((1 << DAY_BITS) - 1)
        return Entries(codes[kept.keys >> DAY_BITS] << DAY_BITS | day, kept.totals, int(chosen.sum()))

    def _where(self, kept: Mask) -> Entries:
        if kept.all():
            return self
        return Entries.of_arrays(self.keys[kept], self.net[kept], self.customers)


NO_DAY = int(np.iinfo(np.int32).max)
"""A day after every day: of who has none."""
