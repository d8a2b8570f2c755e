"""Alarms for rising weekly counts of topics: a negative binomial CUSUM with the counts of all other topics as offset.

The expected count of a topic is the count of all other topics in the same week, times the ratio of the topic's counts
to the other topics' counts in the year before. Thus growth and seasons that all topics have in common raise no alarm.
With more than two years of data, the expected count includes the topic's own season. The CUSUM adds the log likelihood
ratio of a larger rate (Page 1954; Höhle and Paul 2008) and raises an alarm at a threshold. The threshold is set by a
simulation of the whole procedure, so that all topics in total have the stated number of false alarms per year. The
simulation includes the estimation of expected counts and dispersion, and seasons of topics with the variance that is
estimated from the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WEEKS_A_YEAR = 52
RISE = 2.5
"""Rate ratio against which the CUSUM tests; it finds a tripling more often than a ratio of 3 does."""
MOST_SHARE = 0.1
"""Largest share of one topic in the volume; the counts of larger topics are weighted down, so that a fall of the
largest topic is no rise of the other topics."""
LAG = 8
"""Number of weeks before a week whose counts its expected count does not use, so that a slow rise does not raise it."""
BASELINE = 26
"""Fewest weeks from which an expected count is estimated; the most are a year."""
FEWEST_WEEKS = BASELINE + LAG + 1
FEWEST_A_WEEK = 0.5
"""Expected count per week below which a rise to three times the rate is found late or never."""
PSEUDOCOUNT = 0.5
"""Added to the counts of a topic, so that a topic without earlier counts has an expected count above zero."""
SEASON_HALF_WIDTH = 6
"""Weeks before and after the same week of earlier years that give the seasonal ratio of a topic."""
QUARTER = 13
MOST_SLOW_VARIANCE = 0.25
"""Largest variance of the season of a topic that is simulated (a standard deviation of 50 %)."""
LEAST_DISPERSION = 1e-6
"""Dispersion below which counts are taken as Poisson."""
SIMULATED_CELLS = 1_000_000
"""Largest product of topics, weeks and repetitions of one simulation."""
FEWEST_REPETITIONS, MOST_REPETITIONS = 20, 200
BISECTIONS = 14


@dataclass(frozen=True)
class CountAlarms:
    """Alarms of the weekly counts of topics.

    Attributes
    ----------
    alarms
        Whether the topic raised an alarm in the week, shape (topics, weeks).
    expected
        Expected counts, shape (topics, weeks); NaN in the first weeks, which have no baseline.
    small
        Whether the expected count per week is too small to detect a tripling of the rate within some weeks, shape
        (topics,).
    dispersion
        Dispersion of the counts: the variance of a count with mean ``m`` is ``m + dispersion * m**2``.
    threshold
        Sum of log likelihood ratios at which an alarm is raised.
    per_year
        False alarms per year over all topics for which the threshold was set.
    simulated
        False alarms per year with this threshold in a second simulation, independent of the one that set it.
    """

    alarms: NDArray[np.bool_]
    expected: Floats
    small: NDArray[np.bool_]
    dispersion: float
    threshold: float
    per_year: float
    simulated: float


def count_alarms(counts: Floats, per_year: float = 1.0, *, seed: int = 0) -> CountAlarms:
    """Test the weekly counts of topics for rises.

    Parameters
    ----------
    counts
        Counts per topic and week, oldest week first, shape (topics, weeks); the sum over topics is the total volume.
    per_year
        Expected number of false alarms per year over all topics.
    seed
        Random seed of the simulation.

    Raises
    ------
    ValueError
        There are fewer than ``FEWEST_WEEKS`` weeks.
    """
    if counts.shape[1] < FEWEST_WEEKS:
        raise ValueError(f"{FEWEST_WEEKS} weeks are needed")
    dice = np.random.default_rng(seed)
    expected, spread = _expected(counts)
    measured = float(_dispersion(counts, expected))
    mean = _null_mean(counts)
    repetitions = int(np.clip(SIMULATED_CELLS // counts.size, FEWEST_REPETITIONS, MOST_REPETITIONS))
    slow = _actual_slow_variance(mean, _slow_variance(counts, mean), measured, dice, repetitions)
    actual = _actual_dispersion(mean, measured, slow, dice, repetitions)
    first, second = (_simulated_steps(mean, actual, slow, dice, repetitions) for _ in range(2))
    threshold = _threshold(first, per_year)
    alarms = _run(_steps(counts, expected, spread, np.asarray(measured)), threshold)
    small = np.nanmean(expected[:, -WEEKS_A_YEAR:], axis=1) < FEWEST_A_WEEK
    return CountAlarms(alarms, expected, small, actual, threshold, per_year, _false_alarms(second, threshold))


def _sums(values: Floats, begin: NDArray[np.int64], end: NDArray[np.int64]) -> Floats:
    """Return the sums of ``values[..., begin:end]``, one per pair of ``begin`` and ``end``, shape (..., pairs)."""
    total = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    found: Floats = total[..., end] - total[..., begin]
    return found


def _expected(counts: Floats) -> tuple[Floats, Floats]:
    """Return expected counts, and the sums of earlier counts from which they are estimated; NaN without a baseline.

    Both have the shape of ``counts``, (..., topics, weeks). The expected count of a topic is the count of all other
    topics in the week, times the ratio of the topic to all other topics in the year before the last ``LAG`` weeks,
    times the seasonal ratio of earlier years. Counts of topics with over ``MOST_SHARE`` of the volume are weighted
    down.
    """
    weeks = np.arange(BASELINE + LAG, counts.shape[-1])
    begin, end = np.maximum(weeks - LAG - WEEKS_A_YEAR, 0), weeks - LAG
    earlier = _sums(counts, begin, end)
    weights = np.minimum(MOST_SHARE * earlier.sum(axis=-2, keepdims=True) / np.maximum(earlier, 1.0), 1.0)
    volume, before = _others(weights * counts[..., weeks]), _others(weights * earlier)
    expected, base = np.full(counts.shape, np.nan), np.full(counts.shape, np.nan)
    base[..., weeks] = earlier + PSEUDOCOUNT
    expected[..., weeks] = volume * base[..., weeks] / np.maximum(before, 1.0)
    if counts.shape[-1] > 2 * WEEKS_A_YEAR:
        expected[..., 2 * WEEKS_A_YEAR :] *= _season(counts, _others(counts), _dispersion(counts, expected))
    return expected, base


def _others(counts: Floats) -> Floats:
    """Return for each topic the sum of the counts of all other topics; same shape as ``counts``."""
    found: Floats = counts.sum(axis=-2, keepdims=True) - counts
    return found


def _season(counts: Floats, others: Floats, dispersion: Floats) -> Floats:
    """Return the seasonal ratio of each topic from week 104 on, shape (..., topics, weeks - 104), shrunk towards one.

    It is the topic's share in the weeks around the same week of earlier years, divided by its share in the year around
    that week. Shrinkage by empirical Bayes: the weight of a ratio is the variance of ratios beyond chance, pooled over
    topics, divided by the sum of this variance and the variance by chance. Without seasons all ratios are near one.
    """
    weeks = np.arange(2 * WEEKS_A_YEAR, counts.shape[-1])
    seen, normal = np.zeros((2, *counts.shape[:-1], len(weeks)))
    length = np.zeros(len(weeks))
    for years in range(1, counts.shape[-1] // WEEKS_A_YEAR + 1):
        middle = weeks - years * WEEKS_A_YEAR
        usable = middle >= WEEKS_A_YEAR // 2
        begin, end = np.maximum(middle - SEASON_HALF_WIDTH, 0), np.maximum(middle + SEASON_HALF_WIDTH + 1, 0)
        first, last = np.maximum(middle - WEEKS_A_YEAR // 2, 0), np.maximum(middle + WEEKS_A_YEAR // 2, 0)
        ratio = _sums(counts, first, last) / np.maximum(_sums(others, first, last), 1.0)
        seen += np.where(usable, _sums(counts, begin, end), 0.0)
        normal += np.where(usable, _sums(others, begin, end) * ratio, 0.0)
        length += usable * (2 * SEASON_HALF_WIDTH + 1)
    chance = normal + dispersion[..., None, None] * normal**2 / length
    between = ((seen - normal) ** 2 - chance).sum(axis=(-2, -1)) / np.maximum((normal**2).sum(axis=(-2, -1)), 1e-12)
    between = np.maximum(between, 0.0)[..., None, None] * normal**2
    found: Floats = normal + between / (between + chance + PSEUDOCOUNT) * (seen - normal)
    found /= np.maximum(normal, 1e-12)
    return found


def _dispersion(counts: Floats, expected: Floats) -> Floats:
    """Return the dispersion, pooled over topics and weeks, by the method of moments; shape of ``counts[..., 0, 0]``.

    Counts far above the expected count are left out, because a rise would increase the dispersion.
    """
    used = np.isfinite(expected) & (counts <= 3 * np.nan_to_num(expected) + 6)
    mean = np.where(used, expected, 0.0)
    surplus = np.where(used, (counts - mean) ** 2 - mean, 0.0).sum(axis=(-2, -1))
    found: Floats = np.maximum(0.0, surplus / np.maximum((mean**2).sum(axis=(-2, -1)), 1e-12))
    return found


def _null_mean(counts: Floats) -> Floats:
    """Return the mean counts if each topic has a constant share of the weekly volume, shape (topics, weeks)."""
    share = (counts.sum(axis=1) + PSEUDOCOUNT) / (counts.sum() + PSEUDOCOUNT * len(counts))
    return np.outer(share, counts.sum(axis=0))


def _slow_variance(counts: Floats, mean: Floats) -> float:
    """Return the variance, relative to the mean, of slow changes: those that the weeks of a quarter have in common.

    It is the mean product of the residuals of two weeks of the same quarter. Quarters far above the mean, and the last
    fifth of the weeks (at least ``LAG``, at most ``LAG + QUARTER``), are left out, because a rise would increase the
    variance.
    """
    earlier = counts.shape[1] - int(np.clip(counts.shape[1] // 5, LAG, LAG + QUARTER))
    counts, mean = counts[:, :earlier], mean[:, :earlier]
    quarters = earlier // QUARTER
    shape = (len(counts), quarters, QUARTER)
    seen, normal = (each[:, -quarters * QUARTER :].reshape(shape) for each in (counts, mean))
    used = seen.sum(axis=2) <= 2 * normal.sum(axis=2) + 6
    products = (seen - normal).sum(axis=2) ** 2 - ((seen - normal) ** 2).sum(axis=2)
    weights = normal.sum(axis=2) ** 2 - (normal**2).sum(axis=2)
    return float(np.clip(products[used].sum() / max(weights[used].sum(), 1e-12), 0.0, MOST_SLOW_VARIANCE))


def _sample(mean: Floats, dispersion: float, slow: float, dice: np.random.Generator, repetitions: int) -> Floats:
    """Simulate counts, shape (repetitions, topics, weeks), with a random yearly season of variance ``slow`` a topic.

    The season is a sine of random phase, whose variance is uniform between 0 and twice ``slow``. Normal sines and
    cosines would give some topics a very large season, whose simulated alarms would raise the threshold for all topics.
    """
    shape = (repetitions, *mean.shape)
    angle = 2 * np.pi * np.arange(mean.shape[1]) / WEEKS_A_YEAR
    phase = dice.uniform(0.0, 2 * np.pi, (*shape[:2], 1))
    variance = slow * dice.uniform(0.0, 2.0, (*shape[:2], 1))
    rate = mean * np.maximum(1 + np.sqrt(2 * variance) * np.sin(angle + phase), 0.1)
    if dispersion >= LEAST_DISPERSION:
        rate *= dice.gamma(1 / dispersion, dispersion, shape)
    found: Floats = dice.poisson(rate).astype(np.float64)
    return found


def _actual_slow_variance(
    mean: Floats, measured: float, dispersion: float, dice: np.random.Generator, repetitions: int
) -> float:
    """Return the variance of seasons with which simulated counts have the measured variance (indirect inference).

    The measured variance is biased downwards: a season also changes within a quarter, and changes the total volume.
    """
    if measured <= 0:
        return 0.0
    tried = np.array([0.0, 1.0, 1.5, 2.0, 3.0]) * measured
    found = []
    for each in tried:
        drawn = _sample(mean, dispersion, float(each), dice, max(repetitions // 8, 4))
        found.append(float(np.mean([_slow_variance(one, _null_mean(one)) for one in drawn])))
    return float(min(np.interp(measured, np.maximum.accumulate(found), tried), MOST_SLOW_VARIANCE))


def _actual_dispersion(
    mean: Floats, measured: float, slow: float, dice: np.random.Generator, repetitions: int
) -> float:
    """Return the dispersion with which simulated counts have the measured dispersion (indirect inference).

    The measured dispersion is biased upwards by the error of the expected counts, and downwards by the counts that are
    left out.
    """
    tried = np.array([0.0, 0.5, 1.0, 1.5, 2.5]) * max(measured, 0.02)
    some = max(repetitions // 8, 4)
    found = []
    for each in tried:
        drawn = _sample(mean, float(each), slow, dice, some)
        found.append(float(_dispersion(drawn, _expected(drawn)[0]).mean()))
    return float(np.interp(measured, np.maximum.accumulate(found), tried))


def _steps(counts: Floats, expected: Floats, base: Floats, dispersion: Floats) -> Floats:
    """Return the log likelihood ratio of ``RISE`` times the expected count for each count; 0 without a baseline.

    The relative variance of the estimated expected count, ``1 / base``, is added to the dispersion.
    """
    mean = np.nan_to_num(expected)
    size = 1 / (np.maximum(dispersion, LEAST_DISPERSION)[..., None, None] + np.nan_to_num(1 / base))
    bigger = np.log((size + RISE * mean) / (size + mean))
    return np.where(mean > 0, counts * (np.log(RISE) - bigger) - size * bigger, 0.0)


def _run(steps: Floats, threshold: float) -> NDArray[np.bool_]:
    """Return whether the CUSUM of ``steps`` raises an alarm in each week, same shape; an alarm sets the sum to zero."""
    total, alarms = np.zeros(steps.shape[:-1]), np.zeros(steps.shape, dtype=bool)
    for week in range(steps.shape[-1]):
        total = np.maximum(0.0, total + steps[..., week])
        alarms[..., week] = total >= threshold
        total[alarms[..., week]] = 0.0
    return alarms


def _simulated_steps(
    mean: Floats, dispersion: float, slow: float, dice: np.random.Generator, repetitions: int
) -> Floats:
    drawn = _sample(mean, dispersion, slow, dice, repetitions)
    expected, base = _expected(drawn)
    steps = _steps(drawn, expected, base, _dispersion(drawn, expected))
    return steps[..., BASELINE + LAG :]


def _false_alarms(steps: Floats, threshold: float) -> float:
    """Return the mean number of alarms in the last year of the simulations, over all topics."""
    alarms = _run(steps, threshold)[..., -WEEKS_A_YEAR:]
    return float(alarms.sum() * WEEKS_A_YEAR / (len(alarms) * alarms.shape[-1]))


def _threshold(steps: Floats, per_year: float) -> float:
    """Return the threshold at which the simulated counts raise ``per_year`` alarms a year, by bisection."""
    low, high = 0.0, 40.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _false_alarms(steps, middle) > per_year else (low, middle)
    return high
