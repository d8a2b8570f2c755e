"""Fits of the purchase models: gradients, weights, units of time, and errors for data that allow no fit."""

# ruff: noqa: N803, N806 - the papers name it T

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.models.btyd import beta_geometric, pareto_nbd
from ckm.models.btyd.bgnbd import BGNBD, fit_bgnbd
from ckm.models.btyd.histories import count_histories, histories_of_purchases
from ckm.models.btyd.mbgnbd import MBGNBD, fit_mbgnbd
from ckm.models.btyd.model_selection import choose_btyd
from ckm.models.btyd.pareto_nbd import ParetoNBD, fit_pareto_nbd
from tests.conftest import examples
from tests.models.btyd.customers import simulated

FITS = [fit_bgnbd, fit_mbgnbd, fit_pareto_nbd]
TRUTHS = [
    BGNBD(r=0.8, alpha=6.0, a=0.9, b=2.5),
    MBGNBD(r=1.1, alpha=5.0, a=1.3, b=2.0),
    ParetoNBD(r=0.9, alpha=9.0, s=0.7, beta=12.0),
]
LIKELIHOODS = [
    partial(beta_geometric.log_likelihood, dropout_after_first=False),
    partial(beta_geometric.log_likelihood, dropout_after_first=True),
    pareto_nbd.log_likelihood,
]
each = pytest.mark.parametrize("fit", FITS, ids=lambda fit: fit.__name__)


