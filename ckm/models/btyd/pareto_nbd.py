"""Pareto/NBD: each customer drops out after an exponential time (Schmittlein, Morrison and Colombo 1987)."""

# ruff: noqa: N803, N806 - the papers name it T
# ruff: noqa: D102 - docstrings are in the base class

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ckm.models.btyd.histories import Floats, Histories, checked, count_histories
from ckm.models.btyd.model import TimeUnit, TransactionModel, fit_transactions
from ckm.models.btyd.pareto_integral import competing_risks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True, kw_only=True)
class ParetoNBD(TransactionModel):
    """Purchases at rate lambda ~ Gamma(r, alpha); dropout at rate mu ~ Gamma(s, beta).

    Attributes
    ----------
    r, alpha
        Shape and rate of the gamma distribution of purchase rates across customers, with mean r / alpha per unit of
        time; alpha is in units of time.
    s, beta
        The same for the dropout rates.
    """

    name: ClassVar[str] = "Pareto/NBD"
    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    time_parameters: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    r: float
    alpha: float
    s: float
    beta: float

    def no_order_log_odds(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, horizon: ArrayLike) -> Floats:
        x, t_x, T, horizon = checked(x, t_x, T, horizon)
        shape = x.shape
        x, t_x, T, horizon = (np.ravel(part) for part in (x, t_x, T, horizon))
        before = competing_risks(self.r + x, self.s, self.alpha, self.beta, t_x, T - t_x)
        ahead = competing_risks(self.r + x, self.s, self.alpha, self.beta, T, horizon)
        silent = np.exp(before.log_neither)
        with np.errstate(divide="ignore"):
            no_order = np.log(before.dropout_first + silent * (np.exp(ahead.log_neither) + ahead.dropout_first))
            return np.asarray(no_order - before.log_neither - np.log(ahead.order_first)).reshape(shape)

    def alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        from scipy.special import expit

        x, t_x, T = checked(x, t_x, T)
        shape = x.shape
        x, t_x, T = (np.ravel(part) for part in (x, t_x, T))
        before = competing_risks(self.r + x, self.s, self.alpha, self.beta, t_x, T - t_x)
        with np.errstate(divide="ignore"):
            return np.asarray(expit(before.log_neither - np.log(before.dropout_first))).reshape(shape)

    def expected_orders_if_active(self, x: ArrayLike, T: ArrayLike, time: ArrayLike) -> Floats:
        """Return the expected number of orders in (T, T + time] of a customer who is still active at T.

        ``(r+x)/(alpha+T) (beta+T)/(s-1) [1 - ((beta+T)/(beta+T+t))^(s-1)]`` with ``t = time`` (Fader and Hardie 2005, A
        note on deriving the Pareto/NBD model); its limit ``(r+x)/(alpha+T) (beta+T) log((beta+T+t)/(beta+T))`` if s =
        1.
        """
        x, _, T, time = checked(x, 0.0, T, time)
        passed, excess = np.log1p(time / (self.beta + T)), self.s - 1
        years = passed if excess == 0 else -np.expm1(-excess * passed) / excess
        return np.asarray((self.r + x) * ((self.beta + T) / (self.alpha + T)) * years)


def log_likelihood(parameters: Floats, data: Histories) -> tuple[float, Floats]:
    """Return the log-likelihood of all customers, and its gradient in (r, alpha, s, beta), shape (4,).

    Likelihood of a customer, with the gamma function G:
    ``G(r+x)/G(r) alpha^r beta^s [(alpha+T)^-(r+x) (beta+T)^-s + s I]`` with I the integral of
    ``(alpha+y)^-(r+x) (beta+y)^-(s+1)`` over y from t_x to T: the customer was active until T, or dropped out at y
    (Schmittlein, Morrison, Colombo 1987, *Management Science* 33(1), 1-24). Derivatives are taken under the integral.
    """
    from scipy.special import gammaln, psi

    r, alpha, s, beta = (float(value) for value in parameters)
    distinct, position = data.frequencies
    weights, shape = data.weights, r + data.x
    length = data.T - data.t_x
    found = competing_risks(shape, s, alpha, beta, data.t_x, length, moments=True)
    assert found.moments is not None
    stays = np.exp(found.log_neither)
    seen = stays + found.dropout_first
    stays, leaves = stays / seen, found.dropout_first / seen
    log_alpha, log_beta, over_alpha, over_beta = found.moments / seen
    to_last = np.log1p(data.t_x / alpha), np.log1p(data.t_x / beta)
    to_now = np.log1p(length / (alpha + data.t_x)), np.log1p(length / (beta + data.t_x))
    by_frequency = gammaln(r + distinct) - gammaln(r) - distinct * np.log(alpha)
    value = by_frequency[position] - shape * to_last[0] - s * to_last[1] + np.log(seen)
    grad_r = (psi(r + distinct) - psi(r))[position] - to_last[0] - stays * to_now[0] - log_alpha
    grad_alpha = r / alpha - shape * (stays / (alpha + data.T) + over_alpha)
    grad_s = -to_last[1] - stays * to_now[1] - log_beta + leaves / s
    grad_beta = s / beta - s * stays / (beta + data.T) - (s + 1) * over_beta
    gradient = [float((weights * part).sum()) for part in (grad_r, grad_alpha, grad_s, grad_beta)]
    return float((weights * value).sum()), np.asarray(gradient)


def start_values(rate: float) -> Sequence[Sequence[float]]:
    """Return start values (r, alpha, s, beta) with mean purchase rates of 1.5, 1.2 and 3 times the observed ``rate``.

    The observed rate is below that of active customers, because it includes customers who have churned.
    """
    guesses = ((0.5, 1.5, 0.6, 0.3), (1.5, 1.2, 0.3, 1.0), (0.8, 3.0, 2.0, 0.5))
    return tuple((r, r / (rate * faster), s, beta) for r, faster, s, beta in guesses)


def fit_pareto_nbd(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    seed: int = 0,
    time_unit: TimeUnit = "days",
) -> ParetoNBD:
    """Fit Pareto/NBD by maximum likelihood; arguments and errors as for :func:`ckm.models.btyd.bgnbd.fit_bgnbd`."""
    histories = count_histories(x, t_x, T, weights)
    return fit_transactions(ParetoNBD, log_likelihood, start_values, histories, time_unit=time_unit, seed=seed)
