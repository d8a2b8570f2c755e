"""History of all customers up to the as-of date, read once per run; snapshots at past days are computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from ckm.customers.baskets import SaleDays
from ckm.customers.calendar import day_number
from ckm.customers.closures import Closure, closures
from ckm.customers.contacts import Contacts, read_contacts
from ckm.customers.day_totals import NEVER
from ckm.customers.definitions import END_OF_TIME
from ckm.customers.deliveries import Deliveries, read_deliveries
from ckm.customers.interpurchase import population_gaps
from ckm.customers.ledger_cache import LedgerCache, cached_ledger
from ckm.customers.ledger_needs import Needs
from ckm.customers.required_tables import TRANSACTIONS
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

T = TypeVar("T")

NEEDS = Needs(amounts=True, baskets=True)


@dataclass(frozen=True)
class History:
    """Ledger, late deliveries and interactions of customers up to the as-of date.

    A customer's code is the position in ``ledger.customers``.

    Attributes
    ----------
    ledger
        Ledger of all customers with a purchase, without undated returns.
    full_ledger
        Ledger of all persons with a purchase or a return, with undated returns; for the margin and closures of the
        shop.
    deliveries
        Late deliveries.
    contacts
        Complaints, invoice events and ratings.
    codes
        Codes in the history of all customers, ascending; None if this one has all.
    shop
        Facts of all customers as of a day, if this history has some of them.
    """

    ledger: Ledger
    full_ledger: Ledger
    deliveries: Deliveries
    contacts: Contacts
    codes: NDArray[np.uint32] | None = None
    shop: Callable[[int], ShopOnDay] | None = None

    @property
    def own_codes(self) -> NDArray[np.uint32]:
        """Codes of these customers in the history of all customers."""
        return np.arange(len(self.customers), dtype=np.uint32) if self.codes is None else self.codes

    @property
    def customers(self) -> pl.Series:
        """Ids of all customers with a purchase, sorted (String)."""
        return self.ledger.customers

    @property
    def first_day(self) -> int:
        """First day with a purchase or a return, in days since 1970-01-01."""
        return day_number(self.full_ledger.first_and_last_day[0])

    @property
    def last_day(self) -> int:
        """Last day with a purchase or a return, in days since 1970-01-01; outcome windows must end by this day."""
        return day_number(self.full_ledger.first_and_last_day[1])

    @property
    def as_of(self) -> int:
        """As-of date, in days since 1970-01-01."""
        return self.ledger.today

    def on(self, day: int) -> ShopOnDay:
        """Return the facts of all customers as of a day."""
        if self.shop is not None:
            return self.shop(day)
        if day not in self._on:
            self._on[day] = ShopOnDay(
                usual=population_gaps(self.ledger.gap_histogram_by(day)),
                margin_share=self.full_ledger.margin_share(day),
                known=frozenset(name for name, first in self._begins.items() if first <= day),
                has_discounts=self.full_ledger.first_day_of("discounts_known") < NEVER,
                lost=self._sold.lost(day),
            )
        return self._on[day]

    @cached_property
    def _on(self) -> dict[int, ShopOnDay]:
        return {}

    @cached_property
    def _begins(self) -> Mapping[str, int]:
        """First day of each kind of data of any customer; ``NEVER`` of :mod:`.day_totals` without one."""
        found = self.ledger.of_parts(_begin_days)
        begins = {name: min(each[name] for each in found) for name in found[0]}
        return begins | {"costs": self.full_ledger.first_day_of("costs_known"), "returns": self.returns_begin}

    @cached_property
    def _sold(self) -> Sold:
        """Days on which the shop sold each category."""
        return Sold.joined(self.ledger.of_parts(Sold.of))

    def of_parts(self, function: Callable[..., T], *columns: NDArray[Any], days: Iterable[int]) -> list[T]:
        """Return the results of a function of histories of disjoint sets of customers, which together have all.

        Parameters
        ----------
        function
            Function of a history and of ``columns``; it asks for facts of all customers (:meth:`on`) of ``days`` only.
        columns
            Arrays by code.
        days
            Days since 1970-01-01.
        """
        if not self.ledger.is_partitioned:
            return [function(self, *columns)]
        job = partial(_of_part, function, self.deliveries, self.contacts, {day: self.on(day) for day in days})
        return self.ledger.of_parts(job, np.arange(len(self.customers), dtype=np.uint32), *columns)

    def only(self, codes: NDArray[np.integer]) -> History:
        """Return the history of the customers ``codes`` (ascending), in memory."""
        chosen = np.zeros(len(self.customers), dtype=np.bool_)
        chosen[codes] = True
        return History(
            ledger=self.ledger.only(chosen).with_entries(),
            full_ledger=self.full_ledger,
            deliveries=self.deliveries.of(codes.astype(np.uint32)),
            contacts=self.contacts.of(codes.astype(np.uint32)),
            codes=codes.astype(np.uint32),
            shop=self.on,
        )

    @cached_property
    def closures(self) -> tuple[Closure, ...]:
        """Closures: periods without sales although sales were expected."""
        return closures(self.ledger.days_with_purchases, self.full_ledger.coverage.days)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks for the user, as sentences."""
        return (*self._undated, *self.deliveries.remarks, *self.contacts.remarks)

    @property
    def returns_begin(self) -> int:
        """First day with a dated return; ``NEVER`` of :mod:`.day_totals` without one."""
        return min(self.full_ledger.of_parts(lambda part: int(part.returns.without_undated().day.min(initial=NEVER))))

    @property
    def _undated(self) -> tuple[str, ...]:
        lines, of_all = self.full_ledger.summed(
            lambda part: np.array([part.returns.sum_of("undated_lines"), part.returns.sum_of("lines")])
        ).tolist()
        if not lines:
            return ()
        share = lines / of_all
        return (
            f"{lines:,} refunds ({share:.0%} of all) have no date and count on the day of the order; "
            "churn features do not use them",
        )


