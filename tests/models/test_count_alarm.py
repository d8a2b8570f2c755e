"""Alarms for rising weekly counts, on simulated counts with known rates."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models import count_alarm
from ckm.models.count_alarm import BASELINE, LAG, count_alarms

WEEKS = 120


@pytest.fixture
def few_repetitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the number of repetitions of a simulation to 20 instead of up to 200."""
    monkeypatch.setattr(count_alarm, "SIMULATED_CELLS", 1)


def steady(topics: int = 12, *, seed: int = 1, dispersion: float = 0.1) -> np.ndarray:
    dice = np.random.default_rng(seed)
    mean = np.repeat(np.linspace(1, 8, topics)[:, None], WEEKS, axis=1)
    return dice.poisson(mean * dice.gamma(1 / dispersion, dispersion, mean.shape)).astype(float)


@pytest.mark.usefixtures("few_repetitions")
def test_only_the_topic_whose_rate_rises_fourfold_raises_an_alarm() -> None:
    counts = steady()
    counts[4, -4:] = 16  # about 3.5 a week before
    alarms = count_alarms(counts).alarms[:, -4:].any(axis=1)
    assert alarms.tolist() == [topic == 4 for topic in range(12)]


@pytest.mark.usefixtures("few_repetitions")
def test_growth_that_all_topics_share_raises_no_alarm() -> None:
    dice = np.random.default_rng(3)
    mean = np.outer(np.linspace(1, 8, 12), np.where(np.arange(WEEKS) < WEEKS - 8, 1.0, 4.0))
    found = count_alarms(dice.poisson(mean).astype(float))
    assert not found.alarms[:, -8:].any()
    assert np.nanmean(found.expected[:, -8:] / mean[:, -8:]) == pytest.approx(1, abs=0.1)


@pytest.mark.usefixtures("few_repetitions")
def test_expected_counts_do_not_depend_on_later_weeks() -> None:
    counts = steady()
    changed = counts.copy()
    changed[:, -1] += 50
    before, after = (count_alarms(each).expected[:, :-1] for each in (counts, changed))
    np.testing.assert_array_equal(before, after)


@pytest.mark.slow
def test_an_independent_simulation_has_the_stated_number_of_false_alarms() -> None:
    for per_year in (1.0, 6.0):
        found = count_alarms(steady(), per_year)
        assert found.simulated == pytest.approx(per_year, rel=0.3)


@pytest.mark.usefixtures("few_repetitions")
def test_more_false_alarms_allow_a_lower_threshold() -> None:
    counts = steady()
    assert count_alarms(counts, 10).threshold < count_alarms(counts, 1).threshold


@pytest.mark.slow
@pytest.mark.parametrize("dispersion", [0.05, 0.4])
def test_the_estimated_dispersion_is_near_the_simulated_one(dispersion: float) -> None:
    found = [count_alarms(steady(20, seed=seed, dispersion=dispersion)).dispersion for seed in range(3)]
    assert np.mean(found) == pytest.approx(dispersion, rel=0.35)


@pytest.mark.usefixtures("few_repetitions")
def test_a_topic_of_rare_comments_is_small_and_still_raises_an_alarm() -> None:
    counts = steady()
    counts[0] = 0
    counts[0, ::10] = 1
    counts[0, -3:] = 8
    found = count_alarms(counts)
    assert found.small[0]
    assert not found.small[-1]
    assert found.alarms[0, -3:].any()


@pytest.mark.usefixtures("few_repetitions")
def test_a_season_of_a_topic_is_expected_in_its_third_year() -> None:
    weeks = np.arange(3 * 52)
    mean = np.full((12, len(weeks)), 10.0)
    mean[0] *= 1 + 0.8 * np.sin(2 * np.pi * weeks / 52)
    expected = count_alarms(np.random.default_rng(2).poisson(mean).astype(float)).expected[0]
    peak, trough = expected[2 * 52 + 13], expected[2 * 52 + 39]
    assert peak > 1.5 * trough


@pytest.mark.usefixtures("few_repetitions")
def test_other_topics_raise_no_alarm_when_the_largest_topic_disappears() -> None:
    counts = steady(dispersion=0.02)
    counts[0] = np.random.default_rng(4).poisson(80, WEEKS)
    counts[0, -4:] = 2
    found = count_alarms(counts)
    assert not found.alarms[1:, -4:].any()


@pytest.mark.slow
def test_the_estimated_variance_of_seasons_is_that_of_the_counts() -> None:
    weeks = np.arange(138)
    found = []
    for seed in range(6):
        dice = np.random.default_rng(seed)
        season = 1 + 0.4 * np.sin(2 * np.pi * weeks / 52 + dice.uniform(0, 2 * np.pi, (40, 1)))
        counts = dice.poisson(np.linspace(1, 12, 40)[:, None] * season).astype(float)
        mean = count_alarm._null_mean(counts)
        measured = count_alarm._slow_variance(counts, mean)
        found.append(count_alarm._actual_slow_variance(mean, measured, 0.0, dice, 40))
    assert np.mean(found) == pytest.approx(0.08, rel=0.15)  # half of the square of the amplitude


def test_too_few_weeks_are_refused() -> None:
    with pytest.raises(ValueError, match="35 weeks"):
        count_alarms(np.ones((3, BASELINE + LAG)))
