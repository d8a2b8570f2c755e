"""Conformal 80 % intervals of demand forecasts, from the errors of forecasts at past origins.

Quantiles of the errors (split conformal, Vovk et al. 2005) are computed by class of series (Mondrian conformal) and
among forecasts of similar size. The errors of many series at one origin are not independent: a rise before Christmas is
missed for all of them. Each error is therefore the sum of the common error of its origin and a rest; the next common
error has Student's t distribution, because there are few independent origins (Gosset 1908).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

COVERAGE = 0.8
MOST_GROUPS = 10
FEWEST_ERRORS = 200
"""Fewest errors of a group of forecasts of similar size; the interval is computed from their quantiles."""
NEW_WEEKS = 8
"""Weeks from the first demand of a series up to which it is new."""
FEWEST_OF_CLASS = 50
"""Fewest past forecasts of new or silent series from which their intervals are computed."""
FEWEST_INDEPENDENT = 2.0
"""Fewest independent origins that are assumed: 26 weeks of origins divided by forecasts of 13 weeks."""
T_QUANTILES, MOST_RESTS = 41, 1000
"""Numbers of quantiles that represent the distributions of the common error and of the rest."""
MEDIAN_VARIANCE = np.pi / 2
"""Variance of the median of normal errors, divided by that of their mean."""
NORMAL_QUARTILES = 1.349
"""Distance of the quartiles of the standard normal distribution."""
HALF_YEAR = 26
FEWEST_SILENT = 2
UNLIKELY = 0.01
"""Probability below which a silence of two weeks or more at the end of a series is unusual."""
USUAL, NEW, SILENT = 0, 1, 2
"""Classes of series."""


def classes(history: Floats, origins: Integers) -> Integers:
    """Return USUAL, NEW or SILENT of each series at each origin, -1 before its first demand; shape (origins, series).

    A series is new up to ``NEW_WEEKS`` weeks after its first demand; a series with demand in the first ``NEW_WEEKS``
    weeks of the data never is, since its first demand may be earlier. It is silent if :func:`silent_weeks` says so.
    """
    sold = history > 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), 0)
    is_new = (origins[:, None] - first <= NEW_WEEKS) & (first >= NEW_WEEKS)
    found = np.where(silent_weeks(history, origins) > 0, SILENT, np.where(is_new, NEW, USUAL))
    return np.where(origins[:, None] > first, found, -1)


def silent_weeks(history: Floats, origins: Integers) -> Integers:
    """Return the weeks without demand before each origin if they are unusual, else 0; shape (origins, series).

    Two or more weeks without demand are unusual if their probability is below 1 %, by the share of weeks with demand in
    the half year before them.
    """
    sold = history > 0
    counts = np.pad(np.cumsum(sold, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    ends = np.maximum.accumulate(np.where(sold, np.arange(1, sold.shape[1] + 1, dtype=np.int32), 0), axis=1)
    rows, found = np.arange(len(history)), np.zeros((len(origins), len(history)), dtype=np.int64)
    for place, origin in enumerate(origins):
        end = ends[:, origin - 1]
        begin = np.maximum(end - HALF_YEAR, 0)
        share = (counts[rows, end] - counts[rows, begin] + 0.5) / (end - begin + 1)
        silent = np.where(end > 0, origin - end, 0)
        found[place] = np.where((silent >= FEWEST_SILENT) & ((1 - share) ** silent < UNLIKELY), silent, 0)
    return found


def intervals(
    past: Floats, actual: Floats, total: Floats, of_past: Integers, of_total: Integers, weeks: int
) -> tuple[Floats, Floats]:
    """Return the bounds of the 80 % interval of each total, shapes (series,), from past errors of the same class.

    Parameters
    ----------
    past, actual
        Forecasts and actual totals at past origins, shapes (origins, series).
    total
        Forecasts of the next weeks, shape (series,); each interval contains its forecast.
    of_past, of_total
        Classes of the series, as of :func:`classes`, shapes (origins, series) and (series,).
    weeks
        Weeks of a forecast; forecasts of origins that are nearer to each other overlap.

    Returns
    -------
    The lower and the upper bounds. With fewer than ``FEWEST_OF_CLASS`` past errors of the class, those of a new series
    are NaN, and those of a silent series are 0 and the upper bound of a usual one.
    """
    low, high = np.full((2, len(total)), np.nan)
    independent = max(len(past) / weeks, FEWEST_INDEPENDENT)
    for each in (USUAL, NEW, SILENT):
        now, then = of_total == each, of_past == each
        enough = then.sum() >= (1 if each == USUAL else FEWEST_OF_CLASS)
        if not now.any() or (each == NEW and not enough):
            continue
        used = then if enough else of_past >= 0
        if used.any():
            low[now], high[now] = _by_size(past[used], actual[used], total[now], np.nonzero(used)[0], independent)
        if not enough:
            low[now] = 0.0
    return np.minimum(np.maximum(low, 0.0), total), np.maximum(high, total)


def _by_size(
    past: Floats, actual: Floats, total: Floats, origin: Integers, independent: float
) -> tuple[Floats, Floats]:
    """Return the bounds of each total, shapes (series,): quantiles of past errors of forecasts of similar size.

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
        similar = of_past == group
        used = similar if similar.any() else np.ones_like(similar)
        lower, upper = _bounds(error[used], origin[used], independent)
        inside = of_total == group
        scale = np.maximum(total[inside], 1.0) ** power
        low[inside], high[inside] = total[inside] + scale * lower, total[inside] + scale * upper
    return low, high


