"""Customers who buy at fixed intervals: subscriptions and clubs billed weekly, monthly or quarterly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.interpurchase import Gaps
    from ckm.customers.ledger import Ledger

FEWEST_GAPS = 3
"""Fewest intervals of a customer to detect a fixed one."""
MOST_APART = 3
"""Largest difference in days between the intervals of a customer with a fixed interval: months have 28 to 31 days."""
SHORTEST = 6
"""Shortest fixed interval in days. With a shorter one, a difference of :data:`MOST_APART` days would not be fixed."""
MISSED = 0.1
"""Largest share of a customer's intervals that may be longer than the fixed one, because of an unpaid bill or a skipped
delivery."""
SHARE = 0.5
"""Smallest share of customers with a fixed interval, among those with enough intervals, for :func:`fixed_intervals`."""


@dataclass(frozen=True)
class FixedIntervals:
    """Fixed intervals of a shop's customers.

    Attributes
    ----------
    customers, of
        Number of customers with a fixed interval, and of customers with at least :data:`FEWEST_GAPS` intervals.
    days
        95th percentile of the fixed intervals.
    mean_days
        Mean of all fixed intervals: a month has 30.4 days.
    """

    customers: int
    of: int
    days: int
    mean_days: float

    @property
    def reason(self) -> str:
        """The fixed interval as text that can follow the words "shorter than"."""
        return f"the fixed interval of {self.days} days at which {self.customers:,} of {self.of:,} repeat customers buy"


def fixed_intervals(ledger: Ledger) -> FixedIntervals | None:
    """Return the fixed intervals of customers; None if fewer than half of the customers with enough intervals have one.

    A customer has a fixed interval if nine in ten of at least three intervals differ by at most 3 days, and are 6 days
    or longer.
    """
    found = ledger.of_parts(lambda part: _usual(part.gaps))
    some, days, count = (
        sum(each) for each in zip(*((some, days, count) for some, _, days, count in found), strict=True)
    )
    longest = np.concatenate([each for _, each, _, _ in found])
    if not some or len(longest) < SHARE * some:
        return None
    return FixedIntervals(
        customers=len(longest),
        of=some,
        days=int(np.quantile(longest, 0.95, method="higher")),
        mean_days=days / count,
    )


def _usual(gaps: Gaps) -> tuple[int, NDArray[np.int32], int, int]:
    """Return the customers with enough intervals, and of those with a fixed interval the longest, sum and number."""
    counts = gaps.counts()
    starts = np.cumsum(counts) - counts
    some = np.flatnonzero(counts >= FEWEST_GAPS)
    # intervals are sorted by customer and length: those with a skipped purchase are the last
    usual = counts[some] - np.floor(counts[some] * MISSED).astype(np.int64)
    shortest, longest = gaps.lengths[starts[some]], gaps.lengths[starts[some] + usual - 1]
    fixed = (longest - shortest <= MOST_APART) & (shortest >= SHORTEST)
    until = np.concatenate([[0], np.cumsum(gaps.lengths, dtype=np.int64)])
    first = starts[some[fixed]]
    days = until[first + usual[fixed]] - until[first]
    return len(some), longest[fixed], int(days.sum()), int(usual[fixed].sum())
