"""Customer lifetime value: a purchase model (number of orders) times a model of the average order value."""

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
"""Maximum number of customers to fit the models to: enough for a standard error of 2 % of the rates on CDNOW."""
DAYS_A_MONTH = 365.25 / 12
MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class LifetimeFit:
    """Fitted models of purchase frequency and average order value.

    Attributes
    ----------
    choice
        The purchase models that could be fitted, highest likelihood first.
    value
        The order value model; None if it cannot be fitted, for example because all orders have the same value.
    mean_value
        Mean value of all repeat orders; used where the model has no expected value.
    independence
        Test of the assumption that number and value of orders are independent.
    """

    choice: ModelChoice
    value: GammaGamma | None
    mean_value: float
    independence: Independence

    def order_value(self, buyers: Buyers) -> Floats:
        """Return the expected order value of each customer.

        This is the mean of all repeat orders if there is no order value model or it has no mean. (If ``q <= 1``, the
        expected order value of an unknown customer is infinite.)
        """
        if self.value is None:
            return np.full(len(buyers), self.mean_value)
        expected = self.value.expected_value(buyers.x, np.maximum(buyers.order_value, 0.0))
        return np.where(np.isfinite(expected), expected, self.mean_value)


@dataclass(frozen=True)
class ExpectedOrders:
    """Expected orders within a horizon, one entry per customer.

    Attributes
    ----------
    orders
        Expected number.
    discounted
        Expected number, with the orders of each month multiplied by the discount factor of that month.
    """

    orders: Floats
    discounted: Floats

    @property
    def discount(self) -> Floats:
        """Mean discount factor of the expected orders, 0 to 1; if no orders are expected, that of all customers."""
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
        Random seed of the sample.

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
    x, T, position = groups.frequencies  # noqa: N806 - T is what the papers call it
    there = model.expected_orders_if_active(x, T, days)[position]
    return np.asarray((there * model.alive(histories.x, histories.t_x, histories.T))[groups.position])


def discounted_orders(model: TransactionModel, buyers: Buyers, *, months: int, discount: float) -> ExpectedOrders:
    """Return the expected orders of each customer within a horizon, and their discounted number.

    The sum over months ``t`` of ``(E[orders to t] - E[orders to t-1]) / (1 + d)^(t/12)``: orders of a month are paid at
    its end (Fader, Hardie and Lee 2005, RFM and CLV, in months). The number of orders of an active customer depends on
    ``x`` and ``T`` only, so the months are computed once per pair.

    Parameters
    ----------
    model
        Purchase model in days.
    buyers
        Customers as of today.
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
    """Return a systematic sample along the customers' codes."""
    if len(rows) <= SAMPLE:
        return rows
    step = len(rows) / SAMPLE
    chosen = ((np.arange(SAMPLE) + np.random.default_rng(seed).random()) * step).astype(np.int64)
    return np.asarray(rows[chosen.clip(0, len(rows) - 1)])
