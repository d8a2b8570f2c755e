"""Customer balance of a period against the comparison period: new, retained, reactivated, lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.customers.calendar import day_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ckm.metrics.context import ReportContext

    Mask = NDArray[np.bool_]

KINDS = ("new", "retained", "reactivated", "lost")


@dataclass(frozen=True)
class CustomerBalance:
    """Masks of four groups of customers, with one element per customer code; no customer is in two groups.

    Every customer active in the period is new, retained or reactivated, and every one active in the previous period is
    retained or lost:

        active = new + retained + reactivated
        active before = retained + lost

    Attributes
    ----------
    new
        Active, with the first purchase ever in the period.
    retained
        Active in both periods.
    reactivated
        Active in the period but not in the previous one, with the first purchase before the period.
    lost
        Active in the previous period, not in the period. If the comparison is with the year before, a lost customer may
        have bought between the two periods.
    """

    new: Mask
    retained: Mask
    reactivated: Mask
    lost: Mask

    @property
    def active(self) -> Mask:
        """Mask of customers with a purchase in the period."""
        return self.new | self.retained | self.reactivated

    @property
    def active_before(self) -> Mask:
        """Mask of customers with a purchase in the previous period."""
        return self.retained | self.lost


def customer_balance(context: ReportContext) -> CustomerBalance:
    """Return the balance of the customers of a ledger.

    The first purchase in the data counts as the first, also if earlier purchases are not in the data.
    """
    ledger = context.ledger
    active = ledger.bought_between(context.period)
    before = ledger.bought_between(context.compared)
    is_new = active & (ledger.first_day >= day_number(context.period.first))
    return CustomerBalance(
        new=is_new, retained=active & before, reactivated=active & ~before & ~is_new, lost=before & ~active
    )
