"""Sample-ratio test, compared with the chi-squared test of scipy."""

from __future__ import annotations

import pytest
from scipy.stats import chisquare

from ckm.models.experiments.sample_ratio import MISMATCH, sample_ratio


@pytest.mark.parametrize(("treated", "holdout", "share"), [(584, 316, 0.333), (700, 200, 0.3), (80, 20, 0.2)])
def test_the_p_value_equals_that_of_the_chi_squared_test_of_scipy(treated: int, holdout: int, share: float) -> None:
    whole = treated + holdout
    expected = chisquare([treated, holdout], [whole * (1 - share), whole * share]).pvalue
    assert sample_ratio(treated, holdout, share) == pytest.approx(expected)


def test_a_holdout_of_half_its_share_is_a_mismatch_and_a_small_deviation_is_not() -> None:
    assert sample_ratio(900, 100, 0.2) < MISMATCH
    assert sample_ratio(790, 210, 0.2) > 0.3
