"""Survival curve: equal to scipy's Kaplan-Meier estimate, and by hand for a few customers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from ckm.customers.calendar import day_number
from ckm.metrics.lifecycle import lifecycle_of
from ckm.metrics.metric import Metrics
from ckm.metrics.survival import MOST_POINTS, kaplan_meier, sampled_days, survival_metrics, tenures
from tests.conftest import examples
from tests.metrics.rows import context, on, tables
from tests.metrics.shop import AS_OF, shop_context
from tests.metrics.stores import example_shop

relations = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=50)


def arrays(those: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([days for days, _ in those]), np.array([ended for _, ended in those])


def test_the_curve_of_five_customers_by_hand() -> None:
    """Ended after 1, 2 and 3 days; seen for 2 and 4: S(1) = 4/5, S(2) = 4/5 * 3/4, S(3) = S(2) * 1/2."""
    found = kaplan_meier(*arrays([(1, True), (2, True), (2, False), (3, True), (4, False)]))
    assert found.share.tolist() == pytest.approx([1, 4 / 5, 3 / 5, 3 / 10, 3 / 10])
    assert found.at_risk.tolist() == [5, 5, 4, 2, 1]
    assert found.median()[0] == 3
    assert (found.low[0], found.high[0]) == (1, 1)


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(relations)
def test_the_curve_and_its_intervals_are_scipys(those: list[tuple[int, bool]]) -> None:
    days, ended = arrays(those)
    found = kaplan_meier(days, ended)
    theirs = ecdf(CensoredData(uncensored=days[ended], right=days[~ended])).sf
    times = np.arange(len(found.share))
    np.testing.assert_allclose(found.share, theirs.evaluate(times), atol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy warns of the ends of the curve, where there is no interval
        band = theirs.confidence_interval(method="log-log")
    low, high = band.low.evaluate(times), band.high.evaluate(times)
    inside = (found.share > 0) & (found.share < 1)
    np.testing.assert_allclose(found.low[inside], low[inside], atol=1e-9)
    np.testing.assert_allclose(found.high[inside], high[inside], atol=1e-9)


@given(relations)
def test_curve_and_number_at_risk_never_increase(those: list[tuple[int, bool]]) -> None:
    found = kaplan_meier(*arrays(those))
    assert (np.diff(found.share) <= 0).all()
    assert (np.diff(found.at_risk) <= 0).all()
    there = found.share > 0
    assert (found.low[there] <= found.share[there]).all()
    assert (found.share[there] <= found.high[there]).all()
    median, low, high = found.median()
    assert median is None or found.share[int(median)] <= 0.5
    assert high is None or (low is not None and median is not None and low <= median <= high)


def test_without_churn_the_curve_is_1_and_where_all_churned_there_is_no_interval() -> None:
    never = kaplan_meier(np.array([3, 5]), np.array([False, False]))
    assert never.share.tolist() == [1] * 6
    assert never.median() == (None, None, None)
    gone = kaplan_meier(np.array([0, 0]), np.array([True, True]))
    assert gone.share.tolist() == [0]
    assert np.isnan(gone.low[0])
    assert gone.median() == (0, 0, None)


def test_tenure_ends_with_the_last_purchase_of_lapsed_customers_and_with_the_as_of_date_of_others() -> None:
    """Ann is lost after 30 days, bob is there since 90 days; otto only gave back."""
    day = AS_OF.replace(month=10, day=2)
    found = context(tables(
        on(day, "bob"), on(day, "ann"), on(day.replace(month=11, day=1), "ann"), on(day, "otto", -1.0), on(AS_OF, None),
    ))  # fmt: skip
    assert found.ledger.customers.to_list() == ["ann", "bob", "otto"]
    days, ended = tenures(found.ledger, np.array([True, False, False]))
    assert (days.tolist(), ended.tolist()) == ([30, 90], [True, False])


@pytest.mark.slow
def test_the_example_shop_has_a_curve_that_a_chart_can_show() -> None:
    found = shop_context(example_shop(), as_of=AS_OF)
    lifecycle = lifecycle_of(found)
    assert lifecycle is not None
    assert lifecycle.earlier is not None
    metrics = Metrics(survival_metrics(found, lifecycle)[0])
    points = metrics.all("survival", "days")
    assert 20 < len(points) <= MOST_POINTS
    curve = kaplan_meier(*tenures(found.ledger, lifecycle.is_lapsed))
    for point in points:
        day = int(point.of("days") or -1)
        assert point.value == pytest.approx(curve.share[day])
        assert point.n == curve.at_risk[day]
        assert point.lo is not None
        assert point.hi is not None
        assert point.value is not None
        assert point.lo <= point.value <= point.hi
    median = metrics.get("survival_median")
    assert median is not None
    assert median.n == found.ledger.purchases.code[np.diff(found.ledger.purchases.code, prepend=-1) > 0].size
    earlier = kaplan_meier(*tenures(lifecycle.earlier.ledger, lifecycle.earlier.is_lapsed))
    assert median.previous == earlier.median()[0]
    assert lifecycle.earlier.ledger.purchases.day.max() <= day_number(found.compared.last)


@pytest.mark.parametrize("length", [1, 60, 61, 365, 913, 3650, 40_000, 300_000])
def test_no_curve_has_more_points_than_a_chart_can_show(length: int) -> None:
    assert 1 <= len(sampled_days(length)) <= MOST_POINTS


def test_without_a_purchase_interval_there_are_no_metrics() -> None:
    found = context(tables(on(AS_OF, "ann")))
    assert lifecycle_of(found) is None
    assert survival_metrics(found, None) == ((), ())
