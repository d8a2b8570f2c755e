"""Gamma-Gamma: expected order value of a customer, a weighted mean of the customer's and the population's mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ckm.errors import InputError, NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from ckm.models.btyd.histories import Floats

CUSTOMERS_NEEDED = 20
"""Fewest customers with a mean order value above zero: more than six for each of three parameters."""
NOTABLE, DEPENDENT = 0.1, 0.3
"""Absolute correlations from which the dependence is called slight, and from which it is too large for the model:
Cohen's small and medium effects (Statistical power analysis for the behavioral sciences, 2nd ed. 1988, pp. 79-80).
CDNOW has a correlation of 0.11 and a rank correlation of 0.21."""

MEAN_DIGITS = 9
"""Significant digits to which mean order values are rounded before they are ranked."""
LEAST_DIFFERENCE = 0.005
"""Smallest range of mean order values, relative to the largest. With a smaller range, all customers pay one price,
rounded differently."""


@dataclass(frozen=True)
class OrderSamples:
    """Number and mean value of customers' orders, the input of the fit; shape (n,).

    Attributes
    ----------
    x
        Number of orders, at least 1.
    mean
        Mean value of the orders, above zero.
    weights
        Number of customers with this ``x`` and ``mean``.
    """

    x: Floats
    mean: Floats
    weights: Floats

    @cached_property
    def customers(self) -> float:
        """Number of customers."""
        return float(self.weights.sum())

    def systematic_sample(self, rows: int, seed: int) -> OrderSamples:
        """Return a systematic sample of ``rows`` entries, with weights scaled to all customers."""
        if len(self.x) <= rows:
            return self
        step = len(self.x) / rows
        kept = ((np.arange(rows) + np.random.default_rng(seed).random()) * step).astype(np.int64)
        kept = kept.clip(0, len(self.x) - 1)
        return OrderSamples(self.x[kept], self.mean[kept], self.weights[kept] * step)


@dataclass(frozen=True, kw_only=True)
class GammaGamma:
    """Gamma-Gamma model: order values of a customer ~ Gamma(p, nu), with nu ~ Gamma(q, gamma) across customers.

    Attributes
    ----------
    p
        Shape of the distribution of one customer's order values; their coefficient of variation is 1 / sqrt(p).
    q, gamma
        Shape, and rate in money, of the distribution of nu across customers.
    log_likelihood
        Log-likelihood in the unit of money of the data; None if the parameters were given and not fitted.
    standard_errors
        Standard errors by parameter, from the observed information; a value is None if the data do not identify the
        parameter. None if the parameters were given.
    customers
        Number of customers in the fit; None if the parameters were given.
    """

    name: ClassVar[str] = "Gamma-Gamma"
    parameter_names: ClassVar[tuple[str, ...]] = ("p", "q", "gamma")

    p: float
    q: float
    gamma: float
    log_likelihood: float | None = None
    standard_errors: Mapping[str, float | None] | None = None
    customers: float | None = None

    def __post_init__(self) -> None:
        if not all(np.isfinite(value) and value > 0 for value in (self.p, self.q, self.gamma)):
            raise InputError("Gamma-Gamma: parameters are finite and above zero")

    def expected_value(self, x: ArrayLike, mean: ArrayLike) -> Floats:
        """Return the expected order value of a customer with ``x`` orders of the given mean.

        ``p (gamma + x m) / (p x + q - 1)`` with ``m = mean``: the customer's mean and the population's, weighted by
        ``p x`` and ``q - 1`` (Fader, Hardie, Lee 2005, RFM and CLV, *J. Marketing Research* 42(4), 415-430). Infinite
        if the denominator is not positive: the population has no mean, and the customer has too few orders. ``mean`` is
        ignored if x is 0.
        """
        orders, value = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(mean, dtype=np.float64))
        wrong = ~(orders >= 0) | ((orders > 0) & ~(value >= 0))
        if wrong.any():
            raise InputError(f"{int(wrong.sum())} customers have a negative or unknown number or mean of orders")
        spent = orders * np.where(orders > 0, value, 0.0)
        known = self.p * orders + self.q - 1
        return np.where(known > 0, self.p * (self.gamma + spent) / np.where(known > 0, known, 1.0), np.inf)


def fit_gamma_gamma(x: ArrayLike, mean: ArrayLike, *, weights: ArrayLike | None = None, seed: int = 0) -> GammaGamma:
    """Fit Gamma-Gamma by maximum likelihood.

    Parameters
    ----------
    x, mean
        Number of orders and their mean value in any unit of money; shape (n,). Customers with x = 0 or a mean of zero
        or less (only returns, only gifts) are excluded, because they carry no information about order values. The
        papers exclude the first purchase; include it if its value does not differ from later ones.
    weights
        Number of customers of each entry; default 1.
    seed
        Random seed of the sample on which start values are compared if there are many customers.

    Raises
    ------
    NotEnoughDataError
        Fewer than 20 customers remain, none has a second order, or the likelihood has no maximum.
    """
    from ckm.models.btyd.fitting import maximise

    data = _orders(x, mean, weights)
    if data.customers < CUSTOMERS_NEEDED or not (data.x > 1).any():
        raise NotEnoughDataError(
            f"Gamma-Gamma: {data.customers:,.0f} customers with an order value above zero, "
            f"{data.weights[data.x > 1].sum():,.0f} of them with two or more orders; {CUSTOMERS_NEEDED} and 1 needed"
        )
    unit = float((data.weights * data.mean).sum()) / data.customers
    scaled = OrderSamples(data.x, data.mean / unit, data.weights)
    found = maximise(log_likelihood, scaled, STARTS, name=GammaGamma.name, seed=seed)
    units = np.asarray([1.0, 1.0, unit])
    p, q, gamma = (found.parameters * units).tolist()
    errors = [None if np.isnan(error) else float(error) for error in found.standard_errors * units]
    return GammaGamma(
        p=p,
        q=q,
        gamma=gamma,
        log_likelihood=float(found.log_likelihood - data.customers * np.log(unit)),
        standard_errors=dict(zip(GammaGamma.parameter_names, errors, strict=True)),
        customers=data.customers,
    )


STARTS: Sequence[Sequence[float]] = ((5.0, 4.0, 0.6), (1.0, 3.0, 2.0), (30.0, 2.0, 0.03))
"""Start values of (p, q, gamma); gamma in units of the mean order value."""


def _orders(x: ArrayLike, mean: ArrayLike, weights: ArrayLike | None) -> OrderSamples:
    count, value, weight = (
        np.ravel(part)
        for part in np.broadcast_arrays(
            *(np.asarray(part, dtype=np.float64) for part in (x, mean, 1.0 if weights is None else weights))
        )
    )
    kept = (count > 0) & (value > 0) & (weight > 0)
    wrong = ~np.isfinite(count) | ~(count >= 0) | (kept & ~np.isfinite(value)) | ~np.isfinite(weight)
    if wrong.any():
        raise InputError(f"{int(wrong.sum())} customers have a negative or unknown number or mean of orders")
    count, value, weight = count[kept], value[kept], weight[kept]
    order = np.lexsort((weight, value, count))
    return OrderSamples(count[order], value[order], weight[order])


def log_likelihood(parameters: Floats, data: OrderSamples) -> tuple[float, Floats]:
    """Return the log-likelihood of all customers, and its gradient in (p, q, gamma), shape (3,).

    Likelihood of a customer with the mean value m of x orders, with the gamma function G:
    ``G(p x + q) / (G(p x) G(q)) gamma^q m^(p x - 1) x^(p x) / (gamma + m x)^(p x + q)`` (Fader and Hardie 2013, The
    Gamma-Gamma model of monetary value).
    """
    from scipy.special import gammaln, psi

    p, q, gamma = (float(value) for value in parameters)
    weights, orders = data.weights, p * data.x
    spent = data.mean * data.x
    share, rest = np.log(spent / (gamma + spent)), np.log(gamma / (gamma + spent))
    value = gammaln(orders + q) - gammaln(orders) - gammaln(q) + q * rest + orders * share - np.log(data.mean)
    psi_total = psi(orders + q)
    grad_p = data.x * (psi_total - psi(orders) + share)
    grad_q = psi_total - psi(q) + rest
    grad_gamma = (q * spent / gamma - orders) / (gamma + spent)
    gradient = [float((weights * part).sum()) for part in (grad_p, grad_q, grad_gamma)]
    return float((weights * value).sum()), np.asarray(gradient)


@dataclass(frozen=True)
class Independence:
    """Check of Gamma-Gamma's assumption that mean order value and number of orders are independent.

    Attributes
    ----------
    customers
        Number of customers with a mean order value above zero.
    pearson, spearman
        Correlations of number and mean value of orders; None if all customers have the same number or the same mean.
        Pearson's depends much on a few large customers. Spearman's does not, but is slightly positive for independent
        numbers and values, because order values are skewed: the mean of several orders is rarely far below the median.
    holds
        Whether both absolute correlations are below :data:`DEPENDENT`; true if they are None.
    """

    customers: float
    pearson: float | None
    spearman: float | None
    holds: bool

    @property
    def sentence(self) -> str:
        """Result of the check as a sentence for the user."""
        if self.pearson is None or self.spearman is None:
            return "All customers have the same number of orders or the same order value, so there is nothing to check."
        figures = f"correlation {self.pearson:+.2f}, of ranks {self.spearman:+.2f}"
        if max(abs(self.pearson), abs(self.spearman)) < NOTABLE:
            return f"The average order value does not depend on the number of orders ({figures})."
        larger = "larger" if self.spearman + self.pearson > 0 else "smaller"
        if self.holds:
            return (
                f"Customers who order more often make slightly {larger} orders ({figures}); Gamma-Gamma ignores this."
            )
        return (
            f"Customers who order more often make {larger} orders ({figures}): "
            "Gamma-Gamma assumes independence, so expected values are biased."
        )


def check_independence(x: ArrayLike, mean: ArrayLike) -> Independence:
    """Correlate the number of orders with their mean value; arguments as for :func:`fit_gamma_gamma`.

    Means are rounded to :data:`MEAN_DIGITS` significant digits, because the mean of equal order values differs in its
    last bit. If the range of the means is below :data:`LEAST_DIFFERENCE`, the correlations are None.
    """
    from scipy.stats import pearsonr, spearmanr

    data = _orders(x, mean, None)
    value = _rounded(data.mean)
    if not len(value) or data.x.min() == data.x.max() or value.max() - value.min() <= LEAST_DIFFERENCE * value.max():
        return Independence(data.customers, None, None, holds=True)
    pearson, spearman = (float(correlation(data.x, value).statistic) for correlation in (pearsonr, spearmanr))
    return Independence(data.customers, pearson, spearman, max(abs(pearson), abs(spearman)) < DEPENDENT)


def _rounded(values: Floats) -> Floats:
    """Return positive numbers rounded to :data:`MEAN_DIGITS` significant digits."""
    scale = 10.0 ** (MEAN_DIGITS - 1 - np.floor(np.log10(values)))
    return np.asarray(np.round(values * scale) / scale)
