"""What a decomposition promises: it adds up to the cent whatever the signs, and follows the published formula."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.measures.decomposition import (
    Totals,
    logarithmic_mean,
    ratio_contributions,
    revenue_effects,
    surprise,
    whole_parts,
)

SCALE = 10_000


@st.composite
def totals(draw: st.DrawFn) -> Totals:
    customers = draw(st.integers(0, 1_000_000))
    orders = customers * draw(st.integers(1, 50)) if customers else 0
    return Totals(customers, orders, draw(st.integers(-(10**13), 10**13)))


def close(effects: tuple[float, ...]) -> float:
    """What floats may be off: a billionth of the largest of them."""
    return 1e-9 * max(1.0, *map(abs, effects))


def test_growth_by_hand() -> None:
    # 10 customers, 20 orders, 1,000.00 before; 12 customers, 30 orders, 1,800.00 now
    # L = (1800 - 1000) / ln(1800 / 1000) = 800 / 0.587787 = 1361.038
    # customers    1361.038 · ln(12 / 10)       = 1361.038 · 0.182322 = 248.146
    # frequency    1361.038 · ln(2.5 / 2)       = 1361.038 · 0.223144 = 303.707
    # order value  1361.038 · ln(60 / 50)       = 1361.038 · 0.182322 = 248.146
    found = revenue_effects(Totals(10, 20, 1000), Totals(12, 30, 1800))
    assert found == pytest.approx((248.146, 303.707, 248.146), abs=0.001)
    assert sum(found) == pytest.approx(800)


def test_more_taken_back_than_bought_gets_shapley_values_by_hand() -> None:
    # 2 customers, 2 orders, -10 (F = 1, V = -5) before; 3 customers, 6 orders, 60 (F = 2, V = 10) now
    # customers: (3 - 2) · [(1 · -5 + 2 · 10) / 3 + (1 · 10 + 2 · -5) / 6] = 15 / 3 + 0 / 6            =  5
    # frequency: (2 - 1) · [(2 · -5 + 3 · 10) / 3 + (2 · 10 + 3 · -5) / 6] = 20 / 3 + 5 / 6            =  7.5
    # value:     (10 + 5) · [(2 · 1 + 3 · 2) / 3 + (2 · 2 + 3 · 1) / 6]    = 15 · (8 / 3 + 7 / 6)      = 57.5
    found = revenue_effects(Totals(2, 2, -10), Totals(3, 6, 60))
    assert found == pytest.approx((5, 7.5, 57.5))
    assert sum(found) == pytest.approx(70)


def test_all_is_by_customers_where_one_period_had_none() -> None:
    assert revenue_effects(Totals(0, 0, 0), Totals(5, 9, 700)) == (700, 0, 0)
    assert revenue_effects(Totals(5, 9, 700), Totals(0, 0, -20)) == (-720, 0, 0)
    assert revenue_effects(Totals(0, 0, -50), Totals(0, 0, -20)) == (0, 0, 30)


def test_no_customer_is_the_limit_of_few_customers_of_the_same_kind() -> None:
    now = Totals(1000, 2000, 50_000_000)
    few = revenue_effects(Totals(1, 2, 50_000), now)
    assert few == pytest.approx((now.revenue - 50_000, 0, 0), abs=1e-6)


@given(totals(), totals())
def test_effects_add_up_to_the_change_in_every_case(before: Totals, now: Totals) -> None:
    change = now.revenue - before.revenue
    effects = revenue_effects(before, now)
    assert sum(effects) == pytest.approx(change, abs=close(effects))
    assert sum(whole_parts(effects, change, SCALE)) == change


@given(totals(), totals())
def test_the_way_back_is_the_same_with_the_other_sign(before: Totals, now: Totals) -> None:
    there, back = revenue_effects(before, now), revenue_effects(now, before)
    assert there == pytest.approx([-each for each in back], abs=close(there))


@given(totals())
def test_a_factor_that_did_not_change_did_nothing(before: Totals) -> None:
    more = Totals(before.customers, before.orders, 2 * before.revenue)
    if before.customers:
        by_customers, by_frequency, by_value = revenue_effects(before, more)
        assert (by_customers, by_frequency) == (0, 0)
        assert by_value == pytest.approx(before.revenue, rel=1e-9)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8), st.sampled_from([1, 10, 100, 10_000]))
def test_rounding_keeps_the_sum_and_moves_no_part_by_more_than_the_cents_left_over(
    parts: list[float], scale: int
) -> None:
    total = round(sum(parts))
    rounded = whole_parts(parts, total, scale)
    assert sum(rounded) == total
    cent = max(1, scale // 100)
    assert all(abs(whole - part) <= cent * (len(parts) + 1) / 2 + 1 for whole, part in zip(rounded, parts, strict=True))
    whole_cents = [whole % cent == 0 for whole in rounded]
    assert whole_cents.count(False) <= (1 if total % cent else 0)


@given(st.floats(0.01, 1e9), st.floats(0.01, 1e9))
def test_the_logarithmic_mean_lies_between(first: float, second: float) -> None:
    mean = logarithmic_mean(first, second)
    assert min(first, second) * (1 - 1e-6) <= mean <= max(first, second) * (1 + 1e-6)


def test_slices_of_a_ratio_by_hand() -> None:
    # orders per customer: web 10 / 5 and till 10 / 5 before (both 2); web 12 / 4 and till 4 / 4 now (3 and 1, all 2)
    # weights .5 and .5 in both: web .5 · (3 - 2) = .5, till .5 · (1 - 2) = -.5
    found = ratio_contributions((np.array([10.0, 10]), np.array([12.0, 4])), (np.array([5.0, 5]), np.array([4.0, 4])))
    assert found.tolist() == pytest.approx([0.5, -0.5])
    # only the mix changes: ratios 4 and 1, weights .5, .5 -> .75, .25; all 2.5 -> 3.25, mean 2.875
    # web (4 - 2.875) · .25 = .28125, till (1 - 2.875) · -.25 = .46875, together .75
    found = ratio_contributions((np.array([8.0, 2]), np.array([12.0, 1])), (np.array([2.0, 2]), np.array([3.0, 1])))
    assert found.tolist() == pytest.approx([0.28125, 0.46875])


@given(st.lists(st.tuples(*[st.integers(0, 100)] * 4), min_size=1, max_size=9))
def test_slices_of_a_ratio_add_up_to_its_change(rows: list[tuple[int, int, int, int]]) -> None:
    columns = np.array(rows, dtype=float).T
    if not columns[1].sum() or not columns[3].sum():
        return
    change = columns[2].sum() / columns[3].sum() - columns[0].sum() / columns[1].sum()
    found = ratio_contributions((columns[0], columns[2]), (columns[1], columns[3]))
    assert found.sum() == pytest.approx(change, abs=1e-9)


def test_surprise_is_zero_for_the_same_shares_and_ln_2_for_nothing_in_common() -> None:
    assert surprise(np.array([1.0, 2, 0]), np.array([10.0, 20, 0])) == pytest.approx(0)
    assert surprise(np.array([1.0, 0]), np.array([0.0, 5])) == pytest.approx(log(2))
    assert surprise(np.array([0.0, -1]), np.array([0.0, 5])) == 0
