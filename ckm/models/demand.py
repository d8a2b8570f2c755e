"""Demand forecasts of many short weekly series: the best of simple methods and their median, with conformal intervals.

A backtest compares the methods: each forecasts from past weeks (rolling origin). One method is chosen for all series,
because a single series has too few errors for a choice. The smallest of a dozen errors is partly so by chance. The
forecast is therefore a weighted mean of the best method and of the median of all methods (combination of forecasts:
Bates and Granger 1969); the weight of the best method increases with the significance of its gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.demand_intervals import FEWEST_OF_CLASS, NEW, SILENT, classes, intervals
from ckm.models.demand_methods import FIRST_ORIGIN, METHODS, SEASONAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_ORIGINS = 52
"""Origins whose errors give the intervals: a year of weeks."""
MOST_COMPARED = 26
"""Origins on which methods are compared, unless the seasonal methods have forecasts for a whole year of them."""
FEWEST_ORIGINS = 4
MEDIAN = "median of the methods"


@dataclass(frozen=True)
class Demand:
    """Forecast of the demand in the next weeks.

    Attributes
    ----------
    weekly
        Expected demand per week, shape (series, weeks).
    total, low, high
        Expected demand of all weeks, and its 80 % interval, each of shape (series,). The interval of a new series is
        NaN if the backtest had too few forecasts of new series.
    best, weight
        Name of the method with the smallest error, one of :data:`~ckm.models.demand_methods.METHODS`; and its weight in
        the forecast. The rest is the weight of :data:`MEDIAN`.
    errors
        Weighted absolute percentage error (WAPE) of the total by method and of :data:`MEDIAN`: sum of absolute errors
        over all series and origins, divided by the sum of the demand.
    error
        WAPE of the forecast itself at the same origins.
    origins
        Number of origins on which the methods were compared.
    """

    weekly: Floats
    total: Floats
    low: Floats
    high: Floats
    best: str
    weight: float
    errors: Mapping[str, float]
    error: float
    origins: int

    @property
    def method(self) -> str:
        """Names of the methods of the forecast, with their weights."""
        share = round(100 * self.weight)
        if share in (0, 100):
            return self.best if share else MEDIAN
        return f"{self.best} ({share} %) and {MEDIAN} ({100 - share} %)"

    @property
    def used(self) -> tuple[str, ...]:
        """Methods with a weight above 0."""
        return tuple(name for name, weight in ((self.best, self.weight), (MEDIAN, 1 - self.weight)) if weight > 0)


def weeks_needed(weeks: int) -> int:
    """Return the fewest weeks of history from which ``weeks`` weeks can be forecast and backtested."""
    return FIRST_ORIGIN + weeks + FEWEST_ORIGINS - 1


def forecast_demand(history: Floats, weeks: int) -> Demand:
    """Forecast the demand of each series, with the methods that a backtest on the history chooses.

    Parameters
    ----------
    history
        Demand per week, oldest first, not negative; shape (series, weeks of history).
    weeks
        Number of weeks to forecast.

    Raises
    ------
    ValueError
        The history has fewer than :func:`weeks_needed` weeks.
    """
    length = history.shape[1]
    if length < weeks_needed(weeks):
        raise ValueError(f"{weeks_needed(weeks)} weeks of history are needed")
    last = length - weeks
    origins = np.arange(max(FIRST_ORIGIN, last - MOST_ORIGINS + 1), last + 1)
    sums = np.concatenate([np.zeros((len(history), 1)), np.cumsum(history, axis=1)], axis=1)
    actual = np.stack([sums[:, origin + weeks] - sums[:, origin] for origin in origins])
    errors, median, now = _backtest(history, weeks, origins, actual)
    compared = slice(-_compared(errors), None)
    demand = max(float(actual[compared].sum()), 1e-12)
    by_origin = {name: each[compared] / demand for name, each in errors.items() if not np.isnan(each[compared]).any()}
    best = min((name for name in by_origin if name != MEDIAN), key=lambda name: by_origin[name].sum())
    weight = _weight(by_origin[MEDIAN] - by_origin[best], weeks)
    past = weight * _totals(best, history, weeks, origins) + (1 - weight) * median
    tested = ~np.isnan(past).any(axis=1)  # a seasonal method has no forecasts in the first year
    past, actual, origins = past[tested], actual[tested], origins[tested]
    weekly = weight * now[best] + (1 - weight) * now[MEDIAN]
    of_past, of_total = classes(history, origins), classes(history, np.array([length]))[0]
    past[of_past == NEW] = weeks * _means_since_first(history, origins)[of_past == NEW]
    weekly[of_total == NEW] = _means_since_first(history, np.array([length]))[0, of_total == NEW, None]
    for each in (NEW, SILENT):
        then = of_past == each
        ratio = _sold_share(past[then], actual[then])
        past[then] *= ratio
        weekly[of_total == each] *= ratio
    total = weekly.sum(axis=1)
    low, high = intervals(past, actual, total, of_past, of_total, weeks)
    error = float(np.abs(past - actual)[compared].sum()) / demand
    sums_of_errors = {name: float(each.sum()) for name, each in by_origin.items()}
    return Demand(weekly, total, low, high, best, weight, sums_of_errors, error, len(by_origin[MEDIAN]))


def _backtest(
    history: Floats, weeks: int, origins: NDArray[np.int64], actual: Floats
) -> tuple[dict[str, Floats], Floats, dict[str, Floats]]:
    """Return the errors of each method, the medians of their totals, and the forecasts of the next weeks.

    The errors are sums over all series, shape (origins,), by method and of :data:`MEDIAN`; the medians have the shape
    (origins, series), without the seasonal methods; the forecasts the shape (series, weeks).
    """
    runs = {name: method(history, weeks) for name, method in METHODS.items()}
    errors = {name: np.zeros(len(origins)) for name in (*METHODS, MEDIAN)}
    median = np.empty_like(actual)
    place = {origin: number for number, origin in enumerate(origins.tolist())}
    now: dict[str, Floats] = {}
    for origin in range(FIRST_ORIGIN, history.shape[1] + 1):
        made = {name: next(run) for name, run in runs.items()}
        if origin in place:
            number = place[origin]
            totals = {name: each.mean(axis=1) * weeks for name, each in made.items()}
            totals[MEDIAN] = np.median([totals[name] for name in METHODS if name not in SEASONAL], axis=0)
            median[number] = totals[MEDIAN]
            for name, each in totals.items():
                errors[name][number] = np.abs(each - actual[number]).sum()
        elif origin == history.shape[1]:
            now = {name: np.broadcast_to(each, (len(history), weeks)) for name, each in made.items()}
            now[MEDIAN] = np.median([now[name] for name in METHODS if name not in SEASONAL], axis=0)
    return errors, median, now


def _compared(errors: Mapping[str, Floats]) -> int:
    """Return the number of the last origins on which the methods are compared.

    A year if the seasonal methods have forecasts in all of it, because part of a year may have no season; else half a
    year.
    """
    count = len(errors[MEDIAN])
    if count == MOST_ORIGINS and all(np.isfinite(errors[name]).all() for name in SEASONAL):
        return count
    return min(count, MOST_COMPARED)


def _totals(name: str, history: Floats, weeks: int, origins: NDArray[np.int64]) -> Floats:
    """Return the totals that a method forecasts at each origin, shape (origins, series)."""
    made = METHODS[name](history[:, : origins[-1]], weeks)
    return np.stack([each.mean(axis=1) * weeks for at, each in enumerate(made, FIRST_ORIGIN) if at >= origins[0]])


def _weight(gain: Floats, weeks: int) -> float:
    """Return the weight of the best method: z² / (1 + z²), where z is its gain over the median by its standard error.

    This weight has the smallest expected squared error if the gain is a true one plus noise. The standard error
    accounts for the overlap of forecasts from consecutive origins, ``weeks - 1`` weeks. ``gain`` is by origin.
    """
    if gain.sum() <= 0:
        return 0.0
    error = gain.std(ddof=1) * np.sqrt(len(gain)) * np.sqrt(min(weeks, len(gain)))
    return float(gain.sum() ** 2 / (gain.sum() ** 2 + error**2))


def _means_since_first(history: Floats, origins: NDArray[np.int64]) -> Floats:
    """Return the mean demand per week since the week of the first demand, shape (origins, series); 0 before that week.

    The methods would count the weeks before it as weeks without demand. The week itself is left out if there are later
    ones, because it has demand by definition.
    """
    sold = history > 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), history.shape[1] - 1)
    opening = history[np.arange(len(history)), first]
    means = []
    for origin in origins:
        age, total = origin - first, history[:, :origin].sum(axis=1)
        means.append(np.where(age > 1, (total - opening) / np.maximum(age - 1, 1), total))
    return np.stack(means)


def _sold_share(past: Floats, actual: Floats) -> float:
    """Return the demand of past series of a class, divided by their forecasts; 1 with too few of them.

    It is at most 1: new series often sell less than in their first weeks, and silent ones may have ended.
    """
    if len(past) < FEWEST_OF_CLASS or past.sum() <= 0:
        return 1.0
    return float(min(actual.sum() / past.sum(), 1.0))
