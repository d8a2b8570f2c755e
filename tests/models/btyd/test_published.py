"""Published figures on CDNOW: 2,357 customers, 39 weeks of calibration and 39 weeks of holdout."""

# ruff: noqa: N806 - the papers name it T

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.btyd.bgnbd import BGNBD, fit_bgnbd
from ckm.models.btyd.gamma_gamma import check_independence, fit_gamma_gamma
from ckm.models.btyd.mbgnbd import MBGNBD, fit_mbgnbd
from ckm.models.btyd.model_selection import choose_btyd
from ckm.models.btyd.pareto_nbd import ParetoNBD, fit_pareto_nbd
from tests.models.btyd.customers import CALIBRATION_END, HOLDOUT_WEEKS, cdnow, cdnow_lines

PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
LIFETIMES_ERRORS = {
    "r": 0.013,
    "alpha": 0.378,
    "a": 0.186,
    "b": 0.705,
}  # standard errors in the documentation of lifetimes
PUBLISHED_PARETO = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
LIFETIMES = {"r": 0.52484, "alpha": 6.18308, "a": 0.89136, "b": 1.61400}  # MBG/NBD, lifetimes 0.11.3, run in 2026


def test_bg_nbd_equals_the_fit_of_fader_hardie_and_lee() -> None:
    x, t_x, T, _ = cdnow()
    model = fit_bgnbd(x, t_x, T, time_unit="weeks")
    assert model.parameters == pytest.approx(PUBLISHED, abs=5e-4)
    assert model.log_likelihood == pytest.approx(-9582.429, abs=0.01)
    assert model.standard_errors == pytest.approx(LIFETIMES_ERRORS, abs=1e-3)


@pytest.mark.slow
def test_pareto_nbd_equals_the_fit_of_the_btyd_package() -> None:
    x, t_x, T, _ = cdnow()
    model = fit_pareto_nbd(x, t_x, T, time_unit="weeks")
    assert model.parameters == pytest.approx(PUBLISHED_PARETO, abs=5e-4)
    assert model.log_likelihood == pytest.approx(-9594.976, abs=0.01)


@pytest.mark.slow
def test_mbg_nbd_equals_the_fit_of_lifetimes_and_has_the_smallest_aic() -> None:
    x, t_x, T, _ = cdnow()
    choice = choose_btyd(x, t_x, T, time_unit="weeks")
    assert isinstance(choice.model, MBGNBD)
    assert choice.model.parameters == pytest.approx(LIFETIMES, abs=1e-5)
    assert [model.name for model in choice.candidates] == ["MBG/NBD", "BG/NBD", "Pareto/NBD"]


@pytest.mark.parametrize(
    ("fit", "orders", "mean_error", "root_error"),
    [
        (fit_bgnbd, 1653.4, 0.7855, 1.608),
        (fit_pareto_nbd, 1665.5, 0.7545, 1.603),
        (fit_mbgnbd, 1576.7, 0.7648, 1.607),
    ],
)
def test_holdout_predictions_and_errors_equal_the_published_ones(
    fit, orders: float, mean_error: float, root_error: float
) -> None:
    x, t_x, T, actual = cdnow()
    expected = fit(x, t_x, T, time_unit="weeks").expected_orders(x, t_x, T, HOLDOUT_WEEKS)
    assert actual.sum() == 1882
    assert expected.sum() == pytest.approx(orders, abs=0.5)
    assert abs(expected - actual).mean() == pytest.approx(mean_error, abs=5e-5)
    assert np.sqrt(((expected - actual) ** 2).mean()) == pytest.approx(root_error, abs=5e-4)


def test_gamma_gamma_equals_the_fit_of_fader_hardie_and_lee() -> None:
    customers, days, dollars = cdnow_lines()
    known = days <= CALIBRATION_END
    (who, _), day_of = np.unique(np.stack((customers, days))[:, known], axis=1, return_inverse=True)
    repeat = np.concatenate(([False], who[1:] == who[:-1]))
    x = np.bincount(who[repeat])
    total = np.bincount(who[repeat], np.bincount(day_of.ravel(), dollars[known])[repeat])
    mean = np.divide(total, x, out=np.zeros(len(x)), where=x > 0)
    model, independence = fit_gamma_gamma(x, mean), check_independence(x, mean)
    assert (model.p, model.q, model.gamma) == pytest.approx((6.25, 3.74, 15.44), abs=5e-3)
    assert model.customers == 946
    assert independence.pearson == pytest.approx(0.11, abs=5e-3)
    assert independence.holds


@pytest.mark.parametrize("model", [
    BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614),
    ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669),
], ids=lambda model: model.name)  # fmt: skip
def test_the_expected_number_of_customers_without_orders_is_within_10_percent(model) -> None:
    x, t_x, T, actual = cdnow()
    assert model.no_order(x, t_x, T, HOLDOUT_WEEKS).sum() == pytest.approx((actual == 0).sum(), rel=0.1)
