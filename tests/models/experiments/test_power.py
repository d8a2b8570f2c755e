"""Power: smallest detectable effects, compared with published sample sizes, and needed share of the holdout."""

from __future__ import annotations

import math

import pytest

from ckm.models.experiments.power import audience_size, detectable_mean, detectable_rate, needed_share


def test_the_detectable_rate_has_the_published_sample_size() -> None:
    # Fleiss, Levin and Paik (2003), table A.4: 60 % against 70 % at 5 % and 80 % needs 356 per arm without correction
    assert detectable_rate(0.6, 356, 356) == pytest.approx(0.1, abs=2e-4)


def test_the_detectable_mean_is_2_8_standard_errors() -> None:
    assert detectable_mean(10.0, 200, 200) == pytest.approx(2.8016, abs=1e-3)


def test_the_detectable_rate_is_infinite_if_no_increase_is_detected() -> None:
    assert detectable_rate(0.9, 5, 5) == math.inf


def test_the_needed_share_detects_the_effect_and_one_percent_less_does_not() -> None:
    share = needed_share(0.06, 3_000, rate=0.3)
    assert share is not None

    def smallest(percent: float) -> float:
        held = round(3_000 * percent)
        return detectable_rate(0.3, 3_000 - held, held)

    assert smallest(share) <= 0.06 < smallest(share - 0.01)


def test_the_needed_share_is_none_if_equal_arms_do_not_detect_the_effect() -> None:
    assert needed_share(0.01, 500, rate=0.3) is None
    assert needed_share(1.0, 500, deviation=50.0) is None


def test_a_budget_limits_the_number_of_treated_customers() -> None:
    assert audience_size(1_000, 0.2, 400) == 500
    assert audience_size(300, 0.2, 400) == 300
    assert audience_size(1_000, 0.2, None) == 1_000
