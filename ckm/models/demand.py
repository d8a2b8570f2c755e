"""Demand forecasts of many short weekly series: simple methods, chosen by rolling origin, with conformal intervals.

The methods are means of the last weeks, simple exponential smoothing (Brown 1959), damped trend (Gardner and McKenzie
1985), the Syntetos-Boylan approximation and the method of Teunter, Syntetos and Babai for intermittent demand (2005;
2011), and the same weeks of the last year. One method is chosen for all series, because a single series has too few
errors for a choice. The interval is split conformal (Vovk et al. 2005): quantiles of the errors at past origins, among
forecasts of similar size. An origin is the week from which a forecast is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

YEAR = 52
FEWEST_WEEKS = 8
"""Weeks before the first origin of the backtest."""
MOST_ORIGINS = 26
"""Origins of the backtest: half a year of weeks."""
FEWEST_ORIGINS = 4
MOST_GROUPS = 10
FEWEST_ERRORS = 200
"""Fewest errors of a group of forecasts of similar size; the interval is computed from their quantiles."""
NEW_WEEKS = 8
"""Weeks from the first demand of a series up to which it is new."""
FEWEST_NEW_ERRORS = 50
"""Fewest errors of new series from which their interval is computed."""
FEWEST_INDEPENDENT = 2.0
"""Fewest independent origins that are assumed: 26 weeks of origins divided by forecasts of 13 weeks."""
COVERAGE = 0.8


@dataclass(frozen=True)
class Demand:
    """Forecast of the demand in the next weeks.

    Attributes
    ----------
    weekly
        Expected demand per week, shape (series, weeks).
    total, low, high
        Expected demand of all weeks, and its 80 % interval, each of shape (series,). The interval of a new series is
        NaN if the backtest had fewer than :data:`FEWEST_NEW_ERRORS` forecasts of new series.
    method
        Name of the chosen method, one of :data:`METHODS`.
    errors
        Weighted absolute percentage error (WAPE) of the total by method: sum of absolute errors over all series and
        origins, divided by the sum of the demand.
    origins
        Number of origins of the backtest.
    """

    weekly: Floats
    total: Floats
    low: Floats
    high: Floats
    method: str
    errors: Mapping[str, float]
    origins: int


def weeks_needed(weeks: int) -> int:
    """Return the fewest weeks of history from which ``weeks`` weeks can be forecast and backtested."""
    return FEWEST_WEEKS + weeks + FEWEST_ORIGINS - 1


def forecast_demand(history: Floats, weeks: int) -> Demand:
    """Forecast the demand of each series by one method, which a backtest on the history chooses.

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
    first = max(FEWEST_WEEKS, length - weeks - MOST_ORIGINS + 1)
    origins = range(first, length - weeks + 1)
    names = [name for name in METHODS if name != SAME_WEEKS or first >= YEAR + weeks]
    actual = np.stack([history[:, origin : origin + weeks].sum(axis=1) for origin in origins])
    past = {
        name: np.stack([METHODS[name](history[:, :origin], weeks).sum(axis=1) for origin in origins]) for name in names
    }
    demand = max(float(actual.sum()), 1e-12)
    by_origin = {name: np.abs(totals - actual).sum(axis=1) / demand for name, totals in past.items()}
    errors = {name: float(each.sum()) for name, each in by_origin.items()}
    method = _chosen(by_origin, weeks)
    weekly = METHODS[method](history, weeks)
    total = weekly.sum(axis=1)
    low, high = _intervals_by_age(history, np.array(origins), past[method], actual, total, weeks)
    return Demand(weekly, total, low, high, method, errors, len(origins))


