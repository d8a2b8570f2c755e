"""Gamma-Gamma: expected order values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from ckm.errors import InputError, NotEnoughDataError
from ckm.models.btyd.gamma_gamma import GammaGamma, _orders, check_independence, fit_gamma_gamma, log_likelihood
from tests.conftest import examples


@pytest.fixture(scope="module")
def orders() -> tuple[np.ndarray, np.ndarray]:
    """Return number and mean value of orders of 2,000 simulated customers; both are independent."""
    draw = np.random.default_rng(0)
    x = draw.integers(0, 12, 2_000)
    return x, draw.gamma(6.0 * np.maximum(x, 1), 1 / draw.gamma(4.0, 1 / 15.0, 2_000)) / np.maximum(x, 1)


def test_parameters_of_a_simulated_population_are_estimated_within_four_standard_errors(orders) -> None:
    model = fit_gamma_gamma(*orders)
    for name, value in (("p", 6.0), ("q", 4.0), ("gamma", 15.0)):
        assert getattr(model, name) == pytest.approx(value, abs=4 * model.standard_errors[name])
    assert model.customers == (orders[0] > 0).sum()


@given(st.lists(st.floats(-2.5, 2.5), min_size=3, max_size=3))
@settings(max_examples=examples(40))
def test_gradients_equal_finite_differences_of_the_log_likelihood(parameters) -> None:
    data, point = _orders([1, 2, 7, 400], [3.0, 0.2, 11.0, 5.0], [2, 1, 3, 1]), np.exp(parameters)
    _, gradient = log_likelihood(point, data)
    for index in range(3):
        step = np.zeros(3)
        step[index] = 2e-4 * point[index]
        values = [log_likelihood(point + times * step, data)[0] for times in (-2, -1, 1, 2)]
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step[index])
        assert gradient[index] == pytest.approx(slope, rel=1e-5, abs=1e-6 * (1 + abs(values[0])) / point[index])


def test_estimates_scale_with_the_unit_of_money(orders) -> None:
    x, mean = orders
    euros, cents = fit_gamma_gamma(x, mean), fit_gamma_gamma(x, mean * 100)
    assert (cents.p, cents.q, cents.gamma) == pytest.approx((euros.p, euros.q, 100 * euros.gamma), rel=1e-6)
    assert euros.log_likelihood - cents.log_likelihood == pytest.approx(euros.customers * np.log(100), abs=1e-6)
    assert euros.expected_value(x, mean) * 100 == pytest.approx(cents.expected_value(x, mean * 100), rel=1e-6)


def test_weights_equal_repeated_customers(orders) -> None:
    x, mean = orders
    weights = np.arange(len(x)) % 3
    weighted = fit_gamma_gamma(x, mean, weights=weights)
    repeated = fit_gamma_gamma(np.repeat(x, weights), np.repeat(mean, weights))
    assert (weighted.p, weighted.q, weighted.gamma) == pytest.approx((repeated.p, repeated.q, repeated.gamma), rel=1e-6)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, abs=1e-6)


@given(st.integers(0, 1000), st.floats(0.01, 10_000))
def test_the_expected_value_is_between_the_customers_mean_and_the_populations(x, mean) -> None:
    model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    low, high = sorted((mean, 6.25 * 15.44 / (3.74 - 1)))
    assert low * (1 - 1e-12) <= model.expected_value(x, mean) <= high * (1 + 1e-12) or x == 0
    assert model.expected_value(0, np.nan) == pytest.approx(6.25 * 15.44 / (3.74 - 1))


def test_without_a_population_mean_the_expected_value_of_a_new_customer_is_infinite() -> None:
    model = GammaGamma(p=0.1, q=0.9, gamma=15.44)
    assert model.expected_value([0, 1, 2], [0, 10, 10]).tolist() == [np.inf, np.inf, pytest.approx(35.44)]


@pytest.mark.parametrize(
    ("x", "mean"),
    [([], []), ([2] * 5, [4.0] * 5), ([1] * 50, [4.0] * 50), ([3] * 50, [0.0] * 50)],
    ids=["nobody", "few", "nobody twice", "all for nothing"],
)
def test_too_few_data_are_an_error(x, mean) -> None:
    with pytest.raises(NotEnoughDataError, match="customers with an order value above zero"):
        fit_gamma_gamma(x, mean)


def test_negative_or_unknown_values_are_an_error() -> None:
    with pytest.raises(InputError, match="1 customers"):
        fit_gamma_gamma([2, -1], [1.0, 2.0])
    with pytest.raises(InputError, match="1 customers"):
        GammaGamma(p=1, q=2, gamma=3).expected_value([1, 2], [1.0, np.nan])


def test_customers_without_orders_do_not_count_in_the_correlations(orders) -> None:
    x, mean = orders
    kept = x > 0
    assert not kept.all()
    found = check_independence(x, mean)
    assert found.customers == kept.sum()
    assert found.pearson == pytest.approx(pearsonr(x[kept], mean[kept]).statistic)
    assert found.spearman == pytest.approx(spearmanr(x[kept], mean[kept]).statistic)


def test_the_independence_check_is_reported_as_a_sentence() -> None:
    x, noise = np.arange(1, 101), np.random.default_rng(1).uniform(1, 2, 100)
    assert check_independence(x, noise).holds
    assert "does not depend on" in check_independence(x, noise + 0.0).sentence
    assert not check_independence(x, x * noise).holds
    assert "make larger orders" in check_independence(x, x * noise).sentence
    assert "make smaller orders" in check_independence(x, noise / x).sentence
    assert "slightly larger" in check_independence(x, noise + x / 500).sentence
    assert check_independence(x, np.full(100, 3.0)).pearson is None
    assert check_independence([], []).pearson is None
    assert "nothing to check" in check_independence(x, np.full(100, 3.0)).sentence


@pytest.mark.parametrize("price", [9.9, 0.1, 33.33, 1999.99, 123456789.01])
def test_equal_prices_have_no_correlation(price: float) -> None:
    x = np.arange(1, 60)
    added = np.array([sum([price] * int(each)) / each for each in x])
    for mean in (added, np.round(added * x, 2) / x, price * (1 + 0.004 * (x % 2)), price * (1 - 1e-11 * x)):
        found = check_independence(x, mean)
        assert (found.pearson, found.spearman, found.holds) == (None, None, True)
        assert "order more often" not in found.sentence


def test_means_that_differ_by_rounding_have_equal_ranks() -> None:
    x = np.arange(1, 101)
    mean = np.where(x % 2 == 0, 9.9, 20.0)
    assert check_independence(x, mean * (1 + 1e-12 * x)) == check_independence(x, mean)