@pytest.fixture(scope="module")
def customers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, t_x and T of 400 customers in whole days, observed for 100 to 600 days."""
    draw = np.random.default_rng(3)
    T = draw.integers(100, 601, 400).astype(float)
    x, t_x, _ = simulated(MBGNBD(r=0.8, alpha=40.0, a=0.9, b=2.5), 600.0, 0.0, 400)
    share = np.minimum(1, T / 600)
    return np.where(t_x * share >= 1, x, 0), np.where((x > 0) & (t_x * share >= 1), np.floor(t_x * share), 0), T


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=["BG/NBD", "MBG/NBD", "Pareto/NBD"])
@given(parameters=st.lists(st.floats(-2.5, 2.5), min_size=4, max_size=4))
@settings(max_examples=examples(20))
def test_gradients_equal_finite_differences_of_the_log_likelihood(likelihood, parameters) -> None:
    data = count_histories([0, 0, 1, 5, 2, 300], [0, 0, 2.0, 9.5, 0.5, 7.0], [0, 8, 2.0, 10, 40, 9], [3, 2, 1, 4, 1, 1])
    point = np.exp(parameters)
    _, gradient = likelihood(point, data)
    for index in range(4):
        step = np.zeros(4)
        step[index] = 2e-4 * point[index]
        values = [likelihood(point + times * step, data)[0] for times in (-2, -1, 1, 2)]
        slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step[index])
        assert gradient[index] == pytest.approx(slope, rel=1e-5, abs=1e-5 * (1 + abs(values[0])) / point[index])


@pytest.mark.parametrize(
    ("truth", "fit"), list(zip(TRUTHS, FITS, strict=True)), ids=lambda part: getattr(part, "name", "")
)
def test_parameters_of_a_simulated_population_are_estimated_within_four_standard_errors(truth, fit) -> None:
    x, t_x, _ = simulated(truth, 52.0, 0.0, 3_000)
    model = fit(x, t_x, np.full(len(x), 52.0), time_unit="weeks")
    for name, value in truth.parameters.items():
        assert model.parameters[name] == pytest.approx(value, abs=4 * model.standard_errors[name])
        assert model.standard_errors[name] < 1.0 * value


@pytest.mark.slow
@each
def test_weights_equal_repeated_customers_in_any_order(fit, customers) -> None:
    x, t_x, T = customers
    weights = np.arange(len(x)) % 3
    order = np.random.default_rng(0).permutation(len(x))
    weighted = fit(x, t_x, T, weights=weights)
    repeated = fit(*(np.repeat(part[order], weights[order]) for part in (x, t_x, T)))
    assert weighted == repeated


@pytest.mark.slow
@each
def test_the_log_likelihood_is_in_the_users_unit_of_time(fit, customers) -> None:
    x, t_x, T = customers
    daily, weekly = fit(x, t_x, T), fit(x, t_x / 7, T / 7, time_unit="weeks")
    assert weekly.log_likelihood - daily.log_likelihood == pytest.approx(x.sum() * np.log(7), abs=1e-6)
    converted = daily.in_unit("weeks")
    assert converted.log_likelihood == pytest.approx(weekly.log_likelihood, abs=1e-6)
    assert converted.parameters == pytest.approx(weekly.parameters, rel=1e-5)
    assert converted.standard_errors == pytest.approx(weekly.standard_errors, rel=1e-4)
    likelihood = LIKELIHOODS[FITS.index(fit)]
    direct, gradient = likelihood(np.asarray([*daily.parameters.values()]), count_histories(x, t_x, T))
    assert daily.log_likelihood == pytest.approx(direct, abs=1e-7)
    assert gradient * np.asarray([*daily.parameters.values()]) == pytest.approx(np.zeros(4), abs=1e-3)


@pytest.mark.slow
@each
def test_the_seed_changes_the_sample_but_not_the_maximum(fit, monkeypatch: pytest.MonkeyPatch, customers) -> None:
    monkeypatch.setattr("ckm.models.btyd.fitting.SAMPLE_ROWS", 100)
    one, other = (fit(*customers, seed=seed) for seed in (0, 1))
    assert one.diagnostics.gain_left < 1e-4
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-6)
    assert one.parameters == pytest.approx(other.parameters, rel=1e-4)


@each
def test_data_that_contradict_the_model_still_have_a_fit(fit) -> None:
    x, t_x, _ = simulated(TRUTHS[2], 10.0, 0.0, 500)
    model = fit(
        x, t_x, np.random.default_rng(5).uniform(10, 100, 500)
    )  # as if all customers had dropped out on one day
    assert model.diagnostics.gain_left < 1e-4
    assert (model.no_order(x, t_x, 100, 30) >= model.no_order(x, t_x, 10, 30)).all()


@each
def test_without_diagnostics_there_are_no_standard_errors(fit, customers) -> None:
    model = fit(*customers)
    assert replace(model, diagnostics=None).standard_errors == {}


@each
@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [
        ([0] * 50, [0] * 50, [30] * 50),
        ([1], [4], [30]),
        ([100_000], [700], [800]),
        ([], [], []),
        ([3] * 30, [0] * 30, [0] * 30),
    ],
    ids=["only one-time buyers", "one customer", "one who buys all day", "nobody", "no time"],
)
def test_too_few_data_are_an_error(fit, x, t_x, T) -> None:
    with pytest.raises(NotEnoughDataError):
        fit(x, t_x, T)


def test_the_error_has_the_present_and_the_required_number() -> None:
    with pytest.raises(NotEnoughDataError, match="BG/NBD: 0 of 50 customers bought again, 20 needed"):
        fit_bgnbd([0] * 50, [0] * 50, [30] * 50)
    with pytest.raises(NotEnoughDataError, match="BG/NBD: 0 of 50"):
        choose_btyd([0] * 50, [0] * 50, [30] * 50)


@each
def test_equal_customers_leave_parameters_unidentified(fit) -> None:
    model = fit([3] * 200, [25.0] * 200, [30.0] * 200)
    assert {"r", "alpha"} <= set(model.diagnostics.unknown)
    assert all(model.standard_errors[name] is None for name in model.diagnostics.unknown)
    assert 0 < model.no_order(3, 25, 30, 30) < 0.2


@pytest.mark.slow
@each
def test_one_customer_with_100_000_orders_does_not_break_the_fit(fit, customers) -> None:
    x, t_x, T = (np.append(part, extra) for part, extra in zip(customers, (100_000, 590, 600), strict=True))
    model = fit(x, t_x, T)
    assert np.isfinite(model.log_likelihood)
    assert model.no_order(100_000, 590, 600, 90) > 0.5


@pytest.mark.parametrize(
    ("x", "t_x", "T"),
    [([0], [3], [9]), ([1.5], [3], [9]), ([2], [10], [9])],
    ids=["last without second", "half", "late"],
)
def test_impossible_histories_are_an_error(x, t_x, T) -> None:
    with pytest.raises(InputError, match="1 purchase histories are impossible"):
        fit_bgnbd(x, t_x, T)


def test_an_unknown_unit_of_time_is_an_error(customers) -> None:
    with pytest.raises(UsageError, match="'days' or 'weeks'"):
        fit_bgnbd(*customers, time_unit="months")


def test_purchases_of_one_day_count_once_and_later_purchases_are_ignored() -> None:
    codes, rows = histories_of_purchases([4, 4, 4, 2, 2, 9], [10, 10, 13, 12, 21, 30], 20)
    assert codes.tolist() == [2, 4]
    assert rows.tolist() == [[0, 1], [0, 3], [8, 10]]
