"""Purchase histories (x, t_x, T), the sufficient statistics of the purchase models."""

# ruff: noqa: N803 - the papers name it T

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ckm.errors import InputError, NotEnoughDataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Integers: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

REPEAT_CUSTOMERS_NEEDED = 20
"""Fewest repeat customers for a fit: five per parameter. With fewer, the likelihood is flat in most directions."""


@dataclass(frozen=True)
class Histories:
    """Distinct histories (x, t_x, T), ascending, with their numbers of customers.

    Attributes
    ----------
    x
        Repeat purchases: purchase days less one. Whole numbers; shape (n,), like all other attributes.
    t_x
        Time from the first purchase to the last; 0 where x is 0.
    T
        Time from the first purchase to the end of observation, at least ``t_x``.
    weights
        Number of customers with the history.
    """

    x: Floats
    t_x: Floats
    T: Floats
    weights: Floats

    @cached_property
    def customers(self) -> float:
        """Number of customers."""
        return float(self.weights.sum())

    @cached_property
    def repeat_customers(self) -> float:
        """Number of customers with a second purchase."""
        return float(self.weights[self.x > 0].sum())

    @cached_property
    def orders(self) -> float:
        """Number of repeat purchases of all customers."""
        return float((self.weights * self.x).sum())

    @cached_property
    def frequencies(self) -> tuple[Floats, Integers]:
        """Distinct ``x``, ascending, and the index of each history's ``x``."""
        distinct, position = np.unique(self.x, return_inverse=True)
        return distinct, position.astype(np.int64)

    def rescaled(self, factor: float) -> Histories:
        """Return the histories with ``t_x`` and ``T`` multiplied by ``factor``."""
        return Histories(self.x, self.t_x * factor, self.T * factor, self.weights)

    def systematic_sample(self, rows: int, seed: int) -> Histories:
        """Return a systematic sample of ``rows`` customers, with weights scaled to all customers.

        Every (customers / rows)-th customer along the sorted histories, from a random start (Cochran, Sampling
        Techniques, 1977, chapter 8). The sample does not depend on the order of the input rows.
        """
        if len(self.x) <= rows:
            return self
        step = self.customers / rows
        points = (np.arange(rows) + np.random.default_rng(seed).random()) * step
        chosen = np.searchsorted(np.cumsum(self.weights), points, side="right").clip(0, len(self.x) - 1)
        kept, counts = np.unique(chosen, return_counts=True)
        return Histories(self.x[kept], self.t_x[kept], self.T[kept], counts.astype(np.float64) * step)


def checked(x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *further: ArrayLike) -> tuple[Floats, ...]:
    """Return the arguments as floats of one shape.

    Raises
    ------
    InputError
        A value is infinite, NaN or negative, or ``t_x`` exceeds ``T``.
    """
    arrays = np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in (x, t_x, T, *further)))
    wrong = ~np.isfinite(arrays[0])
    for array in arrays:
        wrong = wrong | ~((array >= 0) & (array < np.inf))
    wrong = wrong | (arrays[1] > arrays[2])
    if wrong.any():
        raise InputError(
            f"{int(wrong.sum())} purchase histories are impossible: not finite, negative, or t_x greater than T",
            hint="x counts repeat purchases; t_x and T are times since the first purchase, 0 <= t_x <= T",
        )
    return tuple(arrays)


def count_histories(
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weights: ArrayLike | None = None,
) -> Histories:
    """Return the distinct histories with their numbers of customers.

    Parameters
    ----------
    x, t_x, T
        See :class:`Histories`; one entry per customer.
    weights
        Number of customers of an entry; default 1. Entries with weight 0 are dropped.

    Raises
    ------
    InputError
        A history is impossible: as in :func:`checked`, or ``x`` is not a whole number, or ``t_x`` is positive without a
        repeat purchase.
    """
    frequency, last, observed, weight = (
        np.ravel(part) for part in checked(x, t_x, T, 1.0 if weights is None else weights)
    )
    wrong = (frequency != np.floor(frequency)) | ((frequency == 0) & (last > 0))
    if wrong.any():
        raise InputError(
            f"{int(wrong.sum())} purchase histories are impossible: x is not a whole number, or t_x > 0 with x = 0",
            hint="x counts repeat purchases; without one the last purchase is the first, so t_x = 0",
        )
    order = np.lexsort((weight, observed, last, frequency) if weights is not None else (observed, last, frequency))
    order = order[weight[order] > 0]
    if not len(order):
        raise NotEnoughDataError("no customer with a purchase")
    rows = [part[order] for part in (frequency, last, observed)]
    starts = np.flatnonzero(np.concatenate(([True], np.any([part[1:] != part[:-1] for part in rows], axis=0))))
    distinct = [part[starts] for part in rows]
    return Histories(distinct[0], distinct[1], distinct[2], np.add.reduceat(weight[order], starts))


def histories_of_purchases(customers: ArrayLike, days: ArrayLike, last_day: int) -> tuple[Integers, Floats]:
    """Return each customer's history, computed from single purchases, as of the end of ``last_day``.

    All purchases of a day count as one; the first purchase day starts the observation and is not counted in ``x``.

    Parameters
    ----------
    customers, days
        One entry per purchase: the customer's code and the day as a whole number.
    last_day
        End of observation; later purchases are ignored.

    Returns
    -------
    tuple
        Codes, ascending, shape (n,); and ``x``, ``t_x`` and ``T`` (days) as rows of an array, shape (3, n).
    """
    code, day = np.asarray(customers, dtype=np.int64), np.asarray(days, dtype=np.int64)
    known = day <= last_day
    purchases = np.unique(np.stack((code[known], day[known])), axis=1)
    codes, first, counts = np.unique(purchases[0], return_index=True, return_counts=True)
    first_day, latest = purchases[1][first], purchases[1][first + counts - 1]
    return codes, np.stack((counts - 1, latest - first_day, last_day - first_day)).astype(np.float64)


def require_repeat_buyers(histories: Histories, model: str) -> None:
    """Raise NotEnoughDataError, with both numbers, if too few customers bought again for a fit, or all on one day."""
    if histories.repeat_customers < REPEAT_CUSTOMERS_NEEDED:
        raise NotEnoughDataError(
            f"{model}: {histories.repeat_customers:,.0f} of {histories.customers:,.0f} customers bought again, "
            f"{REPEAT_CUSTOMERS_NEEDED} needed",
            hint="load a longer history, or choose --model rule, which needs no repeat purchases",
            there=histories.repeat_customers,
            needed=REPEAT_CUSTOMERS_NEEDED,
        )
    if histories.T.max() == 0:
        raise NotEnoughDataError(f"{model}: all customers bought for the first time on the last day")
