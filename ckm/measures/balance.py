"""The balance of customers in rhythm, month by month, from the ledger."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ckm.churning.gaps import quantiles
from ckm.churning.timeline import day_number
from ckm.feature_table.view import months_before
from ckm.measures.entries import NO_DAY
from ckm.models.rhythm import shrunk_gap
from ckm.segmentation.lifecycle.flows import COUNTS

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.measures.ledger import Ledger
    from ckm.segmentation.lifecycle.definition import LifecycleDefinition

    Mask = NDArray[np.bool_]

MONTHS = 12
LONG_SHARE = 0.8
"""A long gap is longer than this share of the own ones."""


class Balance(NamedTuple):
    """Customers in rhythm at both ends of a month; columns as in :class:`ckm.segmentation.lifecycle.flows.Flows`."""

    month: date
    counts: dict[str, int]


def balances(ledger: Ledger, definition: LifecycleDefinition) -> tuple[Balance, ...]:
    """Balance the customers in rhythm over the last twelve calendar months, the last one up to the as-of date.

    The same numbers as :func:`ckm.segmentation.lifecycle.flows.lifecycle_flows` gives; from one end to the next only
    who bought in between is looked at anew.
    """
    rhythm, first_day, as_of = _Rhythm(ledger, definition), ledger.first_day, ledger.as_of
    starts = [months_before(as_of.replace(day=1), back) for back in range(MONTHS - 1, -1, -1)]
    begun = ledger.visits.day.min(initial=NO_DAY)
    starts = [start for start in starts if day_number(months_before(start, -1)) > begun]
    ends = [start - timedelta(1) for start in starts] + [as_of]
    then, found = rhythm.at(day_number(ends[0])), []
    for start, (before, end) in zip(starts, pairwise(ends), strict=True):
        now = rhythm.at(day_number(end))
        is_new = first_day > day_number(before)
        kinds = {
            "active_before": then,
            "new": now & is_new,
            "retained": now & then,
            "won_back": now & ~then & ~is_new,
            "lost": ~now & then,
            "active": now,
        }
        found.append(Balance(start, {kind: int(kinds[kind].sum()) for kind in COUNTS}))
        then = now
    return tuple(found)


class _Rhythm:
    """Who is in rhythm at one day after the other."""

    def __init__(self, ledger: Ledger, definition: LifecycleDefinition) -> None:
        self._ledger, self._definition = ledger, definition
        self._until = int(np.iinfo(np.int32).min)
        count = len(ledger.customers)
        self._last = np.full(count, NO_DAY, dtype=np.int64)
        self._long = np.full(count, np.nan)
        self._counts = ledger.gaps.counts()
        self._starts = np.cumsum(self._counts) - self._counts

    def at(self, day: int) -> Mask:
        """By code; the days must ascend."""
        visits = self._ledger.visits
        since = np.flatnonzero((visits.day > self._until) & (visits.day <= day))
        buyers = visits.code[since]
        self._last[buyers] = visits.day[since]  # ascending within a customer, so that the last one stays
        changed = np.zeros(len(self._last), dtype=bool)
        changed[buyers] = True
        self._long[changed] = self._long_gaps(changed, day)
        self._until = day
        frame = pl.DataFrame({"silence": (day - self._last) / self._long})
        in_rhythm = frame.select(self._definition.is_in_rhythm(pl.col("silence").fill_nan(None)))["silence"]
        return in_rhythm.fill_null(value=False).to_numpy()

    def _long_gaps(self, changed: Mask, day: int) -> NDArray[np.float64]:
        """Long gaps of some customers, from the own gaps that had ended by a day."""
        gaps, definition = self._ledger.gaps, self._definition
        seen = np.repeat(changed, self._counts)  # as long as there are gaps: they stand by customer
        seen &= gaps.ends <= day
        kept = np.flatnonzero(seen)
        starts = np.searchsorted(kept, self._starts[changed])
        counts = np.diff(starts, append=len(kept))
        own = quantiles(gaps.lengths[kept], starts, counts, LONG_SHARE)
        frame = pl.DataFrame({"own": own, "gaps": counts}).with_columns(pl.col("own").fill_nan(None))
        shrunk = shrunk_gap(pl.col("own"), pl.col("gaps"), definition.gap_p80_days)
        return frame.select(long=definition.long_gap_days(shrunk))["long"].to_numpy()
