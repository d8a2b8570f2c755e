"""Times in which a shop sold nothing: closures, and what is none."""

import numpy as np
import pytest

from ckm.customers.closures import closures


def _days(rate: float, days: int, closed: tuple[int, int] | None = None, seed: int = 0) -> np.ndarray:
    counts = np.random.default_rng(seed).poisson(rate, days)
    if closed:
        counts[closed[0] : closed[1] + 1] = 0
    return np.repeat(np.arange(days), counts)


@pytest.mark.parametrize("rate", [1, 5, 200])
def test_a_shop_that_was_closed_for_months_is_found(rate):
    days = _days(rate, 800, (400, 489))
    (found,) = closures(days)
    assert found.first <= 400
    assert found.last >= 489
    assert found.days < 100


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 3, 50])
@pytest.mark.parametrize("seed", range(5))
def test_a_shop_that_is_open_has_no_closure_however_thin(rate, seed):
    assert closures(_days(rate, 1_500, seed=seed)) == ()


def test_a_club_that_bills_once_a_month_is_not_closed_in_between():
    assert closures(np.repeat(np.arange(0, 900, 30), 500)) == ()
    assert closures(np.repeat(np.arange(0, 900, 91), 500)) == ()


def test_a_fortnight_of_holidays_is_no_closure():
    assert closures(_days(20, 800, (300, 320))) == ()


def test_the_order_of_the_purchases_changes_nothing():
    days = _days(4, 700, (200, 280))
    assert closures(np.random.default_rng(1).permutation(days)) == closures(days)


def test_nothing_bought_is_nothing_found():
    assert closures(np.array([], dtype=np.int64)) == ()
    assert closures(np.array([5])) == ()
