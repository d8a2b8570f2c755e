"""What every customer did in the period and in the one before: what changes are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import hypot
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import day_number
from ckm.customers.fixed_intervals import fixed_intervals
from ckm.metrics.customer_balance import KINDS, standing
from ckm.metrics.decomposition import Totals
from ckm.metrics.equal_days import EqualDays
from ckm.metrics.poisson_errors import Sums, error_of_days, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext

    Whole = NDArray[np.int64]
    Mask = NDArray[np.bool_]


MONTH = 28
"""Days, of the shortest: a fixed interval at least as long goes by the calendar."""


@dataclass(frozen=True)
class PeriodComparison:
    """Customers in two periods; every array is by code.

    Attributes
    ----------
    context
        Ledger of both periods.
    orders, orders_before
        Orders that begin in each.
    net, net_before
        Money of purchases and returns, whole numbers.
    """

    context: ReportContext
    orders: Whole
    orders_before: Whole
    net: Whole
    net_before: Whole

    @classmethod
    def of(cls, context: ReportContext) -> PeriodComparison:
        """Return the two periods of a context side by side."""
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
        """Who bought in the period."""
        return self.orders > 0

    @cached_property
    def equal_days(self) -> tuple[EqualDays, EqualDays]:
        """Before, and now: in as many days as the shorter one has of those that the data cover.

        Where customers are billed by the calendar, a longer month has no more bills than a shorter one: whole periods.
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
        """Whether most repeat customers buy on fixed days of the month or the year, and the data cover both periods."""
        gaps, periods = self.context.ledger.gaps, (self.context.compared, self.context.period)
        fixed, returned = fixed_intervals(gaps), int((gaps.counts() > 0).sum())
        if fixed is None or fixed.days < MONTH or 2 * fixed.customers < returned:
            return False
        return all(self.context.covered(each) == each for each in periods)

    @property
    def days(self) -> tuple[int, int]:
        """Days of both periods that the data cover: before, and now; as many where they make no difference."""
        before, now = self.equal_days
        if self.is_billed_by_calendar:
            return now.period.days, now.period.days
        return before.period.days, now.period.days

    @cached_property
    def totals(self) -> tuple[Totals, Totals]:
        """Before, and now: of the whole periods, customers aside."""
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
        """Of customers, orders, purchases and returns in equally many days before, and of the same now."""
        return sums([of for each in self.equal_days for of in each.columns])

    @cached_property
    def kinds(self) -> dict[str, Mask]:
        """Customers by group of :class:`ckm.metrics.customer_balance.CustomerBalance`; each customer is in one.

        Who bought in neither period and returned something is with the lost: a handful as a rule, too few to be shown
        by themselves, and what they take back is the end of an earlier purchase.
        """
        kinds = standing(self.context)
        masks = {kind: getattr(kinds, kind) for kind in KINDS}
        # Where the periods overlap, who is new in this one may have bought in the other too.
        return {**masks, "retained": kinds.retained & ~kinds.new, "lost": self.there & ~kinds.active}

    @cached_property
    def there(self) -> Mask:
        """Who bought or returned anything in one of the periods."""
        ledger, periods = self.context.ledger, (self.context.period, self.context.compared)
        returned = sum(ledger.returns.counts_in(each) for each in periods)
        there: Mask = (self.orders + self.orders_before + returned) > 0
        return there

    @cached_property
    def till_error(self) -> float:
        """Standard error of the change of what has no customer in equally many days, by the days of both periods."""
        ledger = self.context.ledger
        errors = (error_of_days(till_days(ledger, each.period)) * each.share for each in self.equal_days)
        return hypot(*errors)


def compare(context: ReportContext) -> PeriodComparison | None:
    """Return the two periods side by side; None where the data do not cover both."""
    return PeriodComparison.of(context) if context.is_comparable else None


def till_days(ledger: Ledger, period: Period, *, returns: bool = False) -> Whole:
    """Return the money of what has no customer on each day of a period, or of its returns; zero without any."""
    till, first = ledger.guests, day_number(period.first)
    within = (till.day >= first) & (till.day <= day_number(period.last))
    days = np.zeros(period.days, dtype=np.int64)
    days[till.day[within] - first] = till.returns[within] + (0 if returns else till.purchases[within])
    return days
