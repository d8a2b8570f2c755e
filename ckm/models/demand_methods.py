"""Simple methods that forecast the demand of many weekly series, from every week of a history.

The methods are means of the last weeks, simple exponential smoothing (Brown 1959), damped trend (Gardner and McKenzie
1985), the Syntetos-Boylan approximation and the method of Teunter, Syntetos and Babai for intermittent demand (2005;
2011), the forecast of the total divided by the shares of the series (top-down, Gross and Sohl 1990), and two methods
for the season of the year. An origin is the number of weeks that a forecast knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Method: TypeAlias = Callable[[Floats, int], Iterator[Floats]]

YEAR = 52
FIRST_ORIGIN = 8
"""Weeks that the first forecast knows."""
START = 4
"""Weeks of which the mean is the first level of smoothing."""
GROWTH_WEEKS = 13
"""Last weeks that are compared with the same weeks of the year before, for the growth."""


def _mean(length: int) -> Method:
    def means(history: Floats, weeks: int) -> Iterator[Floats]:
        for origin in range(FIRST_ORIGIN, history.shape[1] + 1):
            yield history[:, max(origin - length, 0) : origin].mean(axis=1)[:, None]

    return means


def _levels(history: Floats, alpha: float) -> Iterator[Floats]:
    """Yield the smoothed demand at each origin, shape (series,)."""
    level = history[:, :START].mean(axis=1)
    for week in range(START, history.shape[1]):
        level = level + alpha * (history[:, week] - level)
        if week + 1 >= FIRST_ORIGIN:
            yield level


def _smoothing(alpha: float) -> Method:
    def smoothed(history: Floats, weeks: int) -> Iterator[Floats]:
        for level in _levels(history, alpha):
            yield level[:, None]

    return smoothed


def _by_shares(alpha: float, alpha_of_total: float) -> Method:
    """Return a method: the smoothed total of all series, divided by their shares in smoothed demand.

    The total has less noise than a series, so that a common rise or fall is followed faster.
    """

    def divided(history: Floats, weeks: int) -> Iterator[Floats]:
        totals = _levels(history.sum(axis=0, keepdims=True), alpha_of_total)
        for level, total in zip(_levels(history, alpha), totals, strict=True):
            yield level[:, None] * (total[0] / max(level.sum(), 1e-12))

    return divided


def _season_of_total(alpha: float) -> Method:
    """Return a method: smoothed demand times the ratio of the total to its level, in the same weeks of last year."""

    def seasonal(history: Floats, weeks: int) -> Iterator[Floats]:
        total, past = history.sum(axis=0), []
        for origin, level in enumerate(_levels(history, alpha), FIRST_ORIGIN):
            past.append(level.sum())
            year_ago = origin - YEAR
            if year_ago < FIRST_ORIGIN or past[year_ago - FIRST_ORIGIN] <= 0:
                yield np.full((len(history), 1), np.nan)
            else:
                yield level[:, None] * total[year_ago : year_ago + weeks] / past[year_ago - FIRST_ORIGIN]

    return seasonal


def _same_weeks(history: Floats, weeks: int) -> Iterator[Floats]:
    """Yield the demand of the same weeks last year, times the growth of the total over the year before."""
    total = history.sum(axis=0)
    for origin in range(FIRST_ORIGIN, history.shape[1] + 1):
        year_ago = origin - YEAR
        if year_ago < GROWTH_WEEKS:
            yield np.full((len(history), 1), np.nan)
        else:
            before = total[year_ago - GROWTH_WEEKS : year_ago].sum()
            growth = total[origin - GROWTH_WEEKS : origin].sum() / before if before > 0 else 1.0
            yield history[:, year_ago : year_ago + weeks] * growth


def _damped_trend(alpha: float, beta: float, damping: float) -> Method:
    def damped(history: Floats, weeks: int) -> Iterator[Floats]:
        steps = np.cumsum(damping ** np.arange(1, weeks + 1))
        level, trend = history[:, :START].mean(axis=1), np.zeros(len(history))
        for week in range(START, history.shape[1]):
            before = level
            level = alpha * history[:, week] + (1 - alpha) * (before + damping * trend)
            trend = beta * (level - before) + (1 - beta) * damping * trend
            if week + 1 >= FIRST_ORIGIN:
                yield np.maximum(level[:, None] + trend[:, None] * steps, 0.0)

    return damped


def _sizes(history: Floats, alpha: float) -> Iterator[tuple[NDArray[np.bool_], Floats]]:
    """Yield by week which series had demand, and the smoothed demand size, 0 before the first; shapes (series,)."""
    size = np.zeros(len(history))
    for week in range(history.shape[1]):
        demand = history[:, week]
        sold = demand > 0
        size = np.where(sold, np.where(size > 0, size + alpha * (demand - size), demand), size)
        yield sold, size


def _intervals(history: Floats, weeks: int, alpha: float = 0.1) -> Iterator[Floats]:
    """Yield forecasts of the Syntetos-Boylan approximation: smoothed demand size by smoothed weeks between demands."""
    interval, since = np.full(len(history), 2.0), np.ones(len(history))
    for week, (sold, size) in enumerate(_sizes(history, alpha), 1):
        interval = np.where(sold, interval + alpha * (since - interval), interval)
        since = np.where(sold, 1.0, since + 1.0)
        if week >= FIRST_ORIGIN:
            yield ((1 - alpha / 2) * size / interval)[:, None]


def _probability(history: Floats, weeks: int, alpha: float = 0.2, beta: float = 0.1) -> Iterator[Floats]:
    """Yield forecasts of the method of Teunter, Syntetos and Babai: smoothed size times smoothed demand probability."""
    chance = (history[:, :FIRST_ORIGIN] > 0).mean(axis=1)
    for week, (sold, size) in enumerate(_sizes(history, alpha), 1):
        chance = chance + beta * (sold - chance)
        if week >= FIRST_ORIGIN:
            yield (size * chance)[:, None]


SAME_WEEKS = "same weeks last year"
SEASON_OF_TOTAL = "season of the total"
SEASONAL = (SAME_WEEKS, SEASON_OF_TOTAL)
"""Methods that need more than a year of history; their forecasts are NaN before."""
METHODS: dict[str, Method] = {
    "smoothing 0.1": _smoothing(0.1),
    "smoothing 0.2": _smoothing(0.2),
    "smoothing 0.3": _smoothing(0.3),
    "smoothing 0.5": _smoothing(0.5),
    "last week": _mean(1),
    "mean of 4 weeks": _mean(4),
    "mean of 8 weeks": _mean(8),
    "mean of 13 weeks": _mean(13),
    "mean of 26 weeks": _mean(26),
    "damped trend": _damped_trend(0.2, 0.1, 0.9),
    "intermittent intervals": _intervals,
    "intermittent probability": _probability,
    "total 0.3 by shares 0.1": _by_shares(0.1, 0.3),
    "total 0.5 by shares 0.1": _by_shares(0.1, 0.5),
    "total 0.5 by shares 0.2": _by_shares(0.2, 0.5),
    SAME_WEEKS: _same_weeks,
    SEASON_OF_TOTAL: _season_of_total(0.1),
}
"""Methods by name. Each yields the expected demand per week for every origin from :data:`FIRST_ORIGIN` to the length of
the history: shape (series, weeks), or (series, 1) if it is the same in each week."""
