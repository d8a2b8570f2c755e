"""What a silence costs: the spend that customers who were silent for a horizon did not bring, learned from the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.churning.season import YEAR
from ckm.customers.calendar import calendar_day, day_number, months_before
from ckm.customers.interpurchase import interpurchase_times
from ckm.models.cutoffs import STEPS_PER_HORIZON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckm.customers.history import History

    Floats = NDArray[np.float64]

MOST_WINDOWS = 6
"""Past windows that are looked at, the latest ones."""
FEWEST_DAYS = 30
"""After a horizon, to see who returned: below, a customer who orders each month has had no chance to."""
QUARTER = 90
"""And as many where there are: the first month after a silence is not what the rest of a year is like."""
FEWEST_CUSTOMERS = 30
"""Silent ones, and as many who came back, below which nothing is learned."""
SHARE_DIGITS = 4


@dataclass(frozen=True)
class LostSpend:
    """Share of a year's spend that a silence of a horizon costs.

    Attributes
    ----------
    share
        λ, 0 to 1; 1 where the past is too short to tell.
    horizon, days
        Days of the silence, and days after it in which returns were looked for; 0 where the past is too short.
    silent
        Customers who were silent, over all windows.
    returned
        Of these, the share that bought again in the days after.
    silent_spend, back_spend
        Spend in parts of the former spend: of all silent ones in the days after, whether they returned or not; and of
        customers who bought within the horizon, from its first day on.
    """

    share: float = 1.0
    horizon: int = 0
    days: int = 0
    silent: int = 0
    returned: float = 0.0
    silent_spend: float = 0.0
    back_spend: float = 1.0

    def sentence(self, value: str) -> str:
        """Say what a silence costs, where ``value`` is what a customer is worth: margin or revenue."""
        if not self.days:
            return f"the history is too short to learn what silence costs: a whole year's {value} is taken to be lost"
        return (
            f"of {self.silent:,} customers silent for {self.horizon} days in the past, {self.returned:.0%} bought "
            f"again in the {self.days} days after, all together for {self.silent_spend:.0%} of their former spend; "
            f"those not silent spent {self.back_spend:.0%}: silence costs {self.share:.0%} of a year's {value}"
        )


def lost_spend(history: History, day: int, horizon: int) -> LostSpend:
    """Learn what a silence costs from past windows whose horizon, and some time after it, is over.

    Customers who could get a warning at a cut-off (spend in the 12 months before, and not silent for longer than the
    own long gap and the horizon together) either bought within the horizon or were silent. With spend per day in parts
    of the former (the 12 months up to the cut-off, or since the data begin), all customers and windows together, and H
    days of a year of 365::

        λ = [H · spend within H of those not silent + (365 − H) · (their spend after − that of the silent)] / 365

    So a saved customer is taken to go on like those who came back, and a lost one like those who were silent, of whom
    some return. λ lies between 0 and 1: growth in the past is not promised for the future.

    Parameters
    ----------
    history
        Of all customers.
    day
        Nothing after it is seen.
    horizon
        Days of silence.
    """
    days = min(max(horizon, QUARTER), day - history.first_day - 2 * horizon)
    if days < FEWEST_DAYS:
        return LostSpend()
    sums = np.sum([_window(history, each, horizon, days) for each in _cutoffs(history, day, horizon, days)], axis=0)
    silent, silent_former, silent_after, returned, back, back_former, back_within, back_after = sums.tolist()
    if min(silent, back) < FEWEST_CUSTOMERS or min(silent_former, back_former) <= 0:
        return LostSpend()
    silent_spend = silent_after / days / silent_former
    within, later = min(horizon, YEAR), max(YEAR - horizon, 0)
    back_spend = (within * back_within / horizon / back_former + later * back_after / days / back_former) / YEAR
    lost = back_spend - later / YEAR * silent_spend
    return LostSpend(
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


def _window(history: History, cutoff: int, horizon: int, days: int) -> Floats:
    """Return customers, former spend a day and spend after the cut-off, of the silent and of the others."""
    ledger = history.ledger
    purchases = ledger.purchases
    everyone = np.arange(len(history.customers), dtype=np.uint32)
    who = everyone[purchases.after(everyone, cutoff) > purchases.start(everyone)]
    last = np.full(len(everyone), -cutoff - 1, np.int32)
    last[who] = purchases.day[purchases.after(who, cutoff) - 1]
    long_gap = interpurchase_times(ledger.gaps.by(cutoff), last).p80[who]

    def spent(after: int, until: int) -> Floats:
        total = sum(each.between("net", who, after, until) for each in ledger.all_lines)
        return np.asarray(total, dtype=np.float64) / ledger.scale

    year_ago = day_number(months_before(calendar_day(cutoff), 12))
    former = spent(year_ago, cutoff) / min(YEAR, cutoff - history.first_day + 1)
    can_be_lost = (former > 0) & (long_gap + horizon - (cutoff - last[who]) >= 0)
    ends = cutoff + horizon
    bought = purchases.count(who, cutoff, ends) > 0
    silent, back = can_be_lost & ~bought, can_be_lost & bought
    returned = silent & (purchases.count(who, ends, ends + days) > 0)
    within, after = spent(cutoff, ends), spent(ends, ends + days)
    return np.array(
        [
            silent.sum(), former[silent].sum(), after[silent].sum(),
            returned.sum(),
            back.sum(), former[back].sum(), within[back].sum(), after[back].sum(),
        ],
        dtype=np.float64,
    )  # fmt: skip