@dataclass(frozen=True)
class ShopOnDay:
    """Facts of all customers as of a day, on which the features of each customer depend.

    Attributes
    ----------
    usual
        Median and 80th percentile of the interpurchase intervals; None without intervals.
    margin_share
        Margin ÷ net of lines with a known cost; None without one.
    known
        Which of ``discounts``, ``costs``, ``returns``, ``categories`` and ``channels`` any customer has by the day.
    has_discounts
        Whether any line has a discount, also after the day.
    lost
        Discontinued categories (:meth:`ckm.customers.baskets.SaleDays.discontinued`).
    """

    usual: tuple[float | None, float | None]
    margin_share: float | None
    known: frozenset[str]
    has_discounts: bool
    lost: frozenset[str]


@dataclass(frozen=True)
class Sold:
    """Days on which a shop sold each category; ``names`` by item number of ``sale_days``."""

    names: pl.Series
    sale_days: SaleDays

    @classmethod
    def of(cls, ledger: Ledger) -> Sold:
        """Return the sales to the customers and guests of a ledger."""
        return cls(ledger.categories.names, ledger.categories.sale_days)

    @classmethod
    def joined(cls, parts: list[Sold]) -> Sold:
        """Return the sales of all parts."""
        if len(parts) == 1:
            return parts[0]
        sold = pl.concat(
            [
                pl.DataFrame({"name": each.names.gather(each.sale_days.items), "day": each.sale_days.days})
                for each in parts
            ]
        ).unique()
        names = sold["name"].unique().sort()
        items = sold["name"].cast(pl.Enum(names.drop_nulls())).to_physical().cast(pl.Int64).to_numpy()
        return cls(names.drop_nulls(), SaleDays(items, sold["day"].to_numpy(), np.ones(len(items), np.int64)))

    def lost(self, day: int) -> frozenset[str]:
        """Return the names of the discontinued categories by a day."""
        return frozenset(self.names.gather(np.flatnonzero(self.sale_days.discontinued(day))).to_list())


def _begin_days(ledger: Ledger) -> dict[str, int]:
    return {
        "discounts": ledger.purchases.first_day_of("discounts_known"),
        "categories": ledger.categories.first_day,
        "channels": ledger.channels.first_day,
    }


def _of_part(
    function: Callable[..., T],
    deliveries: Deliveries,
    contacts: Contacts,
    shop: Mapping[int, ShopOnDay],
    ledger: Ledger,
    codes: NDArray[np.uint32],
    *columns: NDArray[Any],
) -> T:
    part = History(ledger, ledger, deliveries.of(codes), contacts.of(codes), codes, shop.__getitem__)
    return function(part, *columns)


def read_history(
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None = None,
    time_zone: str = "UTC",
    cache: LedgerCache | None = None,
    keep_stray_dates: bool = False,
    full_ledger: Ledger | None = None,
) -> History:
    """Read transactions and interactions into a history.

    Parameters
    ----------
    tables
        ``transactions``, with the columns of :class:`ckm.schema.Transactions`; of these ``order_id``, ``category``,
        ``channel``, ``cost``, ``discount``, ``promised_on`` and ``delivered_on`` may be absent. ``interactions`` is
        optional.
    as_of
        As-of date; later rows are not read. Default: the newest usual day.
    time_zone
        Time zone of the days.
    cache
        Cache of the workspace, if any.
    keep_stray_dates
        Whether rows with a stray date are used; see :func:`ckm.customers.ledger_reader.read_ledger`.
    full_ledger
        Ledger of the transactions, if it was read already with :data:`NEEDS`.

    Raises
    ------
    InputError, UsageError, NotEnoughDataError
        As :func:`ckm.customers.ledger_reader.read_ledger`.
    """
    full_ledger = full_ledger or cached_ledger(
        tables, cache, as_of=as_of, time_zone=time_zone, needs=NEEDS, keep_stray_dates=keep_stray_dates
    )
    ledger = full_ledger.of_buyers().without_undated_returns()
    codes = pl.col("customer_id").cast(pl.String).cast(pl.Enum(ledger.customers), strict=False)
    code = codes.to_physical().cast(pl.UInt32)
    return History(
        ledger=ledger,
        full_ledger=full_ledger,
        deliveries=read_deliveries(full_ledger, tables[TRANSACTIONS], code, since=day_number(full_ledger.begins)),
        contacts=read_contacts(
            tables.get("interactions"),
            code,
            # without an as-of date, interactions may be later than the last transaction
            until=end_of_day(as_of, time_zone) if as_of else END_OF_TIME,
            time_zone=time_zone,
        ),
    )
