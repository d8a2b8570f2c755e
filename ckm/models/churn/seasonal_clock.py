"""Seasonal clock: conversion of calendar days to seasonal days, whose length is proportional to the purchase rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

YEAR = 365
NEEDED_DAYS = 456
"""Days of history needed: fifteen months, a year and a quarter more to separate season from growth."""
SMOOTH_DAYS = 14.0
"""Standard deviation of the smoothing kernel in days, because the dates of holidays vary by weeks."""
EXTREME = 4.0
"""Largest seasonal rate of a day relative to the mean; the smallest is its reciprocal."""
FEWEST_PURCHASES = 365
"""Fewest repeat purchases in a year to estimate a season."""


@dataclass(frozen=True)
class SeasonalClock:
    """Conversion of calendar days to seasonal days, by the purchase rates of one year, which are repeated every year.

    Attributes
    ----------
    day
        Last day of the data used (days since 1970-01-01).
    passed
        Seasonal days from the end of ``day - 365`` to the end of each following day; shape (366,), from 0 to 365.
    """

    day: int
    passed: Floats

    def __call__(self, day: NDArray[np.integer] | Floats) -> Floats:
        """Return the seasonal days from the end of :attr:`day` to the end of each ``day``; negative before it."""
        since = np.asarray(day, dtype=np.float64) - self.day
        years = np.floor(since / YEAR)
        passed: Floats = np.interp(since - years * YEAR, np.arange(YEAR + 1), self.passed)
        return np.asarray(years * YEAR + passed)


@dataclass(frozen=True)
class RepeatPurchases:
    """Repeat purchases and known customers by day.

    Attributes
    ----------
    first_day
        First day of the arrays (days since 1970-01-01).
    purchases
        Repeat purchases by day; shape (n,).
    customers
        Number of customers with a first purchase before the day; shape (n,).
    """

    first_day: int
    purchases: Integers
    customers: Integers

    def clock(self, day: int) -> SeasonalClock:
        """Return the clock by the rates of the year that ends on ``day``; later purchases are not used.

        The rate of a day is purchases ÷ known customers, so that growth in customers is not mistaken for a season. A
        constant growth of the rate from year to year is removed, and the result is smoothed over the year.

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
        smooth = _smoothed_over_the_year(year)
        rates = np.clip(smooth / smooth.mean(), 1 / EXTREME, EXTREME)
        passed = np.concatenate([[0.0], np.cumsum(rates / rates.mean())])
        return SeasonalClock(day, passed)


def _growth(rate: Floats) -> float:
    """Return the mean log growth of the rate per day, from the days of the last year to the same days a year before."""
    twice = min(len(rate) - YEAR, YEAR)
    now, then = rate[-twice:].sum(), rate[-twice - YEAR : len(rate) - YEAR].sum()
    if now <= 0 or then <= 0:
        return 0.0
    return float(np.clip(np.log(now / then), -np.log(EXTREME), np.log(EXTREME)) / YEAR)


def _smoothed_over_the_year(values: Floats) -> Floats:
    apart = np.arange(YEAR)
    apart = np.minimum(apart, YEAR - apart)
    weights = np.exp(-0.5 * np.square(apart / SMOOTH_DAYS))
    smooth = np.fft.irfft(np.fft.rfft(values) * np.fft.rfft(weights / weights.sum()), YEAR)
    return np.maximum(smooth, 0.0)
