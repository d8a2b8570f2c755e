"""The customer ledger: purchases and returns of each customer by day, and the revenue of the shop.

Amounts are integers of ``1 / scale`` of the currency's unit, so that sums are exact and do not depend on the order.
:meth:`Ledger.money` converts the results of an analysis to money.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import polars as pl

from ckm.customers.baskets import EMPTY, Baskets
from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.day_totals import NO_DAY
from ckm.customers.grouped_sums import sum_by_key
from ckm.customers.guests import Guests
from ckm.customers.interpurchase import Gaps
from ckm.customers.ledger_needs import LEAST, Needs
from ckm.customers.shared_ids import MOST_IDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.coverage import Coverage
    from ckm.customers.day_totals import DayTotals
    from ckm.customers.excluded_rows import LeftOut
    from ckm.customers.period import Period
    from ckm.customers.shared_ids import SharedId

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

T = TypeVar("T")
Rows = TypeVar("Rows")
Cached = TypeVar("Cached", "NDArray[np.int32]", "NDArray[np.int64]")

SHARE_DIGITS = 6
"""Significant digits of a fitted number, which is rounded before use, so that a saved definition gives equal
results."""
NO_VALUE = "(none)"
"""Label of rows whose dimension is null."""
OTHER = "other"
"""Label of all values of a dimension except the largest ones, which have a part each."""


@dataclass(frozen=True)
class Ledger:
    """Purchases and returns up to the as-of date.

    A customer's *code* is the position in ``customers``; arrays "by code" have one element per customer. Days are
    integers since 1970-01-01 in the shop's time zone (:func:`ckm.customers.calendar.day_number`).

    Attributes
    ----------
    customers
        Ids (String) of all customers with a purchase or a return, sorted, without repeats.
    purchases
        One entry per customer and purchase day; totals ``net`` (0 or more), ``lines`` and ``orders`` (that begin on the
        day, at least one). If amounts were requested and occur: ``costed`` (net of lines with a known cost), ``cost``,
        ``costs_known`` (lines), ``discount``, ``discounts_known`` (lines).
    later_lines
        Purchase lines on days on which no order of the customer begins; the same totals without ``orders``.
    returns
        One entry per customer and day with a return; the same totals (net and cost 0 or less) without ``orders`` and
        ``discount``. If undated returns occur, which have the day of their order: ``undated`` (net) and
        ``undated_lines``.
    coverage
        All lines, by day and kind.
    begins
        First day with a purchase or return of any customer in the data, also in a part of the ledger.
    as_of
        As-of date; later rows are not included.
    currency, scale, time_zone
        Currency of all amounts; amounts are integers of ``1 / scale`` of its unit; time zone of the days.
    categories, channels
        Categories and channels of purchases; empty if not requested or unknown.
    guests
        Guest sales; empty if not requested.
    dimensions
        By name of a column of the transactions (channel, category, type, campaign_id where they exist): a frame with
        ``value`` (String; :data:`NO_VALUE` for rows without one), ``day`` (Int32) and ``net`` (Int64), one row per
        combination with a net other than zero, sorted. They include purchases and returns, with and without a customer.
        Empty in the ledger of a part or of some customers (:meth:`only`).
    parts
        For each value of the column ``by``, the ledger of its rows only: customers, codes, orders and first days are
        those of the part. The eight values with the largest net, largest first; then :data:`OTHER` and
        :data:`NO_VALUE`, if they occur.
    needs
        Sums that were read besides purchase days, lines, orders and net.
    """

    customers: pl.Series
    purchases: DayTotals
    later_lines: DayTotals
    returns: DayTotals
    coverage: Coverage
    begins: date
    as_of: date
    currency: str
    scale: int
    time_zone: str
    categories: Baskets = EMPTY
    channels: Baskets = EMPTY
    guests: Guests = field(default_factory=Guests.none)
    dimensions: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    parts: Mapping[str, Ledger] = field(default_factory=dict)
    needs: Needs = LEAST

    @property
    def by(self) -> str | None:
        """Column whose values are the keys of :attr:`parts`; None without parts."""
        return self.needs.by

    @property
    def today(self) -> int:
        """As-of date in days since 1970-01-01."""
        return day_number(self.as_of)

    @cached_property
    def left_out(self) -> LeftOut:
        """Rows that the ledger does not include, with the reason."""
        return replace(self.coverage.left_out(self.customers_without_purchase), shared_ids=self.shared_ids)

    # What is computed from the entries of a ledger: a ledger in partitions (ckm.partitions) has none on this machine,
    # and calls the function of each partition instead.

    is_partitioned: ClassVar[bool] = False
    """Whether only functions of each partition can be computed, because the ledger has no entries."""

    def by_customer(self, function: Callable[..., Rows], *columns: NDArray[Any]) -> Rows:
        """Return the result of a function of a ledger with one element, or one row, per customer code.

        Parameters
        ----------
        function
            Returns an array, shape (customers, ...), or a frame. The element of a customer depends on the customer's
            entries, and elements of ``columns``, only.
        columns
            Further arguments of the function: arrays by code.
        """
        return function(self, *columns)

    def of_parts(self, function: Callable[..., T], *columns: NDArray[Any]) -> list[T]:
        """Return the results of a function for each part of the customers: here one, the whole ledger.

        A ledger in partitions (:mod:`ckm.partitions`) calls the function once for each partition. ``columns`` are
        further arguments of the function: arrays by code.
        """
        return [function(self, *columns)]

    def of_lines(
        self,
        transactions: pl.LazyFrame,
        narrow: Callable[[pl.LazyFrame], pl.LazyFrame],
        function: Callable[[pl.LazyFrame], T],
    ) -> list[T]:
        """Return the results of a function of the lines of disjoint sets of customers, which together have all.

        Parameters
        ----------
        transactions
            Transactions that this ledger was read from.
        narrow
            Chooses lines and columns, each line by itself; its result has ``customer_id``.
        function
            Function of all chosen lines of some customers.
        """
        return [function(narrow(transactions))]

    def summed(self, function: Callable[[Ledger], Integers]) -> Integers:
        """Return the result of a function of a ledger that is a sum over customers, shape (...)."""
        first, *rest = self.of_parts(function)
        return sum(rest, first)

    def with_entries(self) -> Ledger:
        """Return the ledger with the entries of all customers in memory."""
        return self

    @property
    def customers_without_purchase(self) -> int:
        """Number of customers with returns only."""
        return int((self.has_return & ~self.has_purchase).sum())

    @cached_property
    def busiest(self) -> tuple[tuple[str, int, int], ...]:
        """Id, rows and purchase days of the customers with the most rows, most first."""
        return most_rows(each for found in self.of_parts(_busiest) for each in found)

    @cached_property
    def shared_ids(self) -> tuple[SharedId, ...]:
        """Customer ids that may each be used for many customers."""
        return self.coverage.shared_ids(self.busiest, np.bincount(self.purchase_days, minlength=1))

    @cached_property
    def first_day(self) -> NDArray[np.int32]:
        """Day of each customer's first purchase, by code (int32); ``NO_DAY`` of :mod:`.day_totals` without one."""
        return self.by_customer(lambda part: part.purchases.first_days())

    @cached_property
    def second_day(self) -> NDArray[np.int32]:
        """Day of each customer's second purchase day, by code (int32); ``NO_DAY`` without one."""
        return self.by_customer(lambda part: part.purchases.second_days())

    @cached_property
    def last_day(self) -> NDArray[np.int32]:
        """Day of each customer's last purchase, by code (int32); ``NO_DAY`` of :mod:`.day_totals` without one."""
        return self.by_customer(lambda part: part.purchases.last_days())

    @cached_property
    def purchase_days(self) -> Integers:
        """Number of each customer's purchase days, by code (int64)."""
        return self.by_customer(lambda part: part.purchases.counts)

    @property
    def has_purchase(self) -> Mask:
        """Whether each customer has a purchase, by code."""
        bought: Mask = self.purchase_days > 0
        return bought

    @cached_property
    def has_return(self) -> Mask:
        """Whether each customer has a return, by code."""
        return self.by_customer(lambda part: part.returns.has_any)

    @cached_property
    def gaps(self) -> Gaps:
        """Interpurchase intervals of each customer, sorted by code and length."""
        return Gaps.of(self.purchases)

    @cached_property
    def gap_histogram(self) -> pl.DataFrame:
        """Number of interpurchase intervals by length and customer: :meth:`Gaps.histogram`."""
        return self.gap_histogram_by(self.today)

    def gap_histogram_by(self, day: int) -> pl.DataFrame:
        """Return :meth:`Gaps.histogram` of the intervals that had ended by a day."""
        found = self.of_parts(lambda part: part.gaps.by(day).histogram())
        return found[0] if len(found) == 1 else sum_by_key(pl.concat(found), ["gap", "gaps_of_customer"])

    @cached_property
    def days_with_purchases(self) -> tuple[Integers, Integers]:
        """Days with a purchase of a customer, ascending, and the number of customers who bought on each (int64)."""
        found = self.of_parts(lambda part: np.unique(part.purchases.day, return_counts=True))
        days, position = np.unique(np.concatenate([each for each, _ in found]), return_inverse=True)
        counts = np.zeros(len(days), dtype=np.int64)
        np.add.at(counts, position, np.concatenate([each for _, each in found]))
        return days.astype(np.int64), counts

    @property
    def bought(self) -> tuple[DayTotals, ...]:
        """Totals of all purchase lines: on purchase days, and on later days of orders."""
        return self.purchases, self.later_lines

    @property
    def all_lines(self) -> tuple[DayTotals, ...]:
        """Totals of all purchases and returns."""
        return *self.bought, self.returns

    @cached_property
    def costs_known(self) -> bool:
        """Whether the cost of at least one line is known."""
        return any(self.of_parts(lambda part: any(each.sum_of("costs_known") for each in part.all_lines)))

    def first_day_of(self, name: str) -> int:
        """Return the first day with a sum above 0; ``NEVER`` of :mod:`.day_totals` without one."""
        found: list[int] = self.of_parts(lambda part: min(each.first_day_of(name) for each in part.all_lines))
        return min(found)

    def margin_share(self, day: int | None = None) -> float | None:
        """Return margin ÷ net of lines with a known cost, to six digits; None without a known cost.

        By the lines up to ``day`` (default: the as-of date) of all customers, also of those with returns only.
        """
        if not self.costs_known:
            return None
        costed, cost, known = self.summed(lambda part: _cost_sums(part, day)).tolist()
        if not known or costed <= 0:
            return None
        return float(f"{(costed - cost) / costed:.{SHARE_DIGITS}g}")

    def net_between(self, period: Period) -> Integers:
        """Return the net of purchases and returns in a period, by code (int64, read-only)."""
        if period not in self._nets:
            self._nets[period] = _kept(self.by_customer(lambda part: sum_by_code(part.all_lines, "net", period)))
        return self._nets[period]

    def orders_between(self, period: Period) -> NDArray[np.int32]:
        """Return the number of orders that begin in a period, by code (int32, read-only)."""
        if period not in self._orders:
            self._orders[period] = _kept(
                self.by_customer(lambda part: part.purchases.sums("orders", period).astype(np.int32))
            )
        return self._orders[period]

    def purchase_days_between(self, period: Period) -> NDArray[np.int32]:
        """Return the number of purchase days in a period, by code (int32, read-only)."""
        if period not in self._days:
            self._days[period] = _kept(self.by_customer(lambda part: part.purchases.counts_in(period).astype(np.int32)))
        return self._days[period]

    def returns_between(self, period: Period) -> Integers:
        """Return the net of returns in a period, 0 or less, by code (int64)."""
        return self.by_customer(lambda part: part.returns.sums("net", period))

    def return_days_between(self, period: Period) -> Integers:
        """Return the number of days with a return in a period, by code (int64)."""
        return self.by_customer(lambda part: part.returns.counts_in(period))

    def bought_between(self, period: Period) -> Mask:
        """Return whether a customer has a purchase in a period, by code."""
        bought: Mask = self.purchase_days_between(period) > 0
        return bought

    @cached_property
    def _nets(self) -> dict[Period, Integers]:  # cached, because all analyses use the same few periods
        return {}

    @cached_property
    def _orders(self) -> dict[Period, NDArray[np.int32]]:
        return {}

    @cached_property
    def _days(self) -> dict[Period, NDArray[np.int32]]:
        return {}

    def next_purchases(self, day: date) -> pl.DataFrame:
        """Return the next purchase day after ``day`` of customers with a purchase by then.

        ``customer_id``, ``next_order`` (Date; null without a later purchase).
        """
        then = day_number(day)
        known = np.flatnonzero(self.first_day <= then)
        days = self.by_customer(lambda part: part.purchases.next_days(then))[known]
        frame = pl.DataFrame({"customer_id": self.customers.gather(known), "day": days})
        return frame.select(
            "customer_id", next_order=pl.when(pl.col("day") != NO_DAY).then(pl.col("day").cast(pl.Date))
        )

    def revenue(self, period: Period) -> int:
        """Return the net of all lines in a period, with and without a customer."""
        return self.revenue_of_customers(period) + sum(self.guests.sums(period))

    def revenue_of_customers(self, period: Period) -> int:
        """Return the net of purchases and returns of known customers in a period."""
        return int(self.net_between(period).sum())

    def revenue_by(self, dimension: str, period: Period) -> dict[str, int]:
        """Return the net of all lines in a period by value of a dimension; the values add up to :meth:`revenue`."""
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
        """Return an integer of ``1 / scale`` as money in the unit of the currency."""
        return whole / self.scale

    def until(self, day: date) -> Ledger:
        """Return the ledger as of the end of a day, with the same codes.

        Customers without a purchase by then have no entry and no first day.
        """
        if day >= self.as_of:
            return self
        number = day_number(day)
        kept = replace(
            self,
            purchases=self.purchases.until(number),
            later_lines=self.later_lines.until(number),
            returns=self.returns.until(number),
            coverage=self.coverage.until(number),
            as_of=day,
            categories=self.categories.until(number),
            channels=self.channels.until(number),
            guests=self.guests.until(number),
            dimensions={name: sums.filter(pl.col("day") <= number) for name, sums in self.dimensions.items()},
            parts={value: part.until(day) for value, part in self.parts.items()},
        )
        if "gaps" in self.__dict__:  # these intervals are sorted already
            kept.__dict__["gaps"] = self.gaps.by(number)
        return kept

    def as_read_on(self, day: date) -> Ledger:
        """Return the ledger as if it had been read as of a day: without customers who have no line by then.

        Raises
        ------
        NotEnoughDataError
            No known customer had a purchase by then.
        """
        if day >= self.as_of:
            return (
                self if day == self.as_of else replace(self, as_of=day, coverage=self.coverage.beyond(day_number(day)))
            )
        coverage = self.coverage.until(day_number(day))
        if not coverage.purchases:
            raise coverage.no_purchase_error(day)
        return self.until(day).of_anybody()

    def on_usual_days(self, *, as_of_named: bool) -> Ledger:
        """Return the ledger without rows of stray dates (:mod:`ckm.customers.usual_days`).

        Without a given as-of date, the ledger ends on the newest usual day, and stray days on both sides are excluded.
        With one, the ledger ends on that date, and only rows before the first usual day are excluded.

        Raises
        ------
        NotEnoughDataError
            No known customer has a purchase on the usual days.
        """
        usual = self.coverage.usual_days
        if usual is None:
            return self
        kept = self
        if not as_of_named and usual.last < self.today:
            kept = replace(self, coverage=replace(self.coverage, newest=usual.last))
            kept = kept.as_read_on(calendar_day(usual.last))
        return kept._since(usual.first)

    def _since(self, day: int) -> Ledger:
        """Return the ledger without rows before a day, and without customers who have no other rows."""
        if day <= self.coverage.days[0]:
            return self
        coverage = replace(self.coverage, first=day)
        if not coverage.purchases:
            raise coverage.no_purchase_error(None)
        kept = self._from(day, coverage).of_anybody()
        return replace(kept, parts={value: part for value, part in kept.parts.items() if part.has_lines})

    def _from(self, day: int, coverage: Coverage) -> Ledger:
        purchases, later_lines, returns = (each.since(day) for each in self.all_lines)
        guests = self.guests.since(day)
        begins = first_day_with_lines(purchases, later_lines, returns, guests)
        return replace(
            self,
            purchases=purchases,
            later_lines=later_lines,
            returns=returns,
            coverage=coverage,
            begins=self.begins if begins is None else calendar_day(begins),
            categories=self.categories.since(day),
            channels=self.channels.since(day),
            guests=guests,
            dimensions={name: sums.filter(pl.col("day") >= day) for name, sums in self.dimensions.items()},
            parts={value: part._from(day, coverage) for value, part in self.parts.items()},
        )

    @property
    def has_lines(self) -> bool:
        """Whether the ledger has any line, of a guest or a customer."""
        return first_day_with_lines(*self.all_lines, self.guests) is not None

    def only(self, chosen: Mask) -> Ledger:
        """Return the ledger of some customers (``chosen`` by code) with consecutive new codes; it has no guests."""
        if chosen.all():
            kept = self
        else:
            kept = replace(
                self,
                customers=self.customers.filter(pl.Series(chosen)),
                purchases=self.purchases.only(chosen),
                later_lines=self.later_lines.only(chosen),
                returns=self.returns.only(chosen),
                categories=self.categories.only(chosen),
                channels=self.channels.only(chosen),
            )
        return replace(
            kept, guests=Guests.none(), dimensions={}, parts={}, needs=replace(self.needs, shop=False, by=None)
        )

    def without_baskets(self) -> Ledger:
        """Return the ledger without the baskets (categories and channels) of customers."""
        return replace(self, categories=EMPTY, channels=EMPTY, needs=replace(self.needs, baskets=False))

    def of_anybody(self) -> Ledger:
        """Return the ledger and its parts without customers who have no entry; codes are renumbered."""
        kept = self.only(self.has_purchase | self.has_return)
        parts = {value: part.of_anybody() for value, part in self.parts.items()}
        return replace(kept, guests=self.guests, dimensions=self.dimensions, parts=parts, needs=self.needs)

    def without_undated_returns(self) -> Ledger:
        """Return the ledger without undated returns, which would leak the future into an earlier day."""
        return replace(self, returns=self.returns.without_undated())

    def of_buyers(self) -> Ledger:
        """Return the ledger of the customers with a purchase."""
        return self.only(self.has_purchase)

    @property
    def first_and_last_day(self) -> tuple[date, date]:
        """First and last day with a purchase or a return of any customer."""
        found = [each for part in self.of_parts(_first_and_last_days) for each in part]
        return calendar_day(min(found)), calendar_day(max(found))


