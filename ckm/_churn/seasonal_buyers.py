"""Seasonal buyers: customers who buy in the same weeks of every year, and get no warning between the seasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.day_totals import unpack_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.day_totals import DayTotals

YEAR = 365
"""Days of a year."""
SEASON_DAYS = 35
"""Largest distance in days from the anniversary of the last purchase; lunar holidays move by three weeks and more."""
FEWEST_DAYS = YEAR - SEASON_DAYS
"""Fewest days from the first to the last purchase: two seasons."""

_TROPICAL_YEAR = 365.2425


def bought_same_season(
    purchases: DayTotals, start: NDArray[np.int64], stop: NDArray[np.int64], day: int
) -> NDArray[np.bool_]:
    """Return whether each customer is a seasonal buyer; shape (n,).

    All purchases of a seasonal buyer are within 35 days of an anniversary of the last purchase, in at least two years,
    and the next anniversary is at most 35 days ago.

    Parameters
    ----------
    purchases
        Purchase days.
    start, stop
        First and end position of each customer's purchases by ``day``; shape (n,), no range is empty.
    day
        The cut-off.
    """
    first, last = unpack_day(purchases.keys[start]), unpack_day(purchases.keys[stop - 1])
    found = (last - first >= FEWEST_DAYS) & (day - last <= YEAR + SEASON_DAYS)
    some = np.flatnonzero(found)
    if not len(some):
        return found
    counts = stop[some] - start[some]
    begins = np.cumsum(counts) - counts
    rows = np.arange(int(counts.sum())) + np.repeat(start[some] - begins, counts)
    apart = (np.repeat(last[some], counts) - unpack_day(purchases.keys[rows])) % _TROPICAL_YEAR
    farthest = np.maximum.reduceat(np.minimum(apart, _TROPICAL_YEAR - apart), begins)
    found[some] = farthest <= SEASON_DAYS
    return found
