"""Were the models right? Learned on the first part of the history, compared with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.btyd.buyers import Buyers, buyers_until
from ckm.models.btyd.customer_lifetime_value import LifetimeFit, expected_orders, fit_lifetime
from ckm.models.btyd.model_selection import FITS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ckm.models.btyd.histories import Floats
    from ckm.models.btyd.model import TransactionModel

TENTHS = 10
ERROR_DIGITS = 5
"""Of what errors are compared by: where nobody leaves, the three models are one, and differ by less."""


@dataclass(frozen=True)
class ModelHoldout:
    """What one model expected of the holdout.

    Attributes
    ----------
    model
        Learned before it.
    expected
        Orders of each customer.
    mean_absolute_error, root_mean_square_error
        Of a customer's orders.
    misplaced
        Absolute error of the customers' spend over the spend that came, once what was expected is scaled to the total
        that came: 0 where everybody spent their expected share of it.
    """

    model: TransactionModel
    expected: Floats
    mean_absolute_error: float
    root_mean_square_error: float
    misplaced: float

    @property
    def total(self) -> float:
        """Orders that it expected of all customers."""
        return float(self.expected.sum())


@dataclass(frozen=True)
class Holdout:
    """What customers did after a day, and what was expected of them.

    Attributes
    ----------
    split, last_day
        The models saw the first of these days and nothing after it; the holdout ends with the second.
    buyers
        Customers with a purchase by the split, as they stood then. Who came later is not looked at.
    orders, money
        Purchase days of each in the holdout, and what they brought.
    order_value
        Expected average order value of each.
    models
        One entry per model that could be fitted, the nearest to the spend of each customer first.
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
        """The model that misplaced the least spend.

        Squares are decided by a few large customers, and the absolute error favours whoever expects nothing of anybody;
        at equal totals nobody does.
        """
        return self.models[0]

    @cached_property
    def tenths_of_orders(self) -> tuple[HoldoutDecile, ...]:
        """Orders by decile of the customers, those of whom most orders were expected first."""
        return by_tenths(self.best.expected, self.orders)

    @cached_property
    def tenths_of_money(self) -> tuple[HoldoutDecile, ...]:
        """Money by decile of the customers, those of whom most money was expected first."""
        return by_tenths(self.best.expected * self.order_value, self.money)


@dataclass(frozen=True)
class HoldoutDecile:
    """A tenth of the customers.

    Attributes
    ----------
    customers
        How many.
    expected, actual
        Sums.
    """

    customers: int
    expected: float
    actual: float


def hold_out(
    codes: ArrayLike, days: ArrayLike, money: ArrayLike, *, split: int, last_day: int, seed: int = 0
) -> Holdout:
    """Fit all models to the purchases until a day, and hold them against those after it.

    Parameters
    ----------
    codes, days, money
        As for :func:`ckm.models.btyd.buyers.buyers_until`.
    split, last_day
        Last day that the models see, and last day of the holdout.
    seed
        Of the sample that is learned from where there are many customers.

    Raises
    ------
    NotEnoughDataError
        No model can be fitted to the purchases until the split.
    """
    buyers = buyers_until(codes, days, money, split)
    fit = fit_lifetime(buyers, seed=seed)
    orders, spent = _later(buyers, codes, days, money, split, last_day)
    return Holdout(
        split=split,
        last_day=last_day,
        buyers=buyers,
        orders=orders,
        money=spent,
        order_value=fit.order_value(buyers),
        models=_judged(fit, buyers, orders, spent, last_day - split),
    )


def by_tenths(expected: Floats, actual: Floats) -> tuple[HoldoutDecile, ...]:
    """Rank by what was expected, the most first, cut into ten parts of equal size, and add both up.

    Of equal expectations, the customer whose code is lower comes first.
    """
    ranked = np.argsort(-expected, kind="stable")
    parts = np.array_split(ranked, TENTHS)
    return tuple(HoldoutDecile(len(part), float(expected[part].sum()), float(actual[part].sum())) for part in parts)


def _later(
    buyers: Buyers, codes: ArrayLike, days: ArrayLike, money: ArrayLike, split: int, last_day: int
) -> tuple[Floats, Floats]:
    code, day = np.asarray(codes), np.asarray(days)
    size = int(code[-1]) + 1
    later = np.flatnonzero((day > split) & (day <= last_day))
    code, value = code[later], np.asarray(money, dtype=np.float64)[later]
    orders, spent = np.bincount(code, minlength=size), np.bincount(code, value, minlength=size)
    return orders[buyers.codes].astype(np.float64), spent[buyers.codes].astype(np.float64)


def _judged(fit: LifetimeFit, buyers: Buyers, orders: Floats, spent: Floats, days: int) -> tuple[ModelHoldout, ...]:
    found = []
    order, value = tuple(FITS), fit.order_value(buyers)
    for model in sorted(fit.choice.candidates, key=lambda each: order.index(each.name)):
        expected = expected_orders(model, buyers, float(days))
        miss = expected - orders
        errors = float(abs(miss).mean()), float(np.sqrt((miss**2).mean()))
        found.append(ModelHoldout(model, expected, *errors, misplaced(expected * value, spent)))
    # Sorting is stable: of equal ones the quicker to fit stays in front.
    return tuple(sorted(found, key=lambda each: round(each.misplaced, ERROR_DIGITS)))


def misplaced(expected: Floats, came: Floats) -> float:
    """Return the absolute error at equal totals, as a share of what came; 0 where nothing came or was expected."""
    total, predicted = float(came.sum()), float(expected.sum())
    if total <= 0 or predicted <= 0:
        return 0.0
    return float(np.abs(expected * (total / predicted) - came).sum() / total)
