"""Churn cost: the share of a year's spend that is lost when a customer does not buy within a horizon."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ckm._churn.seasonal_buyers import YEAR
from ckm.customers.calendar import calendar_day, day_number, months_before
from ckm.customers.interpurchase import long_intervals
from ckm.models.cutoffs import STEPS_PER_HORIZON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckm.customers.history import History
    from ckm.customers.ledger import Ledger

    Codes = NDArray[np.uint32]
    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

MOST_WINDOWS = 6
"""Maximum number of past windows used: the latest ones."""
FEWEST_DAYS = 30
"""Fewest days after a horizon in which returns are observed, so that a monthly buyer can return."""
QUARTER = 90
"""Days after a horizon in which returns are observed, if the history has them."""
FEWEST_CUSTOMERS = 30
"""Fewest customers with a purchase within the horizon, and fewest without, for an estimate."""
SHARE_DIGITS = 4


@dataclass(frozen=True)
class ChurnCost:
    """Share of a year's spend that is lost without a purchase within a horizon.

    Attributes
    ----------
    share
        λ, 0 to 1; 1 where the history is too short for an estimate.
    horizon, days
        Days without a purchase, and number of following days in which returns are observed; 0 where the history is too
        short.
    silent
        Number of customers without a purchase within the horizon, summed over all windows.
    returned
        Share of the silent customers who bought in the following ``days``.
    silent_spend, back_spend
        Spend per day divided by former spend per day: of all silent customers in the following ``days``; and of the
        customers who bought within the horizon, in the year that begins with the horizon.
    """

    share: float = 1.0
    horizon: int = 0
    days: int = 0
    silent: int = 0
    returned: float = 0.0
    silent_spend: float = 0.0
    back_spend: float = 1.0

    def sentence(self, value: str) -> str:
        """Return the estimate as one sentence; ``value`` is ``margin`` or ``revenue``."""
        if not self.days:
            return f"the history is too short to estimate the churn cost: it is set to a whole year's {value}"
        return (
            f"churn cost {self.share:.0%} of a year's {value}: of {self.silent:,} past customers without a purchase in "
            f"{self.horizon} days, {self.returned:.0%} bought in the next {self.days} days, at {self.silent_spend:.0%} "
            f"of the former spend of all; customers with a purchase spent {self.back_spend:.0%}"
        )


def churn_cost(history: History, day: int, horizon: int) -> ChurnCost:
    """Return the churn cost, estimated from past windows whose horizon, and some days after it, have passed.

    Uses customers who could get a warning at the cut-off: spend in the 12 months before, and recency of at most the own
    long interval plus the horizon. *Buyers* bought within the horizon H, *silent* customers did not. Spend is per day,
    divided by the former spend per day (12 months up to the cut-off, or since the data begin), over all windows::

        λ = [H · spend of buyers within H + (365 − H) · (spend of buyers after H − spend of silent after H)] / 365

    A retained customer is assumed to spend like a buyer, and a churned customer like a silent one, who may return. λ is
    clipped to 0 and 1, so that past growth is not extrapolated.

    Parameters
    ----------
    history
        History of all customers.
    day
        As-of date; later rows are not used.
    horizon
        Days without a purchase.
    """
    days = min(max(horizon, QUARTER), day - history.first_day - 2 * horizon)
    if days < FEWEST_DAYS:
        return ChurnCost()
    cutoffs, first = tuple(_cutoffs(history, day, horizon, days)), history.first_day
    parts = history.of_parts(
        lambda part: np.sum([_window(part, each, horizon, days, first) for each in cutoffs], axis=0), days=cutoffs
    )
    sums = np.sum(parts, axis=0)
    silent, silent_former, silent_after, returned, back, back_former, back_within, back_after = sums.tolist()
    if min(silent, back) < FEWEST_CUSTOMERS or min(silent_former, back_former) <= 0:
        return ChurnCost()
    silent_spend = silent_after / days / silent_former
    within, later = min(horizon, YEAR), max(YEAR - horizon, 0)
    back_spend = (within * back_within / horizon / back_former + later * back_after / days / back_former) / YEAR
    lost = back_spend - later / YEAR * silent_spend
    return ChurnCost(
        share=round(min(max(lost, 0.0), 1.0), SHARE_DIGITS),
        horizon=horizon,
        days=days,
        silent=int(silent),
        returned=returned / silent,
        silent_spend=silent_spend,
        back_spend=back_spend,
    )


def _cutoffs(history: History, day: int, horizon: int, days: int) -> Iterator[int]:
    step = -(-horizon // STEPS_PER_HORIZON)
    latest = day - horizon - days
    for number in range(MOST_WINDOWS):
        if (cutoff := latest - number * step) >= history.first_day + horizon:
            yield cutoff


def _window(history: History, cutoff: int, horizon: int, days: int, first_day: int) -> Floats:
    """Return number, former and later spend of the silent customers and buyers of one window, shape (8,)."""
    ledger = history.ledger
    purchases = ledger.purchases
    everyone = np.arange(len(history.customers), dtype=np.uint32)
    stop = purchases.after(everyone, cutoff)
    who = everyone[stop > purchases.start(everyone)]
    last = purchases.day[stop[who] - 1]
    long_gap = long_intervals(ledger.gaps.by(cutoff), history.on(cutoff).usual)[who]
    year_ago = day_number(months_before(calendar_day(cutoff), 12))
    (former,), _ = _spent(ledger, who, (year_ago, cutoff))
    former = former / min(YEAR, cutoff - first_day + 1)
    can_be_retained = (former > 0) & (long_gap + horizon - (cutoff - last) >= 0)
    former, who = former[can_be_retained], who[can_be_retained]
    ends = cutoff + horizon
    (within, after), (bought_days, later_days) = _spent(ledger, who, (cutoff, ends, ends + days))
    silent, back = bought_days == 0, bought_days > 0
    returned = silent & (later_days > 0)
    return np.array(
        [
            silent.sum(), former[silent].sum(), after[silent].sum(),
            returned.sum(),
            back.sum(), former[back].sum(), within[back].sum(), after[back].sum(),
        ],
        dtype=np.float64,
    )  # fmt: skip


def _spent(ledger: Ledger, who: Codes, days: tuple[int, ...]) -> tuple[Floats, Whole]:
    """Return spend and number of purchase days between each two of ``days``, shape (len(days) - 1, customers) each."""
    ends = [[each.after(who, day) for day in days] for each in ledger.all_lines]  # each day is searched once
    spend = sum(
        np.stack([each.total("net", *span) for span in pairwise(found)])
        for each, found in zip(ledger.all_lines, ends, strict=True)
    )
    return np.asarray(spend, dtype=np.float64) / ledger.scale, np.diff(ends[0], axis=0)
