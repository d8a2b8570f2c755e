"""Time as the season runs: a day on which customers buy twice as much as usual counts twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]

YEAR = 365
NEEDED_DAYS = 456
"""Fifteen months: a whole year, and a quarter of the next by which season and growth are told apart."""
SMOOTH_DAYS = 14.0
"""Standard deviation of the weights that smooth the days of the year: a feast moves by weeks."""
EXTREME = 4.0
"""A day counts at most so many times as much as usual, and at least one part in as many."""
FEWEST_PURCHASES = 365
"""Repeat purchases of a year; fewer say more about chance than about the season."""


@dataclass(frozen=True)
class SeasonalClock:
    """From calendar days to seasonal days, by the year that ended on a day; the year repeats before and after it.

    Attributes
    ----------
    day
        The last day that was known (days since 1970-01-01).
    passed
        Seasonal days from the end of ``day - 365`` to the end of each day of the year; shape (366,), from 0 to 365.
    """

    day: int
    passed: Floats

    def __call__(self, day: NDArray[np.integer] | Floats) -> Floats:
        """Return seasonal days at the end of a day, counted from the end of :attr:`day`; negative before it."""
        since = np.asarray(day, dtype=np.float64) - self.day
        years = np.floor(since / YEAR)
        passed: Floats = np.interp(since - years * YEAR, np.arange(YEAR + 1), self.passed)
        return np.asarray(years * YEAR + passed)

    def to_plain(self) -> dict[str, object]:
        """Return how much each twelfth of the year counts."""
        edges = np.round(np.linspace(0, YEAR, 13)).astype(int)
        rates = np.diff(self.passed[edges]) / np.diff(edges)
        return {"day": self.day, "rate_by_twelfth": [round(float(rate), 4) for rate in rates]}


@dataclass(frozen=True)
class RepeatPurchases:
    """How many repeat purchases there were on each day, and how many customers were known.

    Attributes
    ----------
    first_day
        Of the arrays (days since 1970-01-01).
    purchases
        Repeat purchases by day; shape (n,).
    customers
        Customers with a first purchase before the day.
    """

    first_day: int
    purchases: Whole
    customers: Whole

    def clock(self, day: int) -> SeasonalClock:
        """Return the clock of the year that ends on ``day``, from nothing after it.

        The purchases of a day are taken in parts of the customers known, so that a shop that wins customers has no
        season by that; what customers buy less from one year to the next is taken out as a steady rate; the rest is
        smoothed round the year.

        Raises
        ------
        NotEnoughDataError
            Less than fifteen months of history, or too few repeat purchases.
        """
        span = day - self.first_day + 1
        if span < NEEDED_DAYS:
            raise NotEnoughDataError(
                f"season is not modelled: {span} days of history by then, {NEEDED_DAYS} are needed",
                days=span,
                needed=NEEDED_DAYS,
            )
        bought = self.purchases[:span][-YEAR:].astype(np.float64)
        if (total := int(bought.sum())) < FEWEST_PURCHASES:
            raise NotEnoughDataError(
                f"season is not modelled: {total} repeat purchases within a year, {FEWEST_PURCHASES} are needed",
                purchases=total,
                needed=FEWEST_PURCHASES,
            )
        rate = self.purchases[:span] / np.maximum(self.customers[:span], 1)
        year = rate[-YEAR:] * np.exp(-_growth(rate) * np.arange(YEAR))
        smooth = _round_the_year(year)
        rates = np.clip(smooth / smooth.mean(), 1 / EXTREME, EXTREME)
        passed = np.concatenate([[0.0], np.cumsum(rates / rates.mean())])
        return SeasonalClock(day, passed)


def _growth(rate: Floats) -> float:
    """Log growth a day of the same season from last year to this, over as much of a year as there is twice."""
    twice = min(len(rate) - YEAR, YEAR)
    now, then = rate[-twice:].sum(), rate[-twice - YEAR : len(rate) - YEAR].sum()
    if now <= 0 or then <= 0:
        return 0.0
    return float(np.clip(np.log(now / then), -np.log(EXTREME), np.log(EXTREME)) / YEAR)


def _round_the_year(values: Floats) -> Floats:
    apart = np.arange(YEAR)
    apart = np.minimum(apart, YEAR - apart)
    weights = np.exp(-0.5 * np.square(apart / SMOOTH_DAYS))
    smooth = np.fft.irfft(np.fft.rfft(values) * np.fft.rfft(weights / weights.sum()), YEAR)
    return np.maximum(smooth, 0.0)
