"""History of all customers up to a day, read once per run; snapshots at any past day are computed from this history."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.calendar import day_number
from ckm.customers.closures import Closure, closures
from ckm.customers.contacts import Contacts, read_contacts
from ckm.customers.day_totals import NEVER
from ckm.customers.definitions import END_OF_TIME
from ckm.customers.deliveries import Deliveries, read_deliveries
from ckm.customers.ledger_cache import LedgerCache, cached_ledger
from ckm.customers.ledger_needs import Needs
from ckm.customers.required_tables import TRANSACTIONS
from ckm.settings import end_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm.customers.ledger import Ledger

NEEDS = Needs(amounts=True, baskets=True)


@dataclass(frozen=True)
class History:
    """Ledger, deliveries and contacts of customers up to a day.

    A customer's code is the position in ``ledger.customers``.

    Attributes
    ----------
    ledger
        Ledger of all customers with a purchase, without undated returns.
    everybody
        The same ledger including persons with returns only: they count for the shop's margin but are no customers.
    deliveries
        Late deliveries.
    contacts
        Complaints, events about invoices, ratings.
    """

    ledger: Ledger
    everybody: Ledger
    deliveries: Deliveries
    contacts: Contacts

    @property
    def customers(self) -> pl.Series:
        """Ids of all customers with a purchase, sorted (String)."""
        return self.ledger.customers

    @property
    def first_day(self) -> int:
        """First day with a purchase or a return."""
        return day_number(self.everybody.first_and_last_day[0])

    @property
    def last_day(self) -> int:
        """Last day with a purchase or a return; outcome windows must end by this day."""
        return day_number(self.everybody.first_and_last_day[1])

    @property
    def as_of(self) -> int:
        """Last day of the data that were read."""
        return self.ledger.today

    @cached_property
    def closures(self) -> tuple[Closure, ...]:
        """Closures: times without sales in which sales were expected."""
        return closures(self.ledger.purchases.day, self.everybody.coverage.days)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks for the user, as sentences."""
        return (*self._undated, *self.deliveries.remarks, *self.contacts.remarks)

    @property
    def returns_begin(self) -> int:
        """First day with a dated return; ``NEVER`` of :mod:`.day_totals` without one."""
        return int(self.everybody.returns.without_undated().day.min(initial=NEVER))

    @property
    def _undated(self) -> tuple[str, ...]:
        returns = self.everybody.returns
        if not (lines := returns.sum_of("undated_lines")):
            return ()
        share = lines / returns.sum_of("lines")
        return (
            f"{lines:,} refunds ({share:.0%} of all) have no day of their own and are on the day of the order; "
            "no feature is made of them",
        )


def read_history(
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None = None,
    time_zone: str = "UTC",
    cache: LedgerCache | None = None,
    keep_stray_dates: bool = False,
    everybody: Ledger | None = None,
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
        Whether rows of stray dates count; see :func:`ckm.customers.ledger_reader.read_ledger`.
    everybody
        Ledger of the transactions, if read already with :data:`NEEDS`.

    Raises
    ------
    InputError, UsageError, NotEnoughDataError
        As :func:`ckm.customers.ledger_reader.read_ledger`.
    """
    everybody = everybody or cached_ledger(
        tables, cache, as_of=as_of, time_zone=time_zone, needs=NEEDS, keep_stray_dates=keep_stray_dates
    )
    ledger = everybody.of_buyers().without_undated_returns()
    codes = pl.col("customer_id").cast(pl.String).cast(pl.Enum(ledger.customers), strict=False)
    code = codes.to_physical().cast(pl.UInt32)
    return History(
        ledger=ledger,
        everybody=everybody,
        deliveries=read_deliveries(
            tables[TRANSACTIONS],
            code,
            since=day_number(everybody.begins),
            as_of=ledger.today,
            time_zone=time_zone,
        ),
        contacts=read_contacts(
            tables.get("interactions"),
            code,
            # without an as-of date, interactions may be later than the last transaction
            until=end_of_day(as_of, time_zone) if as_of else END_OF_TIME,
            time_zone=time_zone,
        ),
    )
