"""Customers who buy in the same weeks of every year: their silence between the seasons is no warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.day_totals import unpack_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.day_totals import DayTotals

YEAR = 365
"""Days between a day and the same days a year ago."""
SEASON_DAYS = 35
"""How far a purchase may lie from the anniversary of the last one: feasts of the moon move by three weeks and more."""
FEWEST_DAYS = YEAR - SEASON_DAYS
"""Between first and last purchase: less has not seen the season come round."""

_TROPICAL_YEAR = 365.2425


def bought_same_season(
    purchases: DayTotals, start: NDArray[np.int64], stop: NDArray[np.int64], day: int
) -> NDArray[np.bool_]:
    """Whether a customer buys in one season of the year only, and did so when it last came round.

    Every purchase lies within 35 days of an anniversary of the last one, in at least two years, and that anniversary
    is not over by more than 35 days.

    Parameters
    ----------
    purchases
        Days with a purchase.
    start, stop
        Of each customer, the range of the purchases by ``day``; never empty.
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
