"""Holdout test of the purchase models: fitted on purchases up to a split day, compared with later purchases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.btyd.customer_lifetime_value import LifetimeFit, expected_orders, fit_lifetime
from ckm.models.btyd.model_selection import FITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.models.btyd.buyers import Buyers
    from ckm.models.btyd.histories import Floats
    from ckm.models.btyd.model import TransactionModel
    from ckm.models.btyd.purchases import PurchaseHistory

DECILES = 10
ERROR_DIGITS = 5
"""Decimals to which errors are compared: if no customer churns, the errors of the models differ by rounding only."""


@dataclass(frozen=True)
class ModelHoldout:
    """Predictions of one purchase model for the holdout, and their errors.

    Attributes
    ----------
    model
        Purchase model fitted up to the split.
    expected
        Expected orders of each customer, shape (n,).
    mean_absolute_error, root_mean_square_error
        Errors of the expected orders per customer.
    allocation_error
        Sum of absolute errors of customers' spend ÷ total spend, after expected spend is scaled to the actual total; 0
        if each customer's share of the total is as expected.
    """

    model: TransactionModel
    expected: Floats
    mean_absolute_error: float
    root_mean_square_error: float
    allocation_error: float

    @property
    def total(self) -> float:
        """Expected orders of all customers."""
        return float(self.expected.sum())


@dataclass(frozen=True)
class Holdout:
    """Actual purchases in the holdout, and the predictions of each purchase model.

    Attributes
    ----------
    split, last_day
        Last day of the data that the models were fitted to, and last day of the holdout.
    buyers
        Customers with a purchase by the split, as of the split. New customers of the holdout are not included.
    orders, money
        Purchase days of each customer in the holdout, and the value of the purchases on them; shape (n,).
    order_value
        Expected order value of each customer, shape (n,).
    models
        One entry per fitted model, smallest ``allocation_error`` first.
    """

    split: int
    last_day: int
    buyers: Buyers
    orders: Floats
    money: Floats
    order_value: Floats
    models: tuple[ModelHoldout, ...]

    @property
    def best(self) -> ModelHoldout:
        """The model with the smallest ``allocation_error``.

        This criterion is used because squared errors are dominated by a few large customers, and unscaled absolute
        errors of skewed spend favour a model that predicts too little.
        """
        return self.models[0]

    def totals(self) -> HoldoutTotals:
        """Return the totals of all customers and of their deciles, without the columns by customer."""
        return HoldoutTotals(
            split=self.split,
            last_day=self.last_day,
            customers=len(self.buyers),
            orders=float(self.orders.sum()),
            expected={each.model.name: each.total for each in self.models},
            order_deciles=by_deciles(self.best.expected, self.orders),
            spend_deciles=by_deciles(self.best.expected * self.order_value, self.money),
        )


@dataclass(frozen=True)
class HoldoutTotals:
    """Totals of a holdout: what a report shows of it.

    Attributes
    ----------
    split, last_day
        Last day of the data that the models were fitted to, and last day of the holdout.
    customers
        Number of customers with a purchase by the split.
    orders
        Their purchase days in the holdout.
    expected
        Expected orders of all customers by the name of the model, smallest ``allocation_error`` first.
    order_deciles, spend_deciles
        Orders, and spend, by decile of the customers, ranked by the expected ones of the best model, highest first.
    """

    split: int
    last_day: int
    customers: int
    orders: float
    expected: Mapping[str, float]
    order_deciles: tuple[HoldoutDecile, ...]
    spend_deciles: tuple[HoldoutDecile, ...]


@dataclass(frozen=True)
class HoldoutDecile:
    """Expected and actual totals of a decile of the customers.

    Attributes
    ----------
    customers
        Number of customers.
    expected, actual
        Sums over the decile.
    """

    customers: int
    expected: float
    actual: float


def holdout_test(purchases: PurchaseHistory, *, split: int, last_day: int, seed: int = 0) -> Holdout:
    """Fit all purchase models to the purchases up to the split, and compare predictions with later purchases.

    Parameters
    ----------
    purchases
        Purchases of all customers.
    split, last_day
        Last day of the data that the models are fitted to, and last day of the holdout.
    seed
        Random seed of the sample that the models are fitted to if there are many customers.

    Raises
    ------
    NotEnoughDataError
        No model can be fitted to the purchases until the split.
    """
    buyers = purchases.buyers(split)
    fit = fit_lifetime(buyers, seed=seed)
    orders, spent = purchases.days(buyers.codes, split, last_day), purchases.spent(buyers.codes, split, last_day)
    return Holdout(
        split=split,
        last_day=last_day,
        buyers=buyers,
        orders=orders,
        money=spent,
        order_value=fit.order_value(buyers),
        models=_evaluated(fit, buyers, orders, spent, last_day - split),
    )


def by_deciles(expected: Floats, actual: Floats) -> tuple[HoldoutDecile, ...]:
    """Return expected and actual sums by decile of the customers, ranked by ``expected``, highest first.

    Of equal expectations, the lower customer code comes first.
    """
    ranked = np.argsort(-expected, kind="stable")
    parts = np.array_split(ranked, DECILES)
    return tuple(HoldoutDecile(len(part), float(expected[part].sum()), float(actual[part].sum())) for part in parts)


def _evaluated(fit: LifetimeFit, buyers: Buyers, orders: Floats, spent: Floats, days: int) -> tuple[ModelHoldout, ...]:
    found = []
    order, value = tuple(FITS), fit.order_value(buyers)
    for model in sorted(fit.choice.candidates, key=lambda each: order.index(each.name)):
        expected = expected_orders(model, buyers, float(days))
        miss = expected - orders
        errors = float(abs(miss).mean()), float(np.sqrt((miss**2).mean()))
        found.append(ModelHoldout(model, expected, *errors, allocation_error(expected * value, spent)))
    # Sorting is stable: of models with equal errors, the one that is faster to fit comes first.
    return tuple(sorted(found, key=lambda each: round(each.allocation_error, ERROR_DIGITS)))


def allocation_error(expected: Floats, actual: Floats) -> float:
    """Return ``sum |c e - a| / sum a``, with ``c`` scaling ``expected`` to the actual total; 0 if a total is 0."""
    total, predicted = float(actual.sum()), float(expected.sum())
    if total <= 0 or predicted <= 0:
        return 0.0
    return float(np.abs(expected * (total / predicted) - actual).sum() / total)
