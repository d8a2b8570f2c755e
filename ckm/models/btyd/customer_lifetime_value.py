"""What customers are expected to bring: a model of how often they will order, times one of what an order is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.btyd.gamma_gamma import GammaGamma, Independence, check_independence, fit_gamma_gamma
from ckm.models.btyd.model_selection import FITS, Choice, choose_btyd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.models.btyd.buyers import Buyers
    from ckm.models.btyd.histories import Floats, Integers
    from ckm.models.btyd.model import TransactionModel

SAMPLE = 20_000
"""Customers that the models learn from, where there are more: as many as give CDNOW's rates a standard error of 2 %."""
DAYS_A_MONTH = 365.25 / 12
MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class LifetimeFit:
    """How often customers order, and for how much.

    Attributes
    ----------
    choice
        The models of ordering that could be fitted, the likeliest first.
    value
        The model of an order's value; None where it cannot be fitted, as where all orders are worth the same.
    mean_value
        Mean value of all repeat orders, which stands in where the model has no answer.
    independence
        Of number and value of orders, which the model takes for granted.
    """

    choice: Choice
    value: GammaGamma | None
    mean_value: float
    independence: Independence

    def order_value(self, buyers: Buyers) -> Floats:
        """Return the expected order value of each customer.

        The mean of all repeat orders where there is no model of it, or where it has no mean: with ``q <= 1`` an order
        of a customer of whom nothing is known is of infinite expected value.
        """
        if self.value is None:
            return np.full(len(buyers), self.mean_value)
        expected = self.value.expected_value(buyers.x, np.maximum(buyers.order_value, 0.0))
        return np.where(np.isfinite(expected), expected, self.mean_value)


@dataclass(frozen=True)
class ExpectedOrders:
    """Orders within a horizon, one entry per customer.

    Attributes
    ----------
    orders
        Expected number.
    discounted
        The same, each month's weighed by what money of that month is worth today.
    """

    orders: Floats
    discounted: Floats

    @property
    def discount(self) -> Floats:
        """What a unit of money that comes with these orders is worth today, 0 to 1; of no order that of all."""
        usual = float(self.discounted.sum() / self.orders.sum()) if self.orders.sum() > 0 else 1.0
        share = np.divide(self.discounted, self.orders, out=np.full(len(self.orders), usual), where=self.orders > 0)
        return np.asarray(np.minimum(share, 1.0))


def fit_lifetime(buyers: Buyers, *, models: Sequence[str] | None = None, seed: int = 0) -> LifetimeFit:
    """Fit the models of ordering and of an order's value.

    With more than :data:`SAMPLE` customers, a systematic sample along the sorted histories stands for all.

    Parameters
    ----------
    buyers
        The customers.
    models
        Names of the models of ordering; None means all.
    seed
        Of the sample.

    Raises
    ------
    NotEnoughDataError
        None of the models of ordering can be fitted: fewer than 20 customers bought again, for one.
    """
    histories = buyers.groups.histories.thinned(SAMPLE, seed)
    choice = choose_btyd(
        histories.x, histories.t_x, histories.T, weights=histories.weights, seed=seed, models=models or tuple(FITS)
    )
    repeats = _thinned(np.flatnonzero((buyers.x > 0) & (buyers.spent > 0)), seed)
    orders, mean = buyers.x[repeats], buyers.order_value[repeats]
    try:
        value = fit_gamma_gamma(orders, mean, seed=seed)
    except NotEnoughDataError:
        value = None
    return LifetimeFit(choice, value, buyers.mean_order_value, check_independence(orders, mean))


def expected_orders(model: TransactionModel, buyers: Buyers, days: float) -> Floats:
    """Return the expected number of orders of each customer within so many days."""
    groups, histories = buyers.groups, buyers.groups.histories
    x, T, position = groups.frequencies  # noqa: N806 - T is what the papers call it
    there = model.expected_if_there(x, T, days)[position]
    return np.asarray((there * model.alive(histories.x, histories.t_x, histories.T))[groups.position])


def discounted_orders(model: TransactionModel, buyers: Buyers, *, months: int, discount: float) -> ExpectedOrders:
    """Return the expected orders of each customer within a horizon, and what they count for today.

    The sum over months ``t`` of ``(E[orders to t] - E[orders to t-1]) / (1 + d)^(t/12)``: orders of a month are paid at
    its end (Fader, Hardie and Lee 2005, RFM and CLV, in months). How many orders come while a customer is there hangs
    on ``x`` and ``T`` alone, so that the months are taken once for each pair of them.

    Parameters
    ----------
    model
        In days.
    buyers
        As of today.
    months
        Of the horizon; a month is a twelfth of 365.25 days.
    discount
        Of money that comes in a year.
    """
    groups, histories = buyers.groups, buyers.groups.histories
    x, T, position = groups.frequencies  # noqa: N806
    before: Floats = np.zeros(len(x))
    discounted = np.zeros(len(x))
    for month in range(1, months + 1):
        until = model.expected_if_there(x, T, month * DAYS_A_MONTH)
        discounted += (until - before) / (1 + discount) ** (month / MONTHS_A_YEAR)
        before = until
    alive = model.alive(histories.x, histories.t_x, histories.T)
    return ExpectedOrders(*((part[position] * alive)[groups.position] for part in (before, discounted)))


def _thinned(rows: Integers, seed: int) -> Integers:
    """Return a systematic sample along the customers' codes."""
    if len(rows) <= SAMPLE:
        return rows
    step = len(rows) / SAMPLE
    chosen = ((np.arange(SAMPLE) + np.random.default_rng(seed).random()) * step).astype(np.int64)
    return np.asarray(rows[chosen.clip(0, len(rows) - 1)])
