"""The model of ordering times the average order value, by all orders of a customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.btyd.customer_lifetime_value import SAMPLE, expected_orders
from ckm.models.btyd.gamma_gamma import GammaGamma, fit_gamma_gamma
from ckm.models.btyd.model_selection import choose_btyd

if TYPE_CHECKING:
    from ckm.models.btyd.histories import Floats
    from ckm.models.btyd.model import TransactionModel
    from ckm.models.spend.spend_snapshot import SpendSnapshot


@dataclass(frozen=True)
class OrderedSpend:
    """How often customers order, and for how much.

    Attributes
    ----------
    model
        Of ordering, in days.
    value
        Of an order's value; None where it cannot be fitted, as where all orders are worth the same.
    mean_value
        Mean value of all orders, which stands in where the model has no answer.
    """

    model: TransactionModel
    value: GammaGamma | None
    mean_value: float

    def orders(self, snapshot: SpendSnapshot, days: int) -> Floats:
        """Return the expected orders of each customer within so many days."""
        return expected_orders(self.model, snapshot.buyers, float(days))

    def order_value(self, snapshot: SpendSnapshot) -> Floats:
        """Return the expected order value of each customer."""
        if self.value is None:
            return np.full(len(snapshot.buyers), self.mean_value)
        expected = self.value.expected_value(snapshot.orders, snapshot.mean_value)
        return np.where(np.isfinite(expected), expected, self.mean_value)


def fit_ordered_spend(snapshot: SpendSnapshot, name: str, seed: int) -> OrderedSpend:
    """Fit a model of ordering by its name, and that of an order's value, as of a day.

    Raises
    ------
    NotEnoughDataError
        The model of ordering cannot be fitted.
    """
    histories = snapshot.buyers.groups.histories.thinned(SAMPLE, seed)
    choice = choose_btyd(histories.x, histories.t_x, histories.T, weights=histories.weights, seed=seed, models=(name,))
    return with_order_value(choice.model, snapshot, seed)


def with_order_value(model: TransactionModel, snapshot: SpendSnapshot, seed: int) -> OrderedSpend:
    """Fit Gamma-Gamma to all orders of the customers, and add it to a model of ordering.

    The papers leave out the first order; without it nothing is known of the money of who bought once. In past windows
    of CDNOW and Online Retail spend came nearer with it.
    """
    rows = np.flatnonzero(snapshot.mean_value > 0)
    if len(rows) > SAMPLE:
        rows = rows[(np.arange(SAMPLE) * (len(rows) / SAMPLE)).astype(np.int64)]
    try:
        value = fit_gamma_gamma(snapshot.orders[rows], snapshot.mean_value[rows], seed=seed)
    except NotEnoughDataError:
        value = None
    return OrderedSpend(model, value, float(snapshot.spent.sum() / snapshot.orders.sum()))