def _intervals_by_age(
    history: Floats, origins: Integers, past: Floats, actual: Floats, total: Floats, weeks: int
) -> tuple[Floats, Floats]:
    """Return the bounds of each series' interval, shapes (series,), from past errors of series of the same age class.

    A series is new up to ``NEW_WEEKS`` weeks after its first demand, else old. A series with demand in the first
    ``NEW_WEEKS`` weeks of the data is always old, since its first demand may be earlier. ``past`` (forecasts) and
    ``actual`` have the shape (origins, series).
    """
    first = np.where((history > 0).any(axis=1), (history > 0).argmax(axis=1), 0)
    began = origins[:, None] > first
    was_new = (origins[:, None] - first <= NEW_WEEKS) & (first >= NEW_WEEKS)
    is_new = (history.shape[1] - first <= NEW_WEEKS) & (first >= NEW_WEEKS)
    low, high = np.full((2, len(total)), np.nan)
    for new in (False, True):
        now, then = is_new == new, began & (was_new == new)
        if now.any() and (not new or then.sum() >= FEWEST_NEW_ERRORS):
            of_origin = np.nonzero(then)[0]
            low[now], high[now] = _interval(past[then], actual[then], total[now], of_origin, len(origins) / weeks)
    return low, high


def _chosen(by_origin: Mapping[str, Floats], weeks: int) -> str:
    """Return the method with the smallest error, or the default unless that is worse by more than a standard error.

    With few origins, the smallest of a dozen errors is often the smallest by chance. The standard error accounts for
    the overlap of forecasts from consecutive origins, ``weeks - 1`` weeks.
    """
    best = min(by_origin, key=lambda name: by_origin[name].sum())
    gain = by_origin[DEFAULT] - by_origin[best]
    error = gain.std(ddof=1) * np.sqrt(len(gain)) * np.sqrt(min(weeks, len(gain)))
    return best if gain.sum() > error else DEFAULT


