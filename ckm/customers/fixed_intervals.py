"""Customers who buy on fixed days: subscriptions and clubs that are billed each week, month or quarter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ckm.customers.interpurchase import Gaps

FEWEST_GAPS = 3
"""Fewest gaps of a customer with fixed days."""
MOST_APART = 3
"""Days by which the gaps of a customer with fixed days differ at most: months have 28 to 31 days."""
SHORTEST = 6
"""Days; customers of a shorter interval buy nearly every day, and differ by as much."""
MISSED = 0.1
"""Share of the gaps that may be a multiple of the interval: a bill that was not paid, a delivery that was left out."""
SHARE = 0.5
"""Of the customers with enough gaps: share with fixed days from which the shop has fixed days."""


@dataclass(frozen=True)
class FixedIntervals:
    """How customers with fixed days buy.

    Attributes
    ----------
    customers, of
        Customers with fixed days, and customers with enough gaps.
    days
        The interval that 95 % of them do not exceed.
    mean_days
        Mean of the gaps of all of them: a month has 30.4 days.
    """

    customers: int
    of: int
    days: int
    mean_days: float

    @property
    def reason(self) -> str:
        """The interval in words, for use after "shorter than"."""
        return f"the fixed interval of {self.days} days at which {self.customers:,} of {self.of:,} repeat customers buy"


def fixed_intervals(gaps: Gaps) -> FixedIntervals | None:
    """Return how customers with fixed days buy; None where fewer than half of the repeat customers have such days.

    A customer has fixed days where nine in ten of at least three gaps lie within 3 days of each other, and are 6 days
    or longer.
    """
    counts = gaps.counts()
    starts = np.cumsum(counts) - counts
    some = np.flatnonzero(counts >= FEWEST_GAPS)
    if not len(some):
        return None
    # gaps stand by customer and length: what is missed makes long ones, at the end
    usual = counts[some] - np.floor(counts[some] * MISSED).astype(np.int64)
    shortest, longest = gaps.lengths[starts[some]], gaps.lengths[starts[some] + usual - 1]
    fixed = (longest - shortest <= MOST_APART) & (shortest >= SHORTEST)
    if fixed.sum() < SHARE * len(some):
        return None
    usual_gaps = np.concatenate(
        [np.arange(start, start + many) for start, many in zip(starts[some[fixed]], usual[fixed], strict=True)]
    )
    return FixedIntervals(
        customers=int(fixed.sum()),
        of=len(some),
        days=int(np.quantile(longest[fixed], 0.95, method="higher")),
        mean_days=float(gaps.lengths[usual_gaps].mean()),
    )
