"""Formulas of the purchase models, compared with simulations and with numeric integrals over the parameters."""

# ruff: noqa: N803, N806 - the papers name it T

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta

from ckm.models.btyd.beta_geometric import _expected_closed, _expected_summed
from ckm.models.btyd.bgnbd import BGNBD
from ckm.models.btyd.mbgnbd import MBGNBD
from ckm.models.btyd.pareto_integral import competing_risks
from ckm.models.btyd.pareto_nbd import ParetoNBD
from tests.models.btyd.customers import simulated

MODELS = [
    BGNBD(r=0.8, alpha=6.0, a=0.9, b=2.5),
    MBGNBD(r=1.1, alpha=5.0, a=1.3, b=2.0),
    ParetoNBD(r=0.9, alpha=9.0, s=0.7, beta=12.0),
    ParetoNBD(r=0.9, alpha=14.0, s=1.4, beta=8.0),
]
HISTORIES = [(0, 0.0, 20.0), (1, 3.0, 20.0), (4, 18.5, 20.0), (4, 2.0, 20.0), (9, 30.0, 30.0)]
names = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.name}")
histories = pytest.mark.parametrize("history", HISTORIES, ids=str)


def seen_and_silent(model, x: int, t_x: float, T: float, until: float, rate: float, leaving: float) -> float:
    """Return the likelihood, given a customer's parameters, of the history by T and no order from T to ``until``."""
    if isinstance(model, ParetoNBD):
        both = rate + leaving
        return rate**x / both * (leaving * np.exp(-both * t_x) + rate * np.exp(-both * until))
    chances = x + isinstance(model, MBGNBD)
    stays = rate**x * (1 - leaving) ** chances * np.exp(-rate * until)
    left = rate**x * leaving * (1 - leaving) ** (chances - 1) * np.exp(-rate * t_x) if chances else 0.0
    return stays + left


def mixed(model, function) -> float:
    """Return the mean of ``function(rate, leaving)`` over the population, up to a constant, by the trapezoidal rule.

    The nodes are equally spaced logarithms of rates and logits of probabilities, because on these scales the densities
    decrease exponentially to both sides.
    """
    rate = np.exp(np.arange(-45, 5, 0.25))
    rate_share = rate**model.r * np.exp(-model.alpha * rate)
    if isinstance(model, ParetoNBD):
        leaving, leaving_share = rate, rate**model.s * np.exp(-model.beta * rate)
    else:
        leaving = 1 / (1 + np.exp(-np.arange(-30, 20, 0.3)))
        leaving_share = leaving**model.a * (1 - leaving) ** model.b
    return float((np.outer(rate_share, leaving_share) * function(rate[:, None], leaving[None, :])).sum())


@names
@histories
@pytest.mark.parametrize("horizon", [0.5, 13.0, 400.0])
def test_the_probability_of_no_order_equals_the_integral_over_the_posterior(
    model, history: tuple[int, float, float], horizon: float
) -> None:
    x, t_x, T = history
    silent = mixed(model, lambda rate, leaving: seen_and_silent(model, x, t_x, T, T + horizon, rate, leaving))
    seen = mixed(model, lambda rate, leaving: seen_and_silent(model, x, t_x, T, T, rate, leaving))
    assert model.no_order(x, t_x, T, horizon) == pytest.approx(silent / seen, rel=1e-8)


@pytest.mark.slow
@names
def test_predictions_agree_with_a_simulated_population(model) -> None:
    T, horizon = 26.0, 13.0
    x, t_x, ahead = simulated(model, T, horizon, 60_000)
    assert model.expected_orders(0, 0, 0, T) == pytest.approx(x.mean(), abs=4 * x.std() / np.sqrt(len(x)))
    silent, orders = model.no_order(x, t_x, T, horizon), model.expected_orders(x, t_x, T, horizon)
    for group in (x == 0, x == 1, (x > 1) & (t_x < 20), (x > 1) & (t_x >= 20), silent < 0.3, silent > 0.7):
        size = group.sum()
        assert size > 150
        assert silent[group].mean() == pytest.approx((ahead[group] == 0).mean(), abs=4 * 0.5 / np.sqrt(size))
        assert orders[group].mean() == pytest.approx(ahead[group].mean(), abs=4 * ahead[group].std() / np.sqrt(size))


