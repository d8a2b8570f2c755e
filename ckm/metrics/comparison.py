"""Orders and revenue of customers in the period and the comparison period: input of all changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import hypot
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import day_number
from ckm.customers.fixed_intervals import fixed_intervals
from ckm.metrics.customer_balance import KINDS, customer_balance
from ckm.metrics.decomposition import Totals
from ckm.metrics.equal_days import EqualDays
from ckm.metrics.poisson_errors import Sums, error_of_days, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]


MONTH = 28
"""Days of the shortest month. Fixed intervals of at least this length are billing by the calendar."""


@dataclass(frozen=True)
class PeriodComparison:
    """Orders and revenue of each customer in two periods; arrays have one element per customer code.

    Attributes
    ----------
    context
        Context with both periods.
    orders, orders_before
        Orders that begin in each period.
    net, net_before
        Net of purchases and returns, as integers.
    """

    context: ReportContext
    orders: NDArray[np.int32]
    orders_before: NDArray[np.int32]
    net: Integers
    net_before: Integers

    @classmethod
    def of(cls, context: ReportContext) -> PeriodComparison:
        """Return orders and revenue of each customer in the two periods of ``context``."""
        ledger = context.ledger
        return cls(
            context=context,
            orders=ledger.orders_between(context.period),
            orders_before=ledger.orders_between(context.compared),
            net=ledger.net_between(context.period),
            net_before=ledger.net_between(context.compared),
        )

    @property
    def active(self) -> Mask:
        """Mask of customers with a purchase in the period."""
        return self.orders > 0

    @cached_property
    def equal_days(self) -> tuple[EqualDays, EqualDays]:
        """Both periods (previous, this), scaled to the number of days of the shorter period within the data.

        Customers who are billed by the calendar have as many bills in a short month as in a long one, so their periods
        are not scaled.
        """
        covered = [self.context.covered(each) for each in (self.context.compared, self.context.period)]
        shortest = min(each.days for each in covered)
        before, now = (
            EqualDays(self.context.ledger, each, each.days if self.is_billed_by_calendar else shortest)
            for each in covered
        )
        return before, now

    @cached_property
    def is_billed_by_calendar(self) -> bool:
        """Whether most repeat customers buy on fixed days of the month or year, and the data cover both periods."""
        ledger, periods = self.context.ledger, (self.context.compared, self.context.period)
        fixed, returned = fixed_intervals(ledger), int((ledger.purchase_days > 1).sum())
        if fixed is None or fixed.days < MONTH or 2 * fixed.customers < returned:
            return False
        return all(self.context.covered(each) == each for each in periods)

    @property
    def days(self) -> tuple[int, int]:
        """Number of days of the previous and this period that the data cover.

        For customers billed by the calendar, this period's number twice, so that totals are not compared per day.
        """
        before, now = self.equal_days
        if self.is_billed_by_calendar:
            return now.period.days, now.period.days
        return before.period.days, now.period.days

    @cached_property
    def totals(self) -> tuple[Totals, Totals]:
        """Totals of both whole periods (previous, this), without the numbers of customers."""
        before, now = (
            Totals(
                days,
                float(each.active.sum()),
                *(int(of.sum()) for of in (each.all_orders, each.all_purchases, each.all_returns)),
            )
            for days, each in zip(self.days, self.equal_days, strict=True)
        )
        return before, now

    @cached_property
    def sums(self) -> Sums:
        """Sums of customers, orders, purchases and returns over equally many days of both periods."""
        return sums([of for each in self.equal_days for of in each.columns])

    @cached_property
    def kinds(self) -> dict[str, Mask]:
        """Customers by group of :class:`ckm.metrics.customer_balance.CustomerBalance`; each customer is in one group.

        Customers with a return and no purchase in the two periods count as lost: their return belongs to an earlier
        purchase, and a group of their own would usually be too small to be shown.
        """
        kinds = customer_balance(self.context)
        masks = {kind: getattr(kinds, kind) for kind in KINDS}
        # a customer who is new in this period may have bought in an overlapping comparison period
        return {
            **masks,
            "retained": kinds.retained & ~kinds.new,
            "lost": self.has_rows_in_either_period & ~kinds.active,
        }

    @cached_property
    def has_rows_in_either_period(self) -> Mask:
        """Mask of customers with a purchase or return in either period."""
        ledger, periods = self.context.ledger, (self.context.period, self.context.compared)
        returned = sum(ledger.return_days_between(each) for each in periods)
        there: Mask = (self.orders + self.orders_before + returned) > 0
        return there

    @cached_property
    def guest_error(self) -> float:
        """Return the standard error of the change of guest revenue over equally many days."""
        ledger = self.context.ledger
        errors = (error_of_days(guest_days(ledger, each.period)) * each.share for each in self.equal_days)
        return hypot(*errors)


def compare(context: ReportContext) -> PeriodComparison | None:
    """Return the comparison of both periods; None if the data do not cover both."""
    return PeriodComparison.of(context) if context.is_comparable else None


def guest_days(ledger: Ledger, period: Period, *, returns: bool = False) -> Integers:
    """Return the guest revenue of each day of ``period``; with ``returns`` only that of returns. 0 without rows."""
    guests, first = ledger.guests, day_number(period.first)
    within = (guests.day >= first) & (guests.day <= day_number(period.last))
    days = np.zeros(period.days, dtype=np.int64)
    days[guests.day[within] - first] = guests.returns[within] + (0 if returns else guests.purchases[within])
    return days
