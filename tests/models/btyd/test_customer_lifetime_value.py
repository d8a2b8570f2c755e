"""Customer lifetime value: discounted orders by hand, and the holdout of CDNOW."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.errors import NotEnoughDataError
from ckm.models.btyd import customer_lifetime_value as lifetime_module
from ckm.models.btyd.bgnbd import BGNBD
from ckm.models.btyd.buyers import Buyers, buyers_until
from ckm.models.btyd.customer_lifetime_value import DAYS_A_MONTH, discounted_orders, expected_orders, fit_lifetime
from ckm.models.btyd.gamma_gamma import GammaGamma
from ckm.models.btyd.holdout import by_deciles, holdout_test
from ckm.models.btyd.mbgnbd import MBGNBD
from ckm.models.btyd.pareto_nbd import ParetoNBD
from ckm.models.btyd.purchases import Purchases
from tests.models.btyd.customers import CALIBRATION_END, HOLDOUT_WEEKS, cdnow_lines

MODELS = [
    BGNBD(r=0.243, alpha=30.9, a=0.793, b=2.426),
    MBGNBD(r=0.525, alpha=43.3, a=0.891, b=1.614),
    ParetoNBD(r=0.553, alpha=74.0, s=0.606, beta=81.7),
]
FIVE = Buyers(
    codes=np.arange(5),
    x=np.array([0, 2, 2, 7, 2]),
    t_x=np.array([0, 100, 100, 250, 40]),
    T=np.array([90, 120, 120, 300, 120]),
    spent=np.array([0.0, 50.0, 10.0, 350.0, 60.0]),
)


def visits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    customers, days, dollars = cdnow_lines()
    (who, day), position = np.unique(np.stack((customers, days)), axis=1, return_inverse=True)
    return who, day, np.bincount(position.ravel(), dollars)


def test_histories_contain_only_purchases_by_the_day() -> None:
    codes = [3, 3, 3, 5, 8]
    days = [10, 14, 20, 12, 30]
    money = [9.0, 5.0, 7.0, 1.0, 2.0]
    found = buyers_until(codes, days, money, 20)  # customer 8 buys later
    assert found.codes.tolist() == [3, 5]
    assert (found.x.tolist(), found.t_x.tolist(), found.T.tolist()) == ([2, 0], [10, 0], [10, 8])
    assert found.spent.tolist() == [12.0, 0.0]  # 5 + 7: the first order is excluded
    assert found.order_value.tolist() == [6.0, 0.0]
    assert len(buyers_until(codes, days, money, 9)) == 0


def test_equal_histories_are_grouped() -> None:
    groups = FIVE.groups
    assert groups.histories.weights.tolist() == [1, 1, 2, 1]
    for name in ("x", "t_x", "T"):
        assert getattr(groups.histories, name)[groups.position].tolist() == getattr(FIVE, name).tolist()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_expected_orders_by_group_equal_those_by_customer(model) -> None:
    alone = model.expected_orders(FIVE.x, FIVE.t_x, FIVE.T, 200.0)
    assert expected_orders(model, FIVE, 200.0) == pytest.approx(alone, rel=1e-12)
    there = model.expected_orders_if_active(FIVE.x, FIVE.T, 200.0) * model.alive(FIVE.x, FIVE.t_x, FIVE.T)
    assert there == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_discounted_orders_equal_the_sum_over_the_months(model) -> None:
    found = discounted_orders(model, FIVE, months=12, discount=0.1)
    ends = [
        model.expected_orders(FIVE.x, FIVE.t_x, FIVE.T, month * 365.25 / 12) if month else np.zeros(5)
        for month in range(13)
    ]
    by_hand = sum((ends[month] - ends[month - 1]) / 1.1 ** (month / 12) for month in range(1, 13))
    assert found.discounted == pytest.approx(by_hand, rel=1e-9)
    assert found.orders == pytest.approx(ends[12], rel=1e-9)


def test_discounted_orders_equal_orders_without_a_discount_and_are_fewer_with_one() -> None:
    free = discounted_orders(MODELS[0], FIVE, months=24, discount=0.0)
    dear = discounted_orders(MODELS[0], FIVE, months=24, discount=0.1)
    assert free.discounted == pytest.approx(free.orders, rel=1e-12)
    assert (dear.discounted < free.discounted).all()
    assert (dear.discounted > free.discounted / 1.1**2).all()  # no order is later than two years


@pytest.mark.slow
def test_the_holdout_of_cdnow_has_the_published_totals_and_errors() -> None:
    found = holdout_test(Purchases(*visits()), split=CALIBRATION_END, last_day=CALIBRATION_END + 7 * HOLDOUT_WEEKS)
    totals = {each.model.name: (each.total, each.mean_absolute_error) for each in found.models}
    assert found.orders.sum() == 1882
    assert totals["BG/NBD"] == pytest.approx((1653.4, 0.7855), abs=0.05)
    assert totals["MBG/NBD"] == pytest.approx((1576.7, 0.7648), abs=0.05)
    assert totals["Pareto/NBD"] == pytest.approx((1665.5, 0.7545), abs=0.05)
    assert found.best.model.name == "Pareto/NBD"
    assert found.best.root_mean_square_error == pytest.approx(1.6028, abs=5e-4)


@pytest.mark.slow
def test_deciles_of_cdnow_rank_orders_and_spend_and_add_up() -> None:
    found = holdout_test(Purchases(*visits()), split=CALIBRATION_END, last_day=CALIBRATION_END + 7 * HOLDOUT_WEEKS)
    totals = found.totals()
    orders, money = totals.order_deciles, totals.spend_deciles
    assert sum(each.customers for each in orders) == 2357
    assert sum(each.actual for each in orders) == 1882
    assert sum(each.actual for each in money) == pytest.approx(70_976.39, abs=0.01)
    assert [each.actual for each in orders[:5]] == sorted((each.actual for each in orders[:5]), reverse=True)
    assert orders[0].actual == 892  # the top decile makes nearly half of the orders
    assert money[0].expected == pytest.approx(36_904, abs=5)
    assert money[0].actual == pytest.approx(35_745.9, abs=0.1)


@pytest.mark.slow
def test_a_fit_to_a_sample_predicts_nearly_the_same(monkeypatch) -> None:
    buyers = buyers_until(*visits(), CALIBRATION_END)
    all_of_them = fit_lifetime(buyers)
    monkeypatch.setattr(lifetime_module, "SAMPLE", 1_000)
    sampled = fit_lifetime(buyers)
    days = 12 * DAYS_A_MONTH
    one, other = (expected_orders(each.choice.model, buyers, days).sum() for each in (all_of_them, sampled))
    assert other == pytest.approx(one, rel=0.1)
    assert sampled.order_value(buyers).mean() == pytest.approx(all_of_them.order_value(buyers).mean(), rel=0.1)


@pytest.mark.slow
def test_customers_with_equal_order_values_have_that_expected_value() -> None:
    who, day, _ = visits()
    buyers = buyers_until(who, day, np.full(len(who), 12.5), CALIBRATION_END)
    fit = fit_lifetime(buyers, models=("BG/NBD",))
    assert fit.order_value(buyers) == pytest.approx(np.full(len(buyers), 12.5), rel=1e-3)


def test_an_infinite_expected_value_is_replaced_by_the_mean_of_all_orders() -> None:
    fit = fit_lifetime(buyers_until(*visits(), CALIBRATION_END), models=("BG/NBD",))
    heavy = lifetime_module.LifetimeFit(fit.choice, GammaGamma(p=2.0, q=0.5, gamma=9.0), 23.5, fit.independence)
    value = heavy.order_value(FIVE)
    assert value[0] == 23.5  # without repeat orders: q - 1 is not above zero
    assert value[1] == pytest.approx(2 * (9 + 50) / (2 * 2 + 0.5 - 1))


def test_without_repeat_buyers_a_fit_is_an_error() -> None:
    with pytest.raises(NotEnoughDataError, match="bought again"):
        fit_lifetime(buyers_until(np.arange(50), np.arange(50), np.ones(50), 100))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=60))
def test_deciles_contain_every_customer_once_in_descending_order(figures: list[tuple[int, int]]) -> None:
    expected, actual = (np.array([pair[place] for pair in figures], dtype=float) for place in (0, 1))
    tenths = by_deciles(expected, actual)
    assert len(tenths) == 10
    assert sum(each.customers for each in tenths) == len(figures)
    assert sum(each.expected for each in tenths) == expected.sum()
    assert sum(each.actual for each in tenths) == actual.sum()
    means = [each.expected / each.customers for each in tenths if each.customers]
    assert means == sorted(means, reverse=True)
