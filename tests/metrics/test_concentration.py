"""Concentration of revenue: by hand, by the definition, and its limits of equal and of one customer's revenue."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.metrics.concentration import active_revenue, concentration_metrics, gini, top_quintile_share
from tests.metrics.rows import context, on, tables
from tests.metrics.shop import AS_OF, shop_context

amounts = st.lists(st.integers(0, 10**9), min_size=1, max_size=60).map(lambda those: np.array(those, dtype=np.int64))


def test_the_small_shop_counted_by_hand() -> None:
    """Net in 2025, ascending: 25, 30, 60, 90, 100, 270, 300, 1000, 1900; in 2024: 0, 15, 80, 100, 300, 1000, 1000.

    Sums of i times x: 25 + 60 + 180 + 360 + 500 + 1620 + 2100 + 8000 + 17100 = 29945 of 3775;
    0 + 30 + 240 + 400 + 1500 + 6000 + 7000 = 15170 of 2495. The best 2 of 9, and 2 of 7.
    """
    (found_gini, found_top), missing = concentration_metrics(shop_context())
    assert missing == ()
    assert found_gini.value == pytest.approx(2 * 29945 / (9 * 3775) - 10 / 9)
    assert found_gini.previous == pytest.approx(2 * 15170 / (7 * 2495) - 8 / 7)
    assert (found_top.value, found_top.previous) == (2900 / 3775, 2000 / 2495)
    assert found_gini.n == found_top.n == 9


@given(amounts)
def test_gini_is_half_of_the_mean_difference_over_the_mean(those: np.ndarray) -> None:
    if not those.sum():
        assert gini(those) is top_quintile_share(those) is None
        return
    differences = np.abs(those[:, None] - those[None, :]).mean()
    assert gini(those) == pytest.approx(differences / (2 * those.mean()), abs=1e-9)


@given(st.integers(1, 10**9), st.integers(1, 50))
def test_equal_customers_have_no_concentration_and_one_who_brings_all_has_the_most(each: int, count: int) -> None:
    assert gini(np.full(count, each)) == pytest.approx(0, abs=1e-9)
    one = np.zeros(count, dtype=np.int64)
    one[count // 2] = each
    assert gini(one) == pytest.approx(1 - 1 / count, abs=1e-9)
    assert top_quintile_share(one) == 1


@given(amounts)
def test_the_top_quintile_has_at_least_a_fifth_of_the_revenue(those: np.ndarray) -> None:
    share = top_quintile_share(those)
    assert share is None or 0.2 - 1e-9 <= share <= 1


def test_a_customer_with_more_returns_than_purchases_counts_as_zero() -> None:
    found = context(
        tables(on(AS_OF, "ann", 100.0), on(AS_OF, "bob", 1.0), on(AS_OF, "bob", -40.0), on(AS_OF, "cho", 60.0))
    )
    assert active_revenue(found).tolist() == [1_000_000, 0, 600_000]


def test_a_period_without_active_customers_has_no_concentration() -> None:
    (found_gini, found_top), _ = concentration_metrics(
        context(tables(on(AS_OF.replace(year=2020), "ann")), as_of=AS_OF)
    )
    assert (found_gini.value, found_top.value, found_gini.n) == (None, None, 0)
