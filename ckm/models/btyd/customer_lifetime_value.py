"""Customer lifetime value: expected orders of a purchase model × expected order value of Gamma-Gamma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.btyd.gamma_gamma import GammaGamma, Independence, check_independence, fit_gamma_gamma
from ckm.models.btyd.model_selection import FITS, ModelChoice, choose_btyd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.models.btyd.buyers import Buyers
    from ckm.models.btyd.histories import Floats, Integers
    from ckm.models.btyd.model import TransactionModel

SAMPLE = 20_000
"""Maximum number of customers that the models are fitted to; on CDNOW, rates then have standard errors of 2 %."""
DAYS_A_MONTH = 365.25 / 12
MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class LifetimeFit:
    """Fitted models of purchase frequency and average order value.

    Attributes
    ----------
    choice
        Purchase models that could be fitted, smallest AIC first.
    value
        Order value model; None if it cannot be fitted, for example because all orders have the same value.
    mean_value
        Mean value of all repeat orders; replaces an infinite or unknown expected order value.
    independence
        Test of the assumption that number and value of orders are independent.
    """

    choice: ModelChoice
    value: GammaGamma | None
    mean_value: float
    independence: Independence

    def order_value(self, buyers: Buyers) -> Floats:
        """Return the expected order value of each customer; shape (n,).

        It is :attr:`mean_value` without an order value model, and where the expected value is infinite.
        """
        if self.value is None:
            return np.full(len(buyers), self.mean_value)
        expected = self.value.expected_value(buyers.x, np.maximum(buyers.order_value, 0.0))
        return np.where(np.isfinite(expected), expected, self.mean_value)


@dataclass(frozen=True)
class ExpectedOrders:
    """Expected orders within a horizon, by customer; shape (n,).

    Attributes
    ----------
    orders
        Expected number.
    discounted
        Expected number, each order multiplied by the discount factor of its month.
    """

    orders: Floats
    discounted: Floats

    @property
    def discount(self) -> Floats:
        """Mean discount factor of each customer's expected orders, 0 to 1; the overall mean for 0 expected orders."""
        usual = float(self.discounted.sum() / self.orders.sum()) if self.orders.sum() > 0 else 1.0
        share = np.divide(self.discounted, self.orders, out=np.full(len(self.orders), usual), where=self.orders > 0)
        return np.asarray(np.minimum(share, 1.0))


def fit_lifetime(buyers: Buyers, *, models: Sequence[str] | None = None, seed: int = 0) -> LifetimeFit:
    """Fit the purchase models and the order value model.

    With more than :data:`SAMPLE` customers, the models are fitted to a systematic sample of the sorted histories.

    Parameters
    ----------
    buyers
        The customers.
    models
        Names of the purchase models; None means all.
    seed
        Random seed of the samples.

    Raises
    ------
    NotEnoughDataError
        No purchase model can be fitted, for example because fewer than 20 customers bought again.
    """
    histories = buyers.groups.histories.systematic_sample(SAMPLE, seed)
    choice = choose_btyd(
        histories.x, histories.t_x, histories.T, weights=histories.weights, seed=seed, models=models or tuple(FITS)
    )
    repeats = _systematic_sample(np.flatnonzero((buyers.x > 0) & (buyers.spent > 0)), seed)
    orders, mean = buyers.x[repeats], buyers.order_value[repeats]
    try:
        value = fit_gamma_gamma(orders, mean, seed=seed)
    except NotEnoughDataError:
        value = None
    return LifetimeFit(choice, value, buyers.mean_order_value, check_independence(orders, mean))


def expected_orders(model: TransactionModel, buyers: Buyers, days: float) -> Floats:
    """Return the expected number of orders of each customer within ``days`` days."""
    groups, histories = buyers.groups, buyers.groups.histories
    x, T, position = groups.frequencies  # noqa: N806 - the papers name it T
    if_active = model.expected_orders_if_active(x, T, days)[position]
    return np.asarray((if_active * model.alive(histories.x, histories.t_x, histories.T))[groups.position])


def discounted_orders(model: TransactionModel, buyers: Buyers, *, months: int, discount: float) -> ExpectedOrders:
    """Return the expected orders of each customer within a horizon, and their discounted number.

    ``sum over months t of (E[orders by t] - E[orders by t-1]) / (1 + d)^(t/12)``: the orders of a month are discounted
    from its end (Fader, Hardie and Lee 2005, RFM and CLV, *J. Marketing Research* 42(4), 415-430). The expected orders
    of an active customer depend on ``x`` and ``T`` only, so they are computed once per distinct pair.

    Parameters
    ----------
    model
        Purchase model in days.
    buyers
        Customers as of the start of the horizon.
    months
        Length of the horizon; a month is a twelfth of 365.25 days.
    discount
        Discount rate per year.
    """
    groups, histories = buyers.groups, buyers.groups.histories
    x, T, position = groups.frequencies  # noqa: N806
    before: Floats = np.zeros(len(x))
    discounted = np.zeros(len(x))
    for month in range(1, months + 1):
        until = model.expected_orders_if_active(x, T, month * DAYS_A_MONTH)
        discounted += (until - before) / (1 + discount) ** (month / MONTHS_A_YEAR)
        before = until
    alive = model.alive(histories.x, histories.t_x, histories.T)
    return ExpectedOrders(*((part[position] * alive)[groups.position] for part in (before, discounted)))


def _systematic_sample(rows: Integers, seed: int) -> Integers:
    """Return a systematic sample of at most :data:`SAMPLE` rows: every k-th row from a random start."""
    if len(rows) <= SAMPLE:
        return rows
    step = len(rows) / SAMPLE
    chosen = ((np.arange(SAMPLE) + np.random.default_rng(seed).random()) * step).astype(np.int64)
    return np.asarray(rows[chosen.clip(0, len(rows) - 1)])