def first_day_with_lines(*lines: DayTotals | Guests) -> int | None:
    """Return the first day with a line, in days since 1970-01-01; None without one."""
    return min((int(each.day.min()) for each in lines if len(each.day)), default=None)


def most_rows(customers: Iterable[tuple[str, int, int]]) -> tuple[tuple[str, int, int], ...]:
    """Return the id, rows and purchase days of the customers with the most rows, most first; ties by id."""
    return tuple(sorted(customers, key=lambda each: (-each[1], each[0].encode()))[:MOST_IDS])


def _busiest(ledger: Ledger) -> tuple[tuple[str, int, int], ...]:
    rows = np.zeros(ledger.purchases.customers, dtype=np.int64)
    for each in ledger.all_lines:
        np.add.at(rows, each.code, each.of("lines"))
    most = np.argsort(-rows, kind="stable")[:MOST_IDS]
    days = ledger.purchases.counts[most].tolist()
    return tuple(zip(ledger.customers.gather(most).to_list(), rows[most].tolist(), days, strict=True))


def _cost_sums(ledger: Ledger, day: int | None) -> Integers:
    seen = [each if day is None else each.until(day) for each in ledger.all_lines]
    return np.array([sum(each.sum_of(name) for each in seen) for name in ("costed", "cost", "costs_known")])


def _first_and_last_days(ledger: Ledger) -> list[int]:
    return [int(end) for each in ledger.all_lines if len(each) for end in (each.day.min(), each.day.max())]


def sum_by_code(all_of: Iterable[DayTotals], name: str, period: Period) -> Integers:
    """Return each customer's sum ``name`` in a period, added over several totals (int64, by code)."""
    first, *rest = (each.sums(name, period) for each in all_of)
    return sum(rest, first)


def _kept(array: Cached) -> Cached:
    array.flags.writeable = False
    return array
