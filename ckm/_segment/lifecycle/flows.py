"""Active customer flow per period: customers who are new, retained, reactivated and no longer active.

For consecutive periods, with *active* customers as of the end of each (:mod:`ckm._segment.lifecycle`),

    active(t)     = new + retained + reactivated
    active(t - 1) = retained + no longer active

in every period: each customer is active or not at both ends, and made the first purchase within the period or before
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.day_totals import NO_DAY
from ckm.customers.interpurchase import LONG_SHARE, purchase_interval, quantiles
from ckm.errors import UnknownNameError, UsageError
from ckm.models.purchase_interval import shrunk_gap
from ckm.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm._segment.lifecycle.definition import LifecycleDefinition
    from ckm.customers.ledger import Ledger

    Mask = NDArray[np.bool_]

MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""Periods of the calendar, and their numbers of months."""
COUNTS = ("active_before", "new", "retained", "reactivated", "no_longer_active", "active")


@dataclass(frozen=True)
class Flows:
    """Active customer flow by period.

    Attributes
    ----------
    frame
        One row per period, ascending: period (``2026-06``, ``2026-Q2`` or ``2026``), end (Date, last day of the
        period), then customers (Int64): active_before (active at the end of the previous period), new
        (of those active now, who bought first within the period), retained (active at both ends), reactivated
        (active now but not before, first purchase earlier), no_longer_active (active before; cooling or lapsed now),
        active (active now).
    period
        ``month``, ``quarter`` or ``year``.
    remarks
        Remarks for the user, as sentences.
    """

    frame: pl.DataFrame
    period: str
    remarks: tuple[str, ...]


def lifecycle_flows(
    ledger: Ledger, definition: LifecycleDefinition, *, period: str = "month", periods: int = 12
) -> Flows:
    """Return the active customer flow of the last periods up to the ledger's day.

    Each end uses only the purchases by then, and equals the result of :meth:`LifecycleDefinition.assign`. From one end
    to the next, only customers with purchases in between are computed again.

    Parameters
    ----------
    ledger
        Ledger; the last period contains its day and ends with it.
    definition
        Thresholds, and the population's purchase intervals; the same for all periods.
    period
        ``month``, ``quarter`` or ``year``.
    periods
        Maximum number of periods; none begins before the first purchase.

    Raises
    ------
    UsageError
        Unknown period, or fewer than one period.
    """
    as_of = ledger.as_of
    starts = _starts(as_of, period, periods)
    first = calendar_day(int(ledger.days_with_purchases[0][0]))
    starts = [start for start, following in zip(starts, [*starts[1:], date.max], strict=True) if following > first]
    ends = [start - timedelta(days=1) for start in starts] + [as_of]

    counts = ledger.summed(lambda part: _balances(part, definition, [day_number(end) for end in ends]))
    rows = [
        {"period": _label(start, period), "end": end, **dict(zip(COUNTS, each, strict=True))}
        for start, end, each in zip(starts, ends[1:], counts[:, :-1].tolist(), strict=True)
    ]
    return Flows(pl.DataFrame(rows), period, _remarks(starts, period, as_of, first, int(counts[:, -1].sum())))


def _balances(ledger: Ledger, definition: LifecycleDefinition, ends: list[int]) -> NDArray[np.int64]:
    """Return the counts of :func:`_balance` of each period; ``ends`` are the days before and at its ends."""
    activity, first, rows = _Activity(ledger, definition), ledger.first_day, []
    then = activity.at(ends[0])
    for before, end in pairwise(ends):
        now = activity.at(end)
        counts = _balance(then, now, is_new=first > before, end=first <= end)
        rows.append([counts[name] for name in (*COUNTS, "unseen")])
        then = now
    return np.array(rows, dtype=np.int64).reshape(-1, len(COUNTS) + 1)


