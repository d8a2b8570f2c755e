"""History of all customers up to the as-of date, read once per run; snapshots at past days are computed from it."""

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
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm.customers.ledger import Ledger

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
    """

    ledger: Ledger
    full_ledger: Ledger
    deliveries: Deliveries
    contacts: Contacts

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
        return int(self.full_ledger.returns.without_undated().day.min(initial=NEVER))

    @property
    def _undated(self) -> tuple[str, ...]:
        returns = self.full_ledger.returns
        if not (lines := returns.sum_of("undated_lines")):
            return ()
        share = lines / returns.sum_of("lines")
        return (
            f"{lines:,} refunds ({share:.0%} of all) have no date and count on the day of the order; "
            "churn features do not use them",
        )


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
        deliveries=read_deliveries(
            tables[TRANSACTIONS],
            code,
            since=day_number(full_ledger.begins),
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
