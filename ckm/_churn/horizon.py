"""Horizon: the number of days within which a churn model predicts no purchase."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.customers.calendar import calendar_day
from ckm.customers.fixed_intervals import fixed_intervals
from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.cutoffs import OTHERWISE
from ckm.models.purchase_interval import population_gap
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm.customers.history import History

COMMON_HORIZONS = (30, 60, 90, 180, 365)
"""Common horizons in days: one and two months, a quarter, half a year, a year."""
MEDIAN = 0.5
LONG_GAP = 0.8
"""Share of the purchase intervals that are at most as long as the default horizon."""
MOST_DAYS = 3_660
"""Ten years; a larger number is most likely a typing error."""

_UNITS = {"d": 1.0, "w": 7.0, "mo": 365.25 / 12, "y": 365.25}
_WRITTEN = re.compile(r"([0-9]{1,5})(d|w|mo|y)")


@dataclass(frozen=True)
class Horizon:
    """The number of days without a purchase after which a customer counts as churned.

    Attributes
    ----------
    days
        At least 1.
    reasoning
        How the number of days was chosen, as a sentence.
    shortened
        Why the horizon that the purchase intervals suggest is not used, as a sentence; None if it is used or the user
        chose the horizon.
    """

    days: int
    reasoning: str
    shortened: str | None = None


@dataclass(frozen=True)
class DefaultHorizons:
    """The default horizon, and shorter horizons for data that are too short to test the default.

    Attributes
    ----------
    default
        The horizon that the purchase intervals suggest.
    shorter
        Days of the shorter horizons, longest first.
    """

    default: Horizon
    shorter: tuple[int, ...]

    def shortened(self, days: int, refusal: NotEnoughDataError) -> Horizon:
        """Return a shorter horizon, with the reason for which the default was refused."""
        return Horizon(
            days,
            f"{days} days: the longest of {', '.join(map(str, self.days))} that the data can test; the purchase "
            f"intervals suggest {self.default.reasoning}",
            f"horizon {days} days, not the default {self.default.days}, which the data cannot test: {refusal}",
        )

    @property
    def days(self) -> tuple[int, ...]:
        """Days of all horizons, longest first."""
        return (self.default.days, *self.shorter)


def default_horizons(history: History) -> DefaultHorizons:
    """Return the horizon that the purchase intervals of the shop's customers suggest, and shorter horizons.

    The default is the 80th percentile of the purchase intervals with equal weight per customer
    (:func:`ckm.models.purchase_interval.population_gap`; with equal weight per interval, the few weekly buyers would
    set the horizon of all), rounded to the nearest of :data:`COMMON_HORIZONS` by ratio. Open intervals are not
    observed, so the true percentile is higher.

    No horizon is shorter than the median interval or the interval of customers who buy on fixed days, because an active
    customer need not buy within it.

    Raises
    ------
    NotEnoughDataError
        No customer bought again.
    """
    ledger = history.ledger
    long, median = (population_gap(ledger.gap_histogram, share) for share in (LONG_GAP, MEDIAN))
    if long is None or median is None:
        raise NotEnoughDataError(
            f"no default horizon: none of {counted(len(history.customers), 'customer')} bought on a second day; "
            "at least 1 is needed",
            hint=_shorter(history.as_of - history.first_day),
            customers=len(history.customers),
        )
    fixed = fixed_intervals(ledger)
    least = max(median, fixed.days if fixed else 0)
    days = nearest_common(long, least)
    repeaters = int((ledger.purchase_days > 1).sum())
    why = f"the nearest of {', '.join(map(str, COMMON_HORIZONS))} by ratio"
    if days != nearest_common(long):
        shortest = fixed.reason if fixed else f"the median interval of {median:g} days"
        why = f"but not shorter than {shortest}"
    reasoning = (
        f"{days} days: 80 % of the purchase intervals are at most {counted(round(long), 'day')} "
        f"({counted(repeaters, 'repeat customer')}, equally weighted), {why}"
    )
    shorter = tuple(each for each in reversed(COMMON_HORIZONS) if least <= each < days)
    return DefaultHorizons(Horizon(days, reasoning), shorter)


def nearest_common(days: float, least: float = 0) -> int:
    """Return the element of :data:`COMMON_HORIZONS` whose ratio to ``days`` is nearest to 1; of two, the shorter.

    Elements below ``least`` are not returned; if all are below ``least``, the result is ``least`` rounded up.
    """
    long_enough = [each for each in COMMON_HORIZONS if each >= least] or [math.ceil(least)]
    return min(long_enough, key=lambda each: (abs(math.log(each / days)), each))


def check_fixed_intervals(history: History, days: int) -> None:
    """Raise an error if the horizon is shorter than the fixed interval at which most repeat customers buy.

    Raises
    ------
    NotEnoughDataError
        The horizon is shorter: whether a purchase falls into it would depend on the calendar alone.
    """
    fixed = fixed_intervals(history.ledger)
    if fixed is not None and days < fixed.days:
        raise NotEnoughDataError(
            f"a horizon of {counted(days, 'day')} is shorter than {fixed.reason}: active customers need "
            "not buy within it",
            hint=f"--horizon {nearest_common(fixed.days, fixed.days)}d",
            horizon_days=days,
            interval_days=fixed.days,
        )


def check_horizon(history: History, days: int) -> None:
    """Raise an error if a horizon is longer than the history.

    Raises
    ------
    NotEnoughDataError
        The days since the first purchase are fewer than the horizon.
    """
    span = history.as_of - history.first_day
    if days > span:
        raise NotEnoughDataError(
            f"a horizon of {counted(days, 'day')} is longer than the history: {counted(span, 'day')} "
            f"from {calendar_day(history.first_day)} to {calendar_day(history.as_of)}",
            hint=f"{OTHERWISE}; or load more history",
            horizon_days=days,
            history_days=span,
        )


def _shorter(span: int) -> str:
    """Return a hint: the longest common horizon that fits three times into the history."""
    fitting = [each for each in COMMON_HORIZONS if 3 * each <= span]
    return f"--horizon {fitting[-1]}d" if fitting else f"load at least {3 * COMMON_HORIZONS[0]} days of transactions"


def parse_horizon(text: str) -> int:
    """Return the days of ``90d``, ``12w``, ``3mo`` or ``1y``.

    A month is a twelfth of 365.25 days: 12mo and 1y are 365 days, 3mo is 91 days.

    Raises
    ------
    UsageError
        Another notation, zero, or more than ten years.
    """
    written = _WRITTEN.fullmatch(text.strip().lower())
    days = math.floor(int(written[1]) * _UNITS[written[2]]) if written else 0
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(
            f"invalid --horizon {text!r}: not 1 to {MOST_DAYS} days", hint="write it as 90d, 12w, 3mo or 1y"
        )
    return days
