"""What customers bought by day, and what the shop took in all: what every room of the loyalty report counts on.

Money is whole numbers of ``1 / scale`` of the currency's unit: sums are exact, and depend on no order. It becomes money
of the currency (:meth:`Ledger.money`) when a number leaves its room.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.churning.gaps import Gaps
from ckm.churning.timeline import day_number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from numpy.typing import NDArray

    from ckm.feature_table.view import LeftOut
    from ckm.measures.entries import Entries
    from ckm.measures.period import Period

    Whole = NDArray[np.int64]
    Mask = NDArray[np.bool_]

NO_VALUE = "(none)"
"""What rows without a value of a dimension are called together."""
OTHER = "other"
"""What the values of ``by`` beyond the largest are called together."""


@dataclass(frozen=True)
class Till:
    """Rows without a customer, such as cash sales, by day.

    Attributes
    ----------
    day
        Days on which there were any (int32, days since 1970), ascending.
    purchases, returns
        Net of each day (int64, in ``1 / scale`` of the currency's unit); that of returns is negative or zero.
    """

    day: NDArray[np.int32]
    purchases: Whole
    returns: Whole

    def sums(self, period: Period) -> tuple[int, int]:
        """Net of purchases and of returns in a period."""
        within = (self.day >= day_number(period.first)) & (self.day <= day_number(period.last))
        return int(self.purchases[within].sum()), int(self.returns[within].sum())

    def until(self, day: int) -> Till:
        """Those by a day."""
        stop = int(self.day.searchsorted(day, side="right"))
        return Till(self.day[:stop], self.purchases[:stop], self.returns[:stop])


@dataclass(frozen=True)
class Costed:
    """Customers' rows of which the cost is known; what is given back takes its cost back as well.

    Attributes
    ----------
    rows
        How many.
    net, cost
        Sums over them, in ``1 / scale`` of the currency's unit.
    """

    rows: int = 0
    net: int = 0
    cost: int = 0


@dataclass(frozen=True)
class Ledger:
    """Purchases and returns up to a day.

    A customer's *code* is the position in ``customers``; arrays "by code" are as long as there are customers. Days are
    whole numbers since 1970-01-01 in the shop's calendar (:func:`ckm.churning.timeline.day_number`).

    Attributes
    ----------
    customers
        Ids (String) of everybody with a purchase or a return, sorted, without repeats.
    visits
        Purchases: one entry per customer and day with at least one, with their net of that day (0 or more). An entry is
        what the report calls an order.
    returns
        Returns: one entry per customer and day with at least one, with their net of that day (0 or less).
    till
        Rows without a customer.
    dimensions
        By name of a column of the transactions (channel, category, type, campaign_id where they exist): a frame with
        ``value`` (String; :data:`NO_VALUE` for rows without one), ``day`` (Int32) and ``net`` (Int64), one row for each
        of their combinations whose net is not zero, sorted: purchases and returns, with and without a customer. In the
        ledger of a part, and in that of some customers (:meth:`only`), there are none.
    parts
        By value of the column ``by`` the ledger of its rows alone, as though there were no other rows: its customers,
        their codes and their first days are those of the part. The eight values with the largest net, the largest
        first; then :data:`OTHER` and :data:`NO_VALUE` where there are such rows.
    by
        The column of ``parts``; None where there are none.
    costed
        Of all customers; in the ledger of a part, and in that of some customers, nothing.
    begins
        First day with any purchase or return in the data, whoever's: also in a part, and of some customers.
    as_of
        The day the ledger stands on; nothing later is in it.
    currency, scale, time_zone
        Of every amount; amounts are whole numbers of ``1 / scale`` of its unit; whose calendar says what a day is.
    left_out
        What is not in it, and why; rows without a customer are in ``till`` and still counted here.
    """

    customers: pl.Series
    visits: Entries
    returns: Entries
    till: Till
    begins: date
    as_of: date
    currency: str
    scale: int
    time_zone: str
    left_out: LeftOut
    costed: Costed = Costed()
    dimensions: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    parts: Mapping[str, Ledger] = field(default_factory=dict)
    by: str | None = None

    @cached_property
    def first_day(self) -> NDArray[np.int32]:
        """Day of the first purchase ever, by code (int32); ``NO_DAY`` of :mod:`ckm.measures.entries` without one."""
        return self.visits.first_days()

    @cached_property
    def gaps(self) -> Gaps:
        """Days between the visits of each customer, by code and length: a rhythm is read off them, as of any day."""
        return Gaps.of(self.visits, len(self.customers))

    def net_between(self, period: Period) -> Whole:
        """Net of purchases and returns in a period, by code (int64, not to be written to)."""
        if period not in self._nets:
            self._nets[period] = _kept(self.visits.sums(period) + self.returns.sums(period))
        return self._nets[period]

    def orders_between(self, period: Period) -> Whole:
        """Days with a purchase in a period, by code (int64, not to be written to)."""
        if period not in self._orders:
            self._orders[period] = _kept(self.visits.counts(period))
        return self._orders[period]

    @cached_property
    def _nets(self) -> dict[Period, Whole]:  # every room asks for the same few periods
        return {}

    @cached_property
    def _orders(self) -> dict[Period, Whole]:
        return {}

    def revenue(self, period: Period) -> int:
        """Net of everything in a period, with and without a customer."""
        return self.visits.total_of(period) + self.returns.total_of(period) + sum(self.till.sums(period))

    def revenue_by(self, dimension: str, period: Period) -> dict[str, int]:
        """Net of everything in a period by value of a dimension; the values add up to :meth:`revenue`."""
        first, last = day_number(period.first), day_number(period.last)
        sums = (
            self.dimensions[dimension]
            .filter(pl.col("day").is_between(first, last))
            .group_by("value")
            .agg(pl.col("net").sum())
            .sort("value")
        )
        return dict(sums.iter_rows())

    def money(self, whole: float) -> float:
        """Return a whole number of ``1 / scale`` as money, in the unit of the currency."""
        return whole / self.scale

    def until(self, day: date) -> Ledger:
        """Return the ledger as it stood at the end of a day; the customers keep their codes.

        Who bought nothing by then has no entry, and no first day. ``left_out`` stays what it is.
        """
        if day >= self.as_of:
            return self
        number = day_number(day)
        return replace(
            self,
            visits=self.visits.until(number),
            returns=self.returns.until(number),
            till=self.till.until(number),
            as_of=day,
            dimensions={name: sums.filter(pl.col("day") <= number) for name, sums in self.dimensions.items()},
            parts={value: part.until(day) for value, part in self.parts.items()},
        )

    def only(self, chosen: Mask) -> Ledger:
        """Return the ledger of some customers (``chosen`` by code), whose codes close up; its till is empty."""
        nothing = np.zeros(0, dtype=np.int64)
        return replace(
            self,
            customers=self.customers.filter(pl.Series(chosen)),
            visits=self.visits.only(chosen),
            returns=self.returns.only(chosen),
            till=Till(nothing.astype(np.int32), nothing, nothing),
            dimensions={},
            parts={},
            by=None,
        )


def _kept(array: Whole) -> Whole:
    array.flags.writeable = False
    return array
