"""Decompositions add up to the change to the cent for any signs, and follow the published formulas."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.metrics.decomposition import (
    Totals,
    jensen_shannon,
    logarithmic_mean,
    ratio_contributions,
    revenue_effects,
    rounded_parts,
)

SCALE = 10_000


DAYS = st.sampled_from([28, 29, 30, 31, 365, 366])


@st.composite
def totals(draw: st.DrawFn, days: st.SearchStrategy[int] = DAYS) -> Totals:
    customers = draw(st.integers(0, 1_000_000))
    orders = customers * draw(st.integers(1, 50)) if customers else 0
    money = st.integers(0, 10**13)
    return Totals(draw(days), customers, orders, draw(money), draw(money))


def close(effects: tuple[float, ...]) -> float:
    """Return the tolerance of float rounding: a billionth of the largest effect."""
    return 1e-9 * max(1.0, *map(abs, effects))


def test_growth_by_hand() -> None:
    # 10 customers, 20 orders, 1,000.00 before; 12 customers, 30 orders, 1,800.00 now, in as many days
    # L = (1800 - 1000) / ln(1800 / 1000) = 800 / 0.587787 = 1361.038
    # customers    1361.038 · ln(12 / 10)       = 1361.038 · 0.182322 = 248.146
    # frequency    1361.038 · ln(2.5 / 2)       = 1361.038 · 0.223144 = 303.707
    # order value  1361.038 · ln(60 / 50)       = 1361.038 · 0.182322 = 248.146
    found = revenue_effects(Totals(30, 10, 20, 1000, 0), Totals(30, 12, 30, 1800, 0))
    assert found == pytest.approx((248.146, 303.707, 248.146, 0, 0), abs=0.001)
    assert sum(found) == pytest.approx(800)


def test_returns_are_a_driver_of_their_own_by_hand() -> None:
    # the same orders, and 100 more given back
    found = revenue_effects(Totals(30, 10, 20, 1000, 50), Totals(30, 10, 20, 1000, 150))
    assert found == (0, 0, 0, -100, 0)


def test_more_days_without_other_change_are_an_effect_of_the_calendar_by_hand() -> None:
    # 10 orders of 10 a day by the same 100 customers, 28 and 31 days, a twentieth of it given back
    found = revenue_effects(Totals(28, 100, 280, 2800, 140), Totals(31, 100, 310, 3100, 155))
    assert found == pytest.approx((0, 0, 0, 0, 285), abs=1e-9)


def test_more_days_and_larger_orders_by_hand() -> None:
    # 2800 in 28 days, 3410 in 31: L = 610 / ln(3410 / 2800) = 610 / 0.197093 = 3094.985
    # calendar 3094.985 · ln(31 / 28) = 3094.985 · 0.101783 = 315.016; order value 3094.985 · ln(1.1) = 294.984
    found = revenue_effects(Totals(28, 100, 280, 2800, 0), Totals(31, 100, 310, 3410, 0))
    assert found == pytest.approx((0, 0, 294.984, 0, 315.016), abs=0.01)


def test_orders_that_cost_nothing_in_one_period_get_shapley_values_by_hand() -> None:
    # 2 customers, 2 orders of 0 before (F = 1, V = 0); 3 customers, 6 orders, 60 now (F = 2, V = 10)
    # customers: (3 - 2) · [(1 · 0 + 2 · 10) / 3 + (1 · 10 + 2 · 0) / 6] = 20 / 3 + 10 / 6           =  8.333
    # frequency: (2 - 1) · [(2 · 0 + 3 · 10) / 3 + (2 · 10 + 3 · 0) / 6] = 10 + 20 / 6               = 13.333
    # value:     (10 - 0) · [(2 · 1 + 3 · 2) / 3 + (2 · 2 + 3 · 1) / 6]  = 10 · (8 / 3 + 7 / 6)      = 38.333
    found = revenue_effects(Totals(30, 2, 2, 0, 0), Totals(31, 3, 6, 60, 0))
    assert found == pytest.approx((25 / 3, 40 / 3, 115 / 3, 0, 0))
    assert sum(found) == pytest.approx(60)


def test_all_purchases_are_by_customers_where_one_period_had_none() -> None:
    assert revenue_effects(Totals(30, 0, 0, 0, 0), Totals(30, 5, 9, 700, 0)) == (700, 0, 0, 0, 0)
    assert revenue_effects(Totals(31, 5, 9, 700, 0), Totals(30, 0, 0, 0, 20)) == (-700, 0, 0, -20, 0)
    assert revenue_effects(Totals(30, 0, 0, 0, 50), Totals(30, 0, 0, 0, 20)) == (0, 0, 0, 30, 0)


def test_no_customer_is_the_limit_of_few_customers_of_the_same_kind() -> None:
    now = Totals(30, 1000, 2000, 50_000_000, 0)
    few = revenue_effects(Totals(30, 1, 2, 50_000, 0), now)
    assert few == pytest.approx((now.revenue - 50_000, 0, 0, 0, 0), abs=1e-6)


@given(totals(), totals())
def test_effects_add_up_to_the_change_in_every_case(before: Totals, now: Totals) -> None:
    change = now.revenue - before.revenue
    effects = revenue_effects(before, now)
    assert sum(effects) == pytest.approx(change, abs=close((*effects, before.purchases, now.purchases)))
    assert sum(rounded_parts(effects, round(change), SCALE)) == change


@given(totals(), totals())
def test_swapped_periods_have_the_opposite_effects(before: Totals, now: Totals) -> None:
    there, back = revenue_effects(before, now), revenue_effects(now, before)
    tolerance = close((*there, before.purchases, now.purchases))
    assert there == pytest.approx([-each for each in back], abs=tolerance)


@given(totals())
def test_an_unchanged_factor_has_no_effect(before: Totals) -> None:
    if before.customers:
        more = replace(before, purchases=2 * before.purchases)
        by_customers, by_frequency, by_value, by_returns, by_calendar = revenue_effects(before, more)
        assert (by_customers, by_frequency, by_returns, by_calendar) == (0, 0, 0, 0)
        assert by_value == pytest.approx(before.purchases, rel=1e-9)


@given(totals(st.just(30)), totals(st.just(30)))
def test_between_equal_periods_returns_are_unscaled_and_the_calendar_has_no_effect(before: Totals, now: Totals) -> None:
    *_, by_returns, by_calendar = revenue_effects(before, now)
    assert (by_returns, by_calendar) == (before.returns - now.returns, 0)


@given(totals(st.just(28)), st.sampled_from([29, 30, 31]))
def test_equal_days_in_a_longer_period_are_an_effect_of_the_calendar_only(before: Totals, days: int) -> None:
    now = replace(before.in_days(days), customers=before.customers)
    *others, by_calendar = revenue_effects(before, now)
    tolerance = close((before.purchases, before.returns))
    assert by_calendar == pytest.approx(now.revenue - before.revenue, abs=tolerance)
    assert others == pytest.approx([0, 0, 0, 0], abs=tolerance)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8), st.sampled_from([1, 10, 100, 10_000]))
def test_rounding_keeps_the_sum_and_moves_no_part_by_more_than_the_cents_left_over(
    parts: list[float], scale: int
) -> None:
    total = round(sum(parts))
    rounded = rounded_parts(parts, total, scale)
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


def test_jensen_shannon_is_zero_for_equal_shares_and_ln_2_for_disjoint_ones() -> None:
    assert jensen_shannon(np.array([1.0, 2, 0]), np.array([10.0, 20, 0])) == pytest.approx(0)
    assert jensen_shannon(np.array([1.0, 0]), np.array([0.0, 5])) == pytest.approx(log(2))
    assert jensen_shannon(np.array([0.0, -1]), np.array([0.0, 5])) == 0
