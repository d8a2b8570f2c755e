"""How far a churn warning looks ahead."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.customers.calendar import calendar_day
from ckm.customers.fixed_intervals import fixed_intervals
from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.rhythm import population_gap
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm.customers.history import History

USUAL_DAYS = (30, 60, 90, 180, 365)
"""Horizons that people talk in: a month, two, a quarter, half a year, a year."""
MEDIAN = 0.5
LONG_GAP = 0.8
"""Share of the gaps that the horizon is to cover: who churns longer does what one in five gaps does."""
MOST_DAYS = 3_660
"""Ten years; beyond, the number is a slip."""

_UNITS = {"d": 1.0, "w": 7.0, "mo": 365.25 / 12, "y": 365.25}
_WRITTEN = re.compile(r"([0-9]{1,5})(d|w|mo|y)")


@dataclass(frozen=True)
class Horizon:
    """The span in which no purchase means that the customer churned.

    Attributes
    ----------
    days
        At least 1.
    reasoning
        Where it comes from, as a sentence.
    """

    days: int
    reasoning: str


def usual_horizon(history: History) -> Horizon:
    """Return the horizon that suits the purchase intervals of the shop's customers.

    It is the 80th percentile of the gaps between purchases, each customer weighing the same as in
    :func:`ckm.models.rhythm.population_gap` (were each gap to weigh the same, the few who come every week would set the
    horizon for all), at the nearest of :data:`USUAL_DAYS` by ratio: to a customer 60 days are as far from 30 as from
    120. It is never shorter than the median gap, nor than the interval of customers who buy on fixed days: within a
    shorter one a customer who goes on as ever buys nothing. Only gaps that ended are seen, so that the true percentile
    is rather longer.

    Raises
    ------
    NotEnoughDataError
        No customer came back, or the history is not longer than the horizon.
    """
    gaps = history.ledger.gaps
    long, median = (population_gap(gaps.histogram(), share) for share in (LONG_GAP, MEDIAN))
    if long is None or median is None:
        raise NotEnoughDataError(
            f"no horizon can be chosen: of {counted(len(history.customers), 'customer')} 0 bought on a second day, "
            "and at least 1 is needed",
            hint=_shorter(history.as_of - history.first_day),
            customers=len(history.customers),
        )
    fixed = fixed_intervals(gaps)
    least = max(median, fixed.days if fixed else 0)
    days = nearest_usual(long, least)
    check_horizon(history, days)
    repeaters = int((gaps.counts() > 0).sum())
    why = f"the nearest of {', '.join(map(str, USUAL_DAYS))} by ratio"
    if days != nearest_usual(long):
        shortest = fixed.reason if fixed else f"the median gap of {median:g} days"
        why = f"and a horizon must not be shorter than {shortest}"
    return Horizon(
        days,
        f"{days} days, because 80 % of the gaps between two purchases are no longer than "
        f"{counted(round(long), 'day')} ({counted(repeaters, 'repeat customer')}, each weighing the same), {why}",
    )


def nearest_usual(days: float, least: float = 0) -> int:
    """Return the one of :data:`USUAL_DAYS` that is nearest by ratio, of equally near ones the shorter.

    None shorter than ``least`` is taken; where all are, it is ``least``, rounded up.
    """
    long_enough = [each for each in USUAL_DAYS if each >= least] or [math.ceil(least)]
    return min(long_enough, key=lambda each: (abs(math.log(each / days)), each))


def check_fixed_intervals(history: History, days: int) -> None:
    """Refuse a horizon that is shorter than the fixed interval at which most repeat customers buy.

    Raises
    ------
    NotEnoughDataError
        Whether the next purchase falls into the horizon would be a matter of the calendar, not of the customer.
    """
    fixed = fixed_intervals(history.ledger.gaps)
    if fixed is not None and days < fixed.days:
        raise NotEnoughDataError(
            f"a horizon of {counted(days, 'day')} is shorter than {fixed.reason}: a customer who goes on as ever need "
            "not buy within it",
            hint=f"--horizon {nearest_usual(fixed.days, fixed.days)}d",
            horizon_days=days,
            interval_days=fixed.days,
        )


def check_horizon(history: History, days: int) -> None:
    """See that a horizon fits into the history.

    Raises
    ------
    NotEnoughDataError
        No window of so many days has closed since the first purchase.
    """
    span = history.as_of - history.first_day
    if days > span:
        raise NotEnoughDataError(
            f"a horizon of {counted(days, 'day')} is longer than the history: {counted(span, 'day')} "
            f"from {calendar_day(history.first_day)} to {calendar_day(history.as_of)}",
            hint=_shorter(span),
            horizon_days=days,
            history_days=span,
        )


def _shorter(span: int) -> str:
    """Name the longest usual horizon that fits three times into the history."""
    fitting = [each for each in USUAL_DAYS if 3 * each <= span]
    return f"--horizon {fitting[-1]}d" if fitting else f"load at least {3 * USUAL_DAYS[0]} days of transactions"


def parse_horizon(text: str) -> int:
    """Return the days of ``90d``, ``12w``, ``3mo`` or ``1y``.

    A month is a twelfth of a year of 365.25 days, so that 12mo is 1y is 365 days, and 3mo is 91.

    Raises
    ------
    UsageError
        It is written otherwise, is zero, or is more than ten years.
    """
    written = _WRITTEN.fullmatch(text.strip().lower())
    days = math.floor(int(written[1]) * _UNITS[written[2]]) if written else 0
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(
            f"--horizon {text!r} is no span of 1 to {MOST_DAYS} days", hint="write it as 90d, 12w, 3mo or 1y"
        )
    return days