def _interval(
    past: Floats, actual: Floats, total: Floats, origin: Integers, independent: float
) -> tuple[Floats, Floats]:
    """Return the bounds of the 80 % interval of each total: quantiles of past errors of forecasts of similar size.

    Errors are divided by a power of the forecast (of 1 if the forecast is smaller), because the relative error is
    smaller for larger forecasts.
    """
    power = _power(past, np.abs(actual - past))
    groups = int(np.clip(len(past) // FEWEST_ERRORS, 1, MOST_GROUPS))
    edges = np.unique(np.quantile(past, np.linspace(0, 1, groups + 1)[1:-1]))
    of_past, of_total = np.searchsorted(edges, past), np.searchsorted(edges, total)
    error = (actual - past) / np.maximum(past, 1.0) ** power
    low, high = np.empty_like(total), np.empty_like(total)
    for group in np.unique(of_total):
        errors, origins = error[of_past == group], origin[of_past == group]
        if len(errors) == 0:
            errors, origins = error, origin
        errors = _with_common_error(errors, origins, independent)
        inside = of_total == group
        scale = np.maximum(total[inside], 1.0) ** power
        low[inside] = total[inside] + scale * _quantile(errors, (1 - COVERAGE) / 2, "lower")
        high[inside] = total[inside] + scale * _quantile(errors, (1 + COVERAGE) / 2, "higher")
    return np.maximum(low, 0.0), np.maximum(high, 0.0)


def _with_common_error(errors: Floats, origin: Integers, independent: float) -> Floats:
    """Return the errors with an enlarged common error: the median error of all series at an origin, shape (n,).

    There are errors of many series but of few origins. Forecasts of consecutive origins overlap, so that the origins
    count as ``independent`` (n) independent ones. The variance of their medians around their mean is ``1 - 1 / n`` of
    the true variance, and that of the next median around the same mean is ``1 + 1 / n`` of it.
    """
    count = max(independent, FEWEST_INDEPENDENT)
    numbers, place = np.unique(origin, return_inverse=True)
    medians = np.array([np.median(errors[place == number]) for number in range(len(numbers))])
    wider = np.sqrt((count + 1) / (count - 1))
    return np.asarray(errors + ((wider - 1) * (medians - medians.mean()))[place], dtype=np.float64)


def _power(past: Floats, error: Floats) -> float:
    """Return p of error ∝ forecast**p by log-log regression, from 0.5 (as of Poisson counts) to 1; 1 for few errors."""
    used = (past > 1.0) & (error > 0)
    if used.sum() < FEWEST_ERRORS or np.ptp(np.log(past[used])) < 1.0:
        return 1.0
    slope = np.polyfit(np.log(past[used]), np.log(error[used]), 1)[0]
    return float(np.clip(slope, 0.5, 1.0))


def _quantile(errors: Floats, share: float, side: str) -> float:
    """Return the quantile of split conformal prediction, whose rank is computed for n + 1 instead of n errors."""
    count = len(errors)
    rank = np.clip(share * (count + 1) / count if side == "higher" else share - (1 - share) / count, 0, 1)
    return float(np.quantile(errors, rank, method=side))  # type: ignore[call-overload]


def _flat(level: Floats, weeks: int) -> Floats:
    return np.repeat(level[:, None], weeks, axis=1)


def _mean(length: int) -> Callable[[Floats, int], Floats]:
    return lambda history, weeks: _flat(history[:, -length:].mean(axis=1), weeks)


def _smoothing(alpha: float) -> Callable[[Floats, int], Floats]:
    def smoothed(history: Floats, weeks: int) -> Floats:
        level = history[:, :4].mean(axis=1)
        for week in range(4, history.shape[1]):
            level = level + alpha * (history[:, week] - level)
        return _flat(level, weeks)

    return smoothed


def _damped_trend(alpha: float, beta: float, damping: float) -> Callable[[Floats, int], Floats]:
    def damped(history: Floats, weeks: int) -> Floats:
        level, trend = history[:, :4].mean(axis=1), np.zeros(len(history))
        for week in range(4, history.shape[1]):
            before = level
            level = alpha * history[:, week] + (1 - alpha) * (before + damping * trend)
            trend = beta * (level - before) + (1 - beta) * damping * trend
        steps = np.cumsum(damping ** np.arange(1, weeks + 1))
        return np.asarray(np.maximum(level[:, None] + trend[:, None] * steps, 0.0), dtype=np.float64)

    return damped


def _first_demand(history: Floats) -> Floats:
    """Return the first demand above zero of each series, shape (series,); 0 for a series without demand."""
    at = (history > 0).argmax(axis=1)
    return np.asarray(history[np.arange(len(history)), at], dtype=np.float64)


def _intervals(history: Floats, weeks: int, alpha: float = 0.1) -> Floats:
    """Forecast by the Syntetos-Boylan approximation: smoothed demand size divided by smoothed weeks between demands."""
    size, interval, since = _first_demand(history), np.full(len(history), 2.0), np.ones(len(history))
    for week in range(history.shape[1]):
        sold = history[:, week] > 0
        size = np.where(sold, size + alpha * (history[:, week] - size), size)
        interval = np.where(sold, interval + alpha * (since - interval), interval)
        since = np.where(sold, 1.0, since + 1.0)
    return _flat((1 - alpha / 2) * size / interval, weeks)


def _probability(history: Floats, weeks: int, alpha: float = 0.2, beta: float = 0.1) -> Floats:
    """Forecast by the method of Teunter, Syntetos and Babai: smoothed demand size times smoothed demand probability."""
    size, chance = _first_demand(history), (history[:, :FEWEST_WEEKS] > 0).mean(axis=1)
    for week in range(history.shape[1]):
        sold = history[:, week] > 0
        size = np.where(sold, size + alpha * (history[:, week] - size), size)
        chance = chance + beta * (sold - chance)
    return _flat(size * chance, weeks)


def _same_weeks(history: Floats, weeks: int) -> Floats:
    """Forecast the demand of the same weeks a year ago, times the growth of the last 13 weeks over the year before."""
    before = history[:, -YEAR:][:, :weeks]
    recent, year_ago = history[:, -13:].sum(), history[:, -YEAR - 13 : -YEAR].sum()
    growth = recent / year_ago if year_ago > 0 else 1.0
    return np.asarray(before * growth, dtype=np.float64)


DEFAULT = "smoothing 0.2"
SAME_WEEKS = "same weeks last year"
METHODS: dict[str, Callable[[Floats, int], Floats]] = {
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
    SAME_WEEKS: _same_weeks,
}
"""Methods by name; each returns the demand per week, shape (series, weeks)."""
