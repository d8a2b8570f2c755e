"""What is left of what customers pay: after what they give back, and after the cost of the goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.customers.ledger import SHARE_DIGITS

if TYPE_CHECKING:
    from ckm.metrics.context import ReportContext


@dataclass(frozen=True)
class Margin:
    """Of all customers and all time.

    Attributes
    ----------
    share
        Margin of a unit of net where the cost is known, the rule of
        :class:`ckm.customers.features.Population`; None where it is nowhere, and money is revenue then.
    kept
        Share of the money of purchases that was not paid back for returns, 0 to 1.
    """

    share: float | None
    kept: float

    @property
    def of_net(self) -> float:
        """What a unit of net brings: margin, or all of it where no cost is known."""
        return 1.0 if self.share is None else self.share

    @property
    def of_purchases(self) -> float:
        """What a unit of purchases brings, once returns are taken off."""
        return self.kept * self.of_net


def read_margin(context: ReportContext) -> Margin:
    """Return the margin as known on the day of the report."""
    ledger = context.ledger
    bought, returned = sum(each.sum_of("net") for each in ledger.bought), ledger.returns.sum_of("net")
    kept = min(1.0, max(0.0, (bought + returned) / bought)) if bought > 0 else 1.0
    return Margin(ledger.margin_share(), round(kept, SHARE_DIGITS))
