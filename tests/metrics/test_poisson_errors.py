"""Intervals of changes equal those of a Poisson bootstrap, in shops that change by chance only."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.metrics.poisson_errors import (
    error_of_days,
    gradient,
    holm_significant,
    interval,
    p_value,
    ratio_gradient,
    sums,
)


def customers(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Orders and revenue."""
    dice = np.random.default_rng(seed)
    orders = dice.poisson(2.0, count).astype(float)
    return orders, orders * dice.gamma(2.0, 25.0, count)


def test_the_error_of_a_sum_by_hand() -> None:
    # customers bring 3, 4 and 0 now, and 1, 4 and 2 before: differences 2, 0 and -2, error sqrt(4 + 0 + 4)
    found = sums([np.array([3, 4, 0]), np.array([1, 4, 2])])
    assert found.totals.tolist() == [7, 7]
    assert found.error_of((1, -1)) == pytest.approx(8**0.5)


@pytest.mark.slow
def test_errors_are_those_of_a_poisson_bootstrap() -> None:
    orders, revenue = customers(2000, 1)
    dice = np.random.default_rng(2)
    weights = dice.poisson(1.0, (4000, len(orders)))
    drawn = (weights @ revenue) / (weights @ orders)
    found = sums([revenue, orders])
    assert found.error_of(ratio_gradient(*found.totals)) == pytest.approx(drawn.std(), rel=0.05)
    assert found.error_of((1, 0)) == pytest.approx((weights @ revenue).std(), rel=0.05)


def test_intervals_hold_zero_in_19_of_20_shops_where_nothing_changed() -> None:
    held = 0
    for seed in range(400):
        dice = np.random.default_rng(seed)
        rate = dice.gamma(1.0, 2.0, dice.poisson(500))  # each customer has an own rate, the same in both periods
        then, now = dice.poisson(rate) * 20.0, dice.poisson(rate) * 20.0
        low, high = interval(now.sum() - then.sum(), sums([now, then]).error_of((1, -1)))
        held += low <= 0 <= high
    assert held / 400 == pytest.approx(0.95, abs=0.025)


def test_a_gradient_is_that_of_calculus() -> None:
    at = np.array([1e12, 3.0])
    assert gradient(lambda x: float(x[0] / x[1]), at) == pytest.approx(ratio_gradient(*at), rel=1e-6)


def test_days_without_customers_vary_as_their_days_do() -> None:
    # days of 1, 2 and 3: variance 1, three days, sqrt(3)
    assert error_of_days(np.array([1, 2, 3])) == pytest.approx(3**0.5)
    assert error_of_days(np.array([7])) == 0


def test_p_value_by_the_normal_distribution() -> None:
    assert p_value(1.959963984540054, 1) == pytest.approx(0.05)
    assert (p_value(0, 0), p_value(1, 0)) == (1, 0)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_significant_changes_have_the_smallest_p_values_and_are_significant_alone(p_values: list[float]) -> None:
    stands = holm_significant(p_values)
    ordered = [stands[at] for at in sorted(range(len(p_values)), key=lambda at: (p_values[at], at))]
    assert all(left or not right for left, right in pairwise(ordered))
    assert all(each <= 0.05 for each, stood in zip(p_values, stands, strict=True) if stood)


def test_holms_rule_by_hand() -> None:
    # .01 <= .05 / 3; .02 <= .05 / 2; .06 > .05
    assert holm_significant([0.06, 0.01, 0.02]) == (False, True, True)
    # .02 > .05 / 3, and so all fall
    assert holm_significant([0.02, 0.03, 0.04]) == (False, False, False)


def test_a_sum_does_not_depend_on_the_other_columns() -> None:
    orders, revenue = customers(5000, 3)
    assert sums([orders, revenue]).products[1, 1] == sums([revenue]).products[0, 0]