@pytest.mark.parametrize("model", MODELS[2:], ids=lambda model: f"alpha {model.alpha}")
@histories
def test_pareto_alive_equals_the_closed_form_with_hypergeometric_functions(
    model, history: tuple[int, float, float]
) -> None:
    x, t_x, T = history  # Fader and Hardie 2005, A note on deriving the Pareto/NBD model
    r, alpha, s, rho = model.r, model.alpha, model.s, model.beta
    whole = r + s + x
    larger, second = (alpha, s + 1) if alpha >= rho else (rho, r + x)
    at = [
        hyp2f1(whole, second, whole + 1, abs(alpha - rho) / (larger + time)) / (larger + time) ** whole
        for time in (t_x, T)
    ]
    odds = s / whole * (alpha + T) ** (r + x) * (rho + T) ** s * (at[0] - at[1])
    assert model.alive(x, t_x, T) == pytest.approx(1 / (1 + odds), rel=1e-9)


@pytest.mark.parametrize("A", [0.3, 5.0, 1000.0])
@pytest.mark.parametrize(("alpha", "rho"), [(10.0, 12.0), (3.0, 0.02), (0.05, 200.0)])
@pytest.mark.parametrize("length", [0.01, 7.0, 900.0])
def test_the_competing_risks_are_integrated_to_ten_digits(A: float, alpha: float, rho: float, length: float) -> None:
    s, start = 0.7, 4.0
    found = competing_risks(np.array([A]), s, alpha, rho, np.array([start]), np.array([length]), moments=True)

    def silent(v: float, order: int) -> float:
        y = np.expm1(v)
        parts = (1, np.log1p(y / (alpha + start)), np.log1p(y / (rho + start)),
                 1 / (alpha + start + y), 1 / (rho + start + y))  # fmt: skip
        density = np.exp(-A * parts[1] - s * parts[2]) * s / (rho + start + y)
        return float(density * parts[order] * (1 + y))

    end = np.log1p(length)
    points = [end * share for share in (1e-3, 1e-2, 0.1, 0.5)]
    expected = [quad(silent, 0, end, (order,), points=points, epsabs=0, epsrel=1e-12)[0] for order in range(5)]
    assert [found.dropout_first[0], *found.moments[:, 0]] == pytest.approx(expected, rel=1e-10)
    assert np.exp(found.log_neither[0]) + found.dropout_first[0] + found.order_first[0] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("a", [0.3, 0.999999999, 1.0, 1.7, 15.0, 40.0])
@pytest.mark.parametrize("x", [0, 6])
def test_expected_orders_equal_the_mean_over_rate_and_dropout_probability(a: float, x: int) -> None:
    model, T, time = BGNBD(r=0.8, alpha=6.0, a=a, b=2.5), 20.0, 13.0
    chances, growth = beta(a, 2.5 + x), time / (6.0 + T)

    def orders(level: float) -> float:
        chance = max(chances.ppf(level), 1e-300)
        return float(-np.expm1(-(0.8 + x) * np.log1p(chance * growth)) / chance)

    expected = quad(orders, 0, 1, epsrel=1e-10, limit=200)[0] * model.alive(x, T if x else 0.0, T)
    assert model.expected_orders(x, T if x else 0.0, T, time) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize(("r", "a", "b"), [(0.5, 0.5, 0.5), (2.0, 1.0, 0.3), (1.7, 0.7 + 1e-10, 2.0), (0.4, 0.4, 0.6)])
@pytest.mark.parametrize("x", [0, 99])
def test_expected_orders_are_continuous_where_the_closed_form_has_a_pole(r: float, a: float, b: float, x: int) -> None:
    def at(shift: float) -> float:
        return float(BGNBD(r=r, alpha=1.0, a=a + shift, b=b).expected_orders(x, 0.0, 0.0, 10.0))

    assert at(0.0) == pytest.approx((at(-1e-4) + at(1e-4)) / 2, rel=1e-5)


def test_the_closed_form_and_the_numeric_integral_agree() -> None:
    shape, stays, growth = np.array([0.5, 3.0, 50.0]), np.array([2.0, 6.0, 60.0]), np.array([0.1, 2.0, 30.0])
    assert _expected_summed(shape, 19.0, stays, growth) == pytest.approx(
        _expected_closed(shape, 19.0, stays, growth), rel=1e-9
    )


def test_pareto_expected_orders_are_continuous_at_s_equal_to_one() -> None:
    def at(s: float) -> float:
        return float(ParetoNBD(r=0.9, alpha=9.0, s=s, beta=12.0).expected_orders(3, 10.0, 20.0, 26.0))

    assert at(1.0) == pytest.approx((at(1 - 1e-5) + at(1 + 1e-5)) / 2, rel=1e-8)
