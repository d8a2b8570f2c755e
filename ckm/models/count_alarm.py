"""Alarms for counts that rise: a negative binomial CUSUM with the other counts as offset.

The counts of a topic in a week are compared with what its share of all counts lets expect, so that growth and season
that all topics have in common raise no alarm. The CUSUM adds the log likelihood ratio of a doubled rate (Page 1954;
Höhle and Paul 2008) and raises an alarm above a threshold. The threshold has the average run length that gives the
stated number of false alarms per year over all topics (Brook and Evans 1972), times a factor that a simulation of the
whole procedure finds, because expected counts and dispersion are estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import nbinom

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WEEKS_A_YEAR = 52
RISE = 2.0
"""Rate ratio against which the CUSUM tests."""
LAG = 8
"""Weeks before a week that its expected count does not use, so that a slow rise is not taken for the normal level."""
BASELINE = 26
"""Fewest weeks from which an expected count is estimated."""
FEWEST_A_WEEK = 0.5
"""Expected count per week below which a topic is too small to judge."""
STATES = 120
SEASON_HALF_WIDTH = 3
SEASON_WEIGHT = 10.0
"""Counts of evidence for no season of its own: shrinks the seasonal ratio of a topic towards one."""
SIMULATIONS = 40
LARGEST_FACTOR = 3.0


@dataclass(frozen=True)
class CountAlarms:
    """Alarms of a table of counts.

    Attributes
    ----------
    alarms
        Whether a week raised an alarm, shape (topics, weeks).
    expected
        Expected counts, NaN where there is no baseline; same shape.
    judged
        Whether the topic is large enough, shape (topics,).
    dispersion
        Variance of a count with mean ``m`` is ``m + dispersion * m**2``.
    factor
        Factor of the thresholds by simulation.
    per_year
        False alarms per year over all topics that the thresholds were set for.
    simulated
        False alarms per year in the simulation with these thresholds.
    """

    alarms: NDArray[np.bool_]
    expected: Floats
    judged: NDArray[np.bool_]
    dispersion: float
    factor: float
    per_year: float
    simulated: float


def count_alarms(counts: Floats, per_year: float = 1.0, *, seed: int = 0) -> CountAlarms:
    """Return the alarms of weekly counts.

    Parameters
    ----------
    counts
        Counts per topic and week, oldest week first, shape (topics, weeks); all topics together are the total volume.
    per_year
        Expected number of false alarms per year over all topics.
    seed
        Seed of the simulation.

    Raises
    ------
    ValueError
        There are fewer than ``BASELINE + LAG + 1`` weeks.
    """
    if counts.shape[1] <= BASELINE + LAG:
        raise ValueError(f"{BASELINE + LAG + 1} weeks are needed")
    expected = _expected(counts)
    judged = np.nan_to_num(np.nanmean(expected[:, -WEEKS_A_YEAR:], axis=1)) >= FEWEST_A_WEEK
    dispersion = _dispersion(counts, expected)
    thresholds = _thresholds(expected, judged, dispersion, per_year)
    factor, simulated = _factor(counts, judged, dispersion, thresholds, per_year, np.random.default_rng(seed))
    alarms = _run(counts, expected, dispersion, thresholds * factor)
    return CountAlarms(alarms, expected, judged, dispersion, factor, per_year, simulated)


def _expected(counts: Floats) -> Floats:
    """Return expected counts: the counts of the other topics times the ratio of earlier weeks; NaN without baseline."""
    others = counts.sum(axis=0) - counts
    own, rest = np.cumsum(counts, axis=1), np.cumsum(others, axis=1)
    expected = np.full(counts.shape, np.nan)
    weeks = np.arange(BASELINE + LAG, counts.shape[1])
    ratio = own[:, weeks - LAG - 1] / np.maximum(rest[:, weeks - LAG - 1], 1.0)
    expected[:, weeks] = others[:, weeks] * ratio
    for week in range(2 * WEEKS_A_YEAR, counts.shape[1]):
        around = slice(week - WEEKS_A_YEAR - SEASON_HALF_WIDTH, week - WEEKS_A_YEAR + SEASON_HALF_WIDTH + 1)
        seen, then = (
            counts[:, around].sum(axis=1),
            np.nansum(others[:, around], axis=1) * ratio[:, week - BASELINE - LAG],
        )
        expected[:, week] *= (seen + SEASON_WEIGHT) / (then + SEASON_WEIGHT)
    return expected


def _dispersion(counts: Floats, expected: Floats) -> float:
    """Return the pooled dispersion by the method of moments; weeks far above the expectation are left out."""
    known = np.isfinite(expected) & (expected > 0)
    observed, mean = counts[known], expected[known]
    usual = observed <= 3 * mean + 6
    observed, mean = observed[usual], mean[usual]
    if not len(mean):
        return 0.0
    return float(max(0.0, ((observed - mean) ** 2 - mean).sum() / (mean**2).sum()))


def _scores(mean: Floats, dispersion: float) -> tuple[Floats, Floats]:
    """Return slope and intercept of the log likelihood ratio of a rate of ``RISE`` times the mean, per count."""
    if dispersion < 1e-9:  # Poisson
        return np.full_like(mean, np.log(RISE)), -(RISE - 1) * mean
    size = 1 / dispersion
    slope = np.log(RISE) + np.log((size + mean) / (size + RISE * mean))
    return slope, -size * np.log((size + RISE * mean) / (size + mean))


def _run(counts: Floats, expected: Floats, dispersion: float, thresholds: Floats) -> NDArray[np.bool_]:
    """Return the alarms; after an alarm the sum begins at zero again."""
    total, alarms = np.zeros(len(counts)), np.zeros(counts.shape, dtype=bool)
    for week in range(counts.shape[1]):
        mean = np.nan_to_num(expected[:, week])
        slope, intercept = _scores(mean, dispersion)
        total = np.maximum(0.0, total + np.where(mean > 0, slope * counts[:, week] + intercept, 0.0))
        alarms[:, week] = (total >= thresholds) & (mean > 0)
        total = np.where(alarms[:, week], 0.0, total)
    return alarms


def _thresholds(expected: Floats, judged: NDArray[np.bool_], dispersion: float, per_year: float) -> Floats:
    """Return the threshold of each topic by its mean; infinite for a topic that is not judged."""
    length = max(int(judged.sum()), 1) * WEEKS_A_YEAR / per_year
    means = np.nan_to_num(np.nanmean(expected[:, -WEEKS_A_YEAR:], axis=1))
    thresholds = np.full(len(means), np.inf)
    levels = np.unique(np.round(np.log(np.maximum(means[judged], FEWEST_A_WEEK)) * 8) / 8)
    found = [_threshold(float(np.exp(level)), dispersion, length) for level in levels]
    if len(levels):
        thresholds[judged] = np.interp(np.log(np.maximum(means[judged], FEWEST_A_WEEK)), levels, found)
    return thresholds


def _threshold(mean: float, dispersion: float, length: float) -> float:
    """Return the threshold at which the average run length without a change is ``length`` weeks."""
    low, high = 0.1, 40.0
    for _ in range(18):
        middle = (low + high) / 2
        low, high = (middle, high) if _run_length(mean, dispersion, middle) < length else (low, middle)
    return high


def _run_length(mean: float, dispersion: float, threshold: float) -> float:
    """Return the average run length of the CUSUM from zero, by a Markov chain of its discretised sum."""
    width = threshold / STATES
    slope, intercept = (float(each[0]) for each in _scores(np.array([mean]), dispersion))
    most = int(mean + 30 * np.sqrt(mean + dispersion * mean**2) + 30)
    numbers = np.arange(most + 1)
    size = 1 / max(dispersion, 1e-9)
    chance = nbinom.pmf(numbers, size, size / (size + mean))
    starts = (np.arange(STATES) + 0.5) * width
    starts[0] = 0.0
    ends = np.maximum(0.0, starts[:, None] + slope * numbers + intercept)
    cells = (ends / width).astype(np.int64)
    inside = cells < STATES
    moves = np.zeros((STATES, STATES))
    rows = np.broadcast_to(np.arange(STATES)[:, None], cells.shape)[inside]
    np.add.at(moves, (rows, cells[inside]), np.broadcast_to(chance, cells.shape)[inside])
    return float(np.linalg.solve(np.eye(STATES) - moves, np.ones(STATES))[0])


def _factor(
    counts: Floats,
    judged: NDArray[np.bool_],
    dispersion: float,
    thresholds: Floats,
    per_year: float,
    dice: np.random.Generator,
) -> tuple[float, float]:
    """Return the factor of the thresholds, and the false alarms per year with it, by simulating the whole procedure.

    Simulated counts have the weekly volume of the data and constant shares of it.
    """
    volume = counts.sum(axis=0)
    share = (counts.sum(axis=1) + 0.5) / (counts.sum() + 0.5 * len(counts))
    mean = np.outer(share, volume)
    paths = []
    for _ in range(SIMULATIONS):
        rate = mean if dispersion < 1e-9 else mean * dice.gamma(1 / dispersion, dispersion, mean.shape)
        simulated = dice.poisson(rate).astype(np.float64)
        expected = _expected(simulated)
        paths.append((simulated, expected, _dispersion(simulated, expected)))
    years = SIMULATIONS * (counts.shape[1] - BASELINE - LAG) / WEEKS_A_YEAR

    def false_alarms(factor: float) -> float:
        limits = np.where(judged, thresholds * factor, np.inf)
        return sum(int(_run(*each, limits).sum()) for each in paths) / years

    low, high = 0.5, LARGEST_FACTOR
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if false_alarms(middle) > per_year else (low, middle)
    return high, false_alarms(high)
