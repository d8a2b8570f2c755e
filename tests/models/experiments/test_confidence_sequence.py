"""Confidence sequence: coverage over thirty measurements, and width compared with a single 95 % interval."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.experiments.confidence_sequence import confidence_sequence, mixture_radius
from ckm.models.intervals import Z

LOOKS, CAMPAIGNS = 30, 200


@pytest.mark.slow
def test_daily_intervals_without_an_effect_exclude_zero_in_at_most_five_percent_of_experiments() -> None:
    random = np.random.default_rng(8)
    fixed = sequence = 0
    for _ in range(CAMPAIGNS):
        day = random.integers(1, 4 * LOOKS, 2_000)  # a quarter of the customers order within the window
        treated = random.random(2_000) < 0.7
        claims = {"fixed": False, "sequence": False}
        target = 0.25 * 0.75 * (1 / treated.sum() + 1 / (~treated).sum())
        for look in range(1, LOOKS + 1):
            arms = [(day[arm] <= look).astype(float) for arm in (treated, ~treated)]
            moments = [(float(each.mean()), float(each.var(ddof=1)), len(each)) for each in arms]
            error = np.sqrt(sum(variance / size for _, variance, size in moments))
            claims["fixed"] |= abs(moments[0][0] - moments[1][0]) > Z * error
            claims["sequence"] |= confidence_sequence(*moments, target=target).excludes_zero
        fixed += claims["fixed"]
        sequence += claims["sequence"]
    assert sequence / CAMPAIGNS <= 0.05
    assert fixed / CAMPAIGNS > 0.1


def test_the_sequence_is_narrowest_at_its_target_and_wider_than_a_fixed_interval() -> None:
    at_target = mixture_radius(1.0, 1.0)
    assert at_target > Z
    assert at_target < mixture_radius(1.0, 0.1)
    assert at_target < mixture_radius(1.0, 10.0)


def test_the_width_grows_with_the_variance() -> None:
    widths = [mixture_radius(variance, 1.0) for variance in (0.1, 0.5, 1.0, 2.0)]
    assert widths == sorted(widths)
