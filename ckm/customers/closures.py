"""Times in which the shop sold nothing though it usually would have: it was closed, or data are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import calendar_day
from ckm.customers.coverage import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST = 28
"""Days without a purchase that may be a closure; holidays are shorter."""
PAUSES = 2.0
"""Times the median pause between two days with a purchase: a club that bills on one day of the month has a pause of a
month, and is not closed in between."""
EXPECTED = 20.0
"""Purchases that so long a time would have seen at the usual rate: by chance none come once in 500 million times."""
RATE_DAYS = 90
"""Days on either side from which the usual rate is taken, the smaller of both."""


@dataclass(frozen=True)
class Closure:
    """Days without any purchase, in days since 1970-01-01.

    Attributes
    ----------
    first, last
        The first and the last of them.
    """

    first: int
    last: int

    @property
    def days(self) -> int:
        """How many days."""
        return self.last - self.first + 1

    @property
    def sentence(self) -> str:
        """What a reader should know."""
        return (
            f"no sale from {calendar_day(self.first)} to {calendar_day(self.last)} ({counted(self.days, 'day')}): the "
            "shop was closed, or data are missing"
        )


def closures(days: NDArray[np.integer]) -> tuple[Closure, ...]:
    """Return the times in which a shop sold nothing though it usually would have, earliest first.

    Parameters
    ----------
    days
        The day of each purchase, in days since 1970-01-01; in any order.
    """
    there, counts = np.unique(days, return_counts=True)
    before = np.concatenate([[0], np.cumsum(counts)])
    found = []
    pauses = np.diff(there)
    usual = float(np.median(pauses)) if len(pauses) else 0.0
    for position in np.flatnonzero(pauses > max(SHORTEST, PAUSES * usual)):
        first, last = int(there[position]) + 1, int(there[position + 1]) - 1
        since = before[np.searchsorted(there, first - RATE_DAYS)]
        until = before[np.searchsorted(there, last + RATE_DAYS, side="right")]
        mid = before[position + 1]
        rate = min(
            (mid - since) / min(RATE_DAYS, first - int(there[0])),
            (until - mid) / min(RATE_DAYS, int(there[-1]) - last),
        )
        if rate * (last - first + 1) >= EXPECTED:
            found.append(Closure(first, last))
    return tuple(found)
