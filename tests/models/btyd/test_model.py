"""Properties of all purchase models for any history."""

# ruff: noqa: N806 - the papers name it T

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.errors import InputError, UsageError
from ckm.models.btyd.bgnbd import BGNBD
from ckm.models.btyd.mbgnbd import MBGNBD
from ckm.models.btyd.pareto_nbd import ParetoNBD
from tests.conftest import examples

CLOSE = 1e-11
MODELS = [
    BGNBD(r=0.243, alpha=30.9, a=0.793, b=2.426),
    MBGNBD(r=0.525, alpha=43.3, a=0.891, b=1.614),
    ParetoNBD(r=0.553, alpha=74.0, s=0.606, beta=81.7),
]
shapes, scales = st.floats(0.01, 50), st.floats(0.01, 2000)
models = st.one_of(
    st.builds(BGNBD, r=shapes, alpha=scales, a=shapes, b=shapes),
    st.builds(MBGNBD, r=shapes, alpha=scales, a=shapes, b=shapes),
    st.builds(ParetoNBD, r=shapes, alpha=scales, s=shapes, beta=scales),
)
horizons = st.floats(0, 100_000)
every = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


@st.composite
def histories(draw) -> tuple[int, float, float]:
    x = draw(st.one_of(st.integers(0, 30), st.integers(0, 100_000)))
    T = draw(st.floats(0, 20_000))
    return x, T * draw(st.floats(0, 1)) if x else 0.0, T


@pytest.mark.slow
@given(models, histories(), horizons, horizons)
@settings(max_examples=examples(60))
def test_probabilities_are_valid_and_no_order_is_never_more_likely_in_a_longer_horizon(
    model, history, one, other
) -> None:
    short, long = sorted((one, other))
    near, far = model.no_order(*history, [short, long])
    assert 0 <= far <= near + CLOSE
    assert near <= 1
    assert far >= 1 - model.alive(*history) - CLOSE  # a customer who has dropped out never orders
    assert 0 <= model.alive(*history) <= 1


@pytest.mark.slow
@given(models, histories(), st.floats(0, 5_000), st.floats(1, 1_000))
@settings(max_examples=examples(60))
def test_an_order_is_never_more_likely_after_a_longer_silence(model, history, silence, horizon) -> None:
    x, t_x, T = history
    longer = model.no_order(x, t_x, [T, T + silence], horizon)
    assert longer[1] >= longer[0] - CLOSE
    assert model.alive(x, t_x, T + silence) <= model.alive(x, t_x, T) + CLOSE


@pytest.mark.slow
@given(models, histories(), horizons)
@settings(max_examples=examples(60))
def test_expected_orders_are_finite_and_at_least_the_probability_of_an_order(model, history, horizon) -> None:
    orders = model.expected_orders(*history, horizon)
    assert np.isfinite(orders)
    assert orders >= (1 - model.no_order(*history, horizon)) * (1 - 1e-5) - 1e-7


@given(models, histories(), horizons)
@settings(max_examples=examples(40))
def test_probabilities_do_not_depend_on_the_unit_of_time(model, history, horizon) -> None:
    x, t_x, T = history
    weekly = model.in_unit("weeks")
    assert weekly.no_order(x, t_x / 7, T / 7, horizon / 7) == pytest.approx(
        model.no_order(x, t_x, T, horizon), abs=1e-9
    )
    assert weekly.alive(x, t_x / 7, T / 7) == pytest.approx(model.alive(x, t_x, T), abs=1e-9)


@every
def test_no_order_is_certain_in_a_horizon_of_zero(model) -> None:
    assert model.no_order([0, 3, 100_000], [0, 5, 9_000], [0, 50, 9_000], 0).tolist() == [1, 1, 1]
    assert model.expected_orders([0, 3], [0, 5], [0, 50], 0) == pytest.approx([0, 0], abs=1e-12)


@every
def test_a_new_customer_has_the_history_of_zeros(model) -> None:
    silent = model.no_order(0, 0, 0, [1, 30, 365])
    assert (np.diff(silent) < 0).all()
    assert 0.3 < silent[2] < silent[0] < 1


@every
def test_a_customer_with_100_000_orders_has_finite_log_odds(model) -> None:
    x, t_x, T = 100_000, 20_000.0, np.array([20_000.0, 20_001.0, 20_010.0, 40_000.0])
    log_odds = model.no_order_log_odds(x, t_x, T, 90)
    assert np.isfinite(log_odds).all()
    assert (np.diff(log_odds) >= 0).all()
    assert model.no_order(x, t_x, T, 90)[0] < 0.01
    assert model.no_order(x, t_x, T, 90)[-1] == pytest.approx(1)
    assert model.alive(x, t_x, T)[-1] == pytest.approx(0)


def test_in_a_very_long_horizon_no_order_means_dropped_out_in_bg_and_mbg_nbd() -> None:
    for model in MODELS[:2]:
        assert model.no_order([2, 9], [60, 200], 300, 1e30) == pytest.approx(1 - model.alive([2, 9], [60, 200], 300))


def test_in_pareto_nbd_customers_can_drop_out_before_their_next_order() -> None:
    model = MODELS[2]
    assert model.no_order(2, 60, 300, 1e12) > 1 - model.alive(2, 60, 300) + 0.01


def test_only_in_bg_nbd_one_time_buyers_never_drop_out() -> None:
    assert [float(model.alive(0, 0, 3_000)) < 0.5 for model in MODELS] == [False, True, True]
    assert all(model.no_order(0, 0, 3_000, 90) > 0.9 for model in MODELS)


@every
def test_predictions_of_a_customer_do_not_depend_on_other_rows(model) -> None:
    draw = np.random.default_rng(0)
    x, T = draw.integers(0, 60, 300), 10 ** draw.uniform(0, 4, 300)
    t_x, horizon = T * draw.random(300) * (x > 0), 10 ** draw.uniform(0, 4, 300)
    order = draw.permutation(300)
    together = model.no_order_log_odds(x, t_x, T, horizon)
    assert (together[order] == model.no_order_log_odds(x[order], t_x[order], T[order], horizon[order])).all()
    single = [float(model.no_order_log_odds(x[row], t_x[row], T[row], horizon[row])) for row in range(20)]
    assert together[:20].tolist() == single


@every
def test_results_have_the_broadcast_shape_of_the_arguments(model) -> None:
    assert model.no_order(1, 2, 3, 4).shape == ()
    assert model.no_order(np.ones((2, 1)), 2, [3.0, 4.0, 5.0], 4).shape == (2, 3)
    assert model.alive([], [], []).shape == (0,)


@every
@pytest.mark.parametrize("history", [(-1, 0, 1), (1, 5, 4), (1, np.nan, 4), (np.inf, 1, 4), (1, -1, 4)])
def test_an_impossible_history_is_an_error_without_its_values(model, history) -> None:
    with pytest.raises(InputError, match="1 purchase histories are impossible"):
        model.no_order(*history, 90)


def test_invalid_parameters_and_units_are_errors() -> None:
    with pytest.raises(InputError, match="above zero"):
        BGNBD(r=0, alpha=1, a=1, b=1)
    with pytest.raises(UsageError, match="'days' or 'weeks'"):
        BGNBD(r=1, alpha=1, a=1, b=1, time_unit="years")
