"""BG/NBD and MBG/NBD: after each purchase, a customer drops out with an individual probability."""

# ruff: noqa: N803, N806 - the papers name it T
# ruff: noqa: D102 - docstrings are in the base class

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from ckm.models.btyd.histories import Floats, Histories, checked, count_histories
from ckm.models.btyd.model import TimeUnit, TransactionModel, fit_transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

M = TypeVar("M", bound="BetaGeometric")

CLEARANCE = 1e-6
"""Smallest distance of ``a`` from values at which the closed form of expected orders fails; see :func:`_cleared`."""
LARGE = 20.0
"""Value of ``a`` above which the closed form overflows; expected orders are then integrated numerically."""
SUM_NODES = 400
"""Number of nodes of the numeric integral. They cover twelve standard deviations of the logit on each side; the
relative error is below 1e-9, or 1e-6 if b < 0.1 (nearly all customers drop out at once)."""


@dataclass(frozen=True, kw_only=True)
class BetaGeometric(TransactionModel):
    """Purchases at rate lambda ~ Gamma(r, alpha); dropout after a purchase with probability p ~ Beta(a, b).

    Attributes
    ----------
    r, alpha
        Shape and rate of the gamma distribution of purchase rates across customers, with mean r / alpha purchases per
        unit of time; alpha is in units of time.
    a, b
        Parameters of the beta distribution of dropout probabilities across customers, with mean a / (a + b).
    """

    parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    time_parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    dropout_after_first: ClassVar[bool]
    """Whether customers can drop out after their first purchase."""

    r: float
    alpha: float
    a: float
    b: float

    def no_order_log_odds(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, horizon: ArrayLike) -> Floats:
        x, t_x, T, horizon = checked(x, t_x, T, horizon)
        silent = -(self.r + x) * np.log1p(horizon / (self.alpha + T))  # log P(no order in the horizon | still active)
        with np.errstate(divide="ignore"):
            return np.asarray(np.logaddexp(self._dropout_log_odds(x, t_x, T), silent) - np.log(-np.expm1(silent)))

    def alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Floats:
        from scipy.special import expit

        return np.asarray(expit(-self._dropout_log_odds(*checked(x, t_x, T))))

    def expected_orders_if_active(self, x: ArrayLike, T: ArrayLike, time: ArrayLike) -> Floats:
        x, _, T, time = checked(x, 0.0, T, time)
        a, b_prime = self.a, self.b + x + self.dropout_after_first
        if a <= LARGE:
            a = _cleared(a, self.r)
            b_prime = np.where(np.abs(a + b_prime - 1) < CLEARANCE, 1 - a + CLEARANCE, b_prime)
        growth = time / (self.alpha + T)
        expected_orders = _expected_closed if a <= LARGE else _expected_summed
        return expected_orders(self.r + x, a, b_prime, growth)

    def _dropout_log_odds(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """Return the log odds that the customer has dropped out by T; minus infinity where that is impossible."""
        return _dropout_log_odds(self.r, self.alpha, self.a, self.b, x, t_x, T, self.dropout_after_first)


def _dropout_log_odds(
    r: float, alpha: float, a: float, b: float, x: Floats, t_x: Floats, T: Floats, dropout_after_first: bool
) -> Floats:  # fmt: skip
    chances = b + x + (dropout_after_first - 1)
    silence = (r + x) * np.log1p((T - t_x) / (alpha + t_x))
    if dropout_after_first:
        return np.asarray(np.log(a / chances) + silence)
    bought_again = x > 0
    odds = np.log(a / np.where(bought_again, chances, 1.0)) + silence
    return np.where(bought_again, odds, -np.inf)


def _cleared(a: float, r: float) -> float:
    """Return ``a``, increased by 3e-6, 6e-6 or 9e-6 if the closed form fails near it.

    Expected orders change by less than 1e-5 of their value. The closed form is 0/0 at a = 1. If r - a is an integer,
    the hypergeometric function has a removable pole, where scipy 1.17 returns infinity, and near which digits are lost.
    """
    for candidate in (a, a + 3 * CLEARANCE, a + 6 * CLEARANCE):
        if abs(candidate - 1) >= CLEARANCE and abs((r - candidate) - round(r - candidate)) >= CLEARANCE:
            return candidate
    return a + 9 * CLEARANCE


def _expected_closed(shape: Floats, a: float, b_prime: Floats, growth: Floats) -> Floats:
    """Return the expected orders from T to T + t of a customer who is active at T; ``shape = r + x``.

    ``(a + b' - 1) / (a - 1) [1 - (1 - z)^(r + x) 2F1(r + x, b'; a + b' - 1; z)]`` with ``b' = b_prime`` and
    ``z = t / (alpha + T + t)``; ``growth = t / (alpha + T)`` (Fader, Hardie, Lee 2005, *Marketing Science* 24(2)).
    Euler's transformation of the last two factors avoids an overflow for large x:
    ``(1 - z)^(a - 1) 2F1(a + b' - 1 - r - x, a - 1; a + b' - 1; z)``.
    """
    from scipy.special import hyp2f1

    total = a + b_prime - 1
    shrinks = np.exp(-(a - 1) * np.log1p(growth))
    return np.asarray(total / (a - 1) * (1 - shrinks * hyp2f1(total - shape, a - 1, total, growth / (1 + growth))))


def _expected_summed(shape: Floats, a: float, b_prime: Floats, growth: Floats) -> Floats:
    """Return the expected orders of :func:`_expected_closed`, for a large ``a``, by the trapezoidal rule.

    The mean of ``[1 - (1 + p g)^-(r + x)] / p`` over the dropout probability ``p ~ Beta(a, b')``, with ``g = growth``:
    given p, the order rate decreases as ``lambda exp(-lambda p y)``, and lambda is integrated out exactly. On the logit
    of p the density decreases exponentially on both sides, so the trapezoidal rule converges exponentially.
    """
    from scipy.special import polygamma, psi

    centre, width = psi(a) - psi(b_prime), np.sqrt(polygamma(1, a) + polygamma(1, b_prime))
    mass, orders = np.zeros_like(growth), np.zeros_like(growth)
    peak = _logit_density(a, b_prime, np.log(a / b_prime))
    for node in np.linspace(-12, 12, SUM_NODES):
        logit = centre + node * width
        density = np.exp(_logit_density(a, b_prime, logit) - peak)
        chance = np.exp(-np.logaddexp(0, -np.maximum(logit, -700.0)))
        mass += density
        orders += density * -np.expm1(-shape * np.log1p(chance * growth)) / chance
    return np.asarray(orders / mass)


def _logit_density(a: float, b_prime: Floats, logit: Floats) -> Floats:
    return np.asarray(-a * np.logaddexp(0, -logit) - b_prime * np.logaddexp(0, logit))


def fit_beta_geometric(
    model: type[M],
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    *,
    weights: ArrayLike | None,
    seed: int,
    time_unit: TimeUnit,
) -> M:
    """Fit a model of this family by maximum likelihood.

    Parameters
    ----------
    model
        :class:`BGNBD` or :class:`MBGNBD`.
    x, t_x, T
        Repeat purchases, time from the first purchase to the last, and to the end of observation; shape (n,).
    weights
        Number of customers of each entry; default 1.
    seed
        Random seed of the sample on which start values are compared if there are many customers. The maximum does not
        depend on it.
    time_unit
        Unit of ``t_x``, ``T``, the parameters and the log-likelihood.

    Raises
    ------
    NotEnoughDataError
        Fewer than 20 customers bought again, or the likelihood has no maximum.
    InputError
        A history is impossible, such as ``t_x`` above ``T``.
    """
    likelihood = partial(log_likelihood, dropout_after_first=model.dropout_after_first)
    histories = count_histories(x, t_x, T, weights)
    return fit_transactions(model, likelihood, start_values, histories, time_unit=time_unit, seed=seed)


def log_likelihood(parameters: Floats, data: Histories, *, dropout_after_first: bool) -> tuple[float, Floats]:
    """Return the log-likelihood of all customers, and its gradient in (r, alpha, a, b), shape (4,).

    Likelihood of a customer, with the gamma function G and the beta function B:
    ``G(r+x)/G(r) alpha^r B(a, b')/B(a, b) [(alpha+T)^-(r+x) + d a/(b'-1) (alpha+t_x)^-(r+x)]``. BG/NBD: ``b' = b + x``,
    and d = 1 if x > 0, else 0 (Fader, Hardie, Lee 2005, *Marketing Science* 24(2), 275-284). MBG/NBD:
    ``b' = b + x + 1`` and d = 1 (Batislam, Denizel, Filiztekin 2007, *Int. J. Research in Marketing* 24(3), 201-209).
    """
    from scipy.special import betaln, expit, gammaln, psi

    r, alpha, a, b = (float(value) for value in parameters)
    distinct, position = data.frequencies
    weights, x, b_prime = data.weights, data.x, b + distinct + dropout_after_first
    until_now, until_last = alpha + data.T, alpha + data.t_x
    dropout_log_odds = _dropout_log_odds(r, alpha, a, b, x, data.t_x, data.T, dropout_after_first)
    dropout = expit(dropout_log_odds)
    gained = np.log(until_now / until_last)
    by_frequency = gammaln(r + distinct) - gammaln(r) + betaln(a, b_prime) - betaln(a, b)
    value = by_frequency[position] + r * np.log(alpha) - (r + x) * np.log(until_now) + np.logaddexp(0, dropout_log_odds)
    grad_r = (psi(r + distinct) - psi(r))[position] + np.log(alpha) - np.log(until_now) + dropout * gained
    grad_alpha = r / alpha - (r + x) * ((1 - dropout) / until_now + dropout / until_last)
    psi_difference = psi(a + b) - psi(a + b_prime)
    grad_a = psi_difference[position] + dropout / a
    b_last = np.maximum(b_prime - 1, np.finfo(float).tiny)[position]
    grad_b = (psi_difference + psi(b_prime) - psi(b))[position] - np.where(dropout > 0, dropout / b_last, 0.0)
    gradient = [float((weights * part).sum()) for part in (grad_r, grad_alpha, grad_a, grad_b)]
    return float((weights * value).sum()), np.asarray(gradient)


def start_values(rate: float) -> Sequence[Sequence[float]]:
    """Return start values (r, alpha, a, b) with mean purchase rates of 2, 1.2 and 4 times the observed ``rate``."""
    return tuple(
        (r, r / (rate * faster), a, b)
        for r, faster, a, b in ((0.3, 2.0, 0.8, 2.4), (1.5, 1.2, 0.3, 4.0), (0.8, 4.0, 2.0, 2.0))
    )
