"""Margin share of the customers' purchases, after returns and cost of goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.ledger import SHARE_DIGITS

if TYPE_CHECKING:
    from ckm.metrics.context import ReportContext


@dataclass(frozen=True)
class Margin:
    """Margin of all customers over all time.

    Attributes
    ----------
    share
        Margin ÷ net of lines with a known cost, as in :class:`ckm.customers.features.Population`; None without a known
        cost, and values are then revenue.
    kept
        Share of the value of purchases that was not refunded, 0 to 1.
    """

    share: float | None
    kept: float

    @property
    def of_net(self) -> float:
        """Margin per unit of net; 1 without a known cost."""
        return 1.0 if self.share is None else self.share

    @property
    def of_purchases(self) -> float:
        """Margin per unit of purchases, after returns."""
        return self.kept * self.of_net


def read_margin(context: ReportContext) -> Margin:
    """Return the margin of all customers as of the as-of date."""
    ledger = context.ledger
    bought, returned = ledger.summed(
        lambda part: np.array([sum(each.sum_of("net") for each in part.bought), part.returns.sum_of("net")])
    ).tolist()
    kept = min(1.0, max(0.0, (bought + returned) / bought)) if bought > 0 else 1.0
    return Margin(ledger.margin_share(), round(kept, SHARE_DIGITS))
