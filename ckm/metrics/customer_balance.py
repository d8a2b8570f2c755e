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
    """Disjoint masks by code.

    Every customer active in the period is new, retained or reactivated, and every one active in the previous period is
    retained or lost:

        active = new + retained + reactivated
        active before = retained + lost

    Attributes
    ----------
    new
        Active, and the first purchase ever lies in the period.
    retained
        Active in both periods.
    reactivated
        Active, not in the previous period, and bought first before this one.
    lost
        Active in the previous period, not in this one. A year-ago comparison leaves a time between the two: who is lost
        may have bought in it.
    """

    new: Mask
    retained: Mask
    reactivated: Mask
    lost: Mask

    @property
    def active(self) -> Mask:
        """With a purchase in the period."""
        return self.new | self.retained | self.reactivated

    @property
    def active_before(self) -> Mask:
        """With a purchase in the previous period."""
        return self.retained | self.lost


def standing(context: ReportContext) -> CustomerBalance:
    """Return the balance of the customers of a ledger.

    Who bought before the data begin counts as new at the first purchase in them.
    """
    ledger = context.ledger
    active = ledger.bought_between(context.period)
    before = ledger.bought_between(context.compared)
    is_new = active & (ledger.first_day >= day_number(context.period.first))
    return CustomerBalance(
        new=is_new, retained=active & before, reactivated=active & ~before & ~is_new, lost=before & ~active
    )