def _starts(as_of: date, period: str, periods: int) -> list[date]:
    """Return the first day of each of the last ``periods`` periods, oldest first; the last one contains ``as_of``."""
    if period not in MONTHS:
        raise UnknownNameError("period", period, MONTHS)
    if periods < 1:
        raise UsageError(f"invalid number of periods {periods}: at least 1 is needed")
    months = MONTHS[period]
    latest = (as_of.year * 12 + as_of.month - 1) // months
    numbers = (number * months for number in range(latest - periods + 1, latest + 1))
    return [date(number // 12, number % 12 + 1, 1) for number in numbers if number > 12]


def _following(start: date, period: str) -> date:
    number = start.year * 12 + start.month - 1 + MONTHS[period]
    return date(number // 12, number % 12 + 1, 1)


def _label(start: date, period: str) -> str:
    if period == "year":
        return f"{start.year}"
    return f"{start.year}-Q{start.month // 3 + 1}" if period == "quarter" else f"{start:%Y-%m}"


def _balance(then: Mask, now: Mask, *, is_new: Mask, end: Mask) -> dict[str, int]:
    """Return the customer counts of a period by the names of :data:`COUNTS`.

    ``then`` and ``now`` are masks of active customers at the previous and this period's end; ``is_new`` of customers
    whose first purchase is in the period; ``end`` of customers with a purchase by its end.
    """
    kinds = {
        "active_before": then,
        "new": now & is_new,
        "retained": now & then,
        "reactivated": now & ~then & ~is_new,
        "no_longer_active": ~now & then,
        "active": now,
        "unseen": ~now & is_new & end,
    }
    return {name: int(kind.sum()) for name, kind in kinds.items()}


class _Activity:
    """Active customers at consecutive days."""

    def __init__(self, ledger: Ledger, definition: LifecycleDefinition) -> None:
        self._ledger, self._definition = ledger, definition
        self._until = int(np.iinfo(np.int32).min)
        count = len(ledger.customers)
        self._last = np.full(count, NO_DAY, dtype=np.int64)
        self._long = np.full(count, np.nan)
        self._counts = ledger.gaps.counts()
        self._starts = np.cumsum(self._counts) - self._counts

    def at(self, day: int) -> Mask:
        """Return whether each customer is active at ``day``, shape (customers,); call it with ascending days."""
        purchases = self._ledger.purchases
        since = np.flatnonzero((purchases.day > self._until) & (purchases.day <= day))
        buyers = purchases.code[since]
        self._last[buyers] = purchases.day[since]  # ascending within a customer, so that the last assignment applies
        changed = np.zeros(len(self._last), dtype=bool)
        changed[buyers] = True
        self._long[changed] = self._long_gaps(changed, day)
        self._until = day
        frame = pl.DataFrame({"silence": (day - self._last) / self._long})
        is_active_now = frame.select(self._definition.is_active(pl.col("silence").fill_nan(None)))["silence"]
        return is_active_now.fill_null(value=False).to_numpy()

    def _long_gaps(self, changed: Mask, day: int) -> NDArray[np.float64]:
        """Return the long gaps of the customers ``changed``, from purchase intervals that had ended by ``day``."""
        gaps, definition = self._ledger.gaps, self._definition
        seen = np.repeat(changed, self._counts)  # one element per gap, sorted by customer
        seen &= gaps.ends <= day
        kept = np.flatnonzero(seen)
        starts = np.searchsorted(kept, self._starts[changed])
        counts = np.diff(starts, append=len(kept))
        lengths = gaps.lengths[kept]
        added = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        between = added[starts + counts] - added[starts]
        frame = pl.DataFrame(
            {
                "own": quantiles(lengths, starts, counts, LONG_SHARE),
                "interval": purchase_interval(quantiles(lengths, starts, counts, 0.5), between, counts),
                "gaps": counts,
            }
        ).with_columns(pl.col("own", "interval").fill_nan(None))
        shrunk = shrunk_gap(pl.col("own"), pl.col("gaps"), definition.gap_p80_days)
        return frame.select(long=definition.long_gap_days(shrunk, pl.col("interval")))["long"].to_numpy()


def _remarks(starts: list[date], period: str, as_of: date, first: date, unseen: int) -> tuple[str, ...]:
    remarks = []
    if _following(starts[-1], period) != as_of + timedelta(days=1):
        remarks.append(f"the last {period} ends on {as_of}, before its time")
    if starts[0] <= first:
        remarks.append(f"the data begin on {first}: who bought before counts as new at the first purchase in them")
    if unseen:
        remarks.append(
            f"{counted(unseen, 'customer')} bought first within a {period} and were not active at its end; "
            "no column counts them"
        )
    return tuple(remarks)