def _bounds(errors: Floats, origin: Integers, independent: float) -> tuple[float, float]:
    """Return the quantiles of the next error, from errors at past origins, shapes (n,).

    The common error of an origin is the median of its errors. The variance of the common errors is estimated without
    that of medians of few errors (method of moments). The n ``independent`` origins give ``1 - 1 / n`` of it, and the
    distance of the next common error from their mean has ``1 + 1 / n`` of it. The t distribution has n degrees of
    freedom, since the weeks of all forecasts are n + 1 times those of one.
    """
    from scipy.special import stdtrit

    _, place, counts = np.unique(origin, return_inverse=True, return_counts=True)
    common = np.array([np.median(errors[place == number]) for number in range(len(counts))])
    rest = errors - common[place]
    spread = np.subtract(*np.quantile(rest, (0.75, 0.25))) / NORMAL_QUARTILES
    of_median = float(np.mean(MEDIAN_VARIANCE * spread**2 / counts))
    within = common.var()
    real = np.sqrt(max(within - of_median, 0.0) / within) if within > 0 else 0.0
    variance = max(within * independent / (independent - 1) - of_median, 0.0)
    rest = rest + (1 - real) * (common - common.mean())[place]
    if len(rest) > MOST_RESTS:
        rest = np.quantile(rest, _middles(MOST_RESTS))
    shift = stdtrit(independent, _middles(T_QUANTILES)) * np.sqrt(variance * (1 + 1 / independent))
    all_errors = common.mean() + rest[:, None] + shift
    tail, count = (1 - COVERAGE) / 2, len(errors)
    # split conformal: the rank is computed for n + 1 instead of n errors
    outer = max(tail - (1 - tail) / count, 0.0)
    lower, upper = np.quantile(all_errors, (outer, 1 - outer))
    return float(lower), float(upper)


def _middles(count: int) -> Floats:
    return (np.arange(count) + 0.5) / count


def _power(past: Floats, error: Floats) -> float:
    """Return p of error ∝ forecast**p by log-log regression, from 0.5 (as of Poisson counts) to 1; 1 for few errors."""
    used = (past > 1.0) & (error > 0)
    if used.sum() < FEWEST_ERRORS or np.ptp(np.log(past[used])) < 1.0:
        return 1.0
    slope = np.polyfit(np.log(past[used]), np.log(error[used]), 1)[0]
    return float(np.clip(slope, 0.5, 1.0))
