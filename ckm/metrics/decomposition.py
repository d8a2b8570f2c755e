"""Decomposition of a change into parts that add up to it exactly."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log1p
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FACTORS = ("customers", "frequency", "order_value", "returns", "calendar")
"""Factors of the revenue: days · (customers · orders per customer and day · average order value − returns a day)."""
CENTS = 100
"""Cents per unit of the currency; effects are rounded to cents."""


@dataclass(frozen=True)
class Totals:
    """Revenue of a period and its components.

    Attributes
    ----------
    days
        Days of the period that the data cover.
    customers
        Active customers, in windows as long as the shorter of the two periods.
    orders
        Orders of the period; zero only if the customers are zero too.
    purchases, returns
        Value of purchases and of returns, each zero or more, in integer parts of the currency's unit.
    """

    days: float
    customers: float
    orders: float
    purchases: float
    returns: float

    @property
    def revenue(self) -> float:
        """Purchases minus returns."""
        return self.purchases - self.returns

    def in_days(self, days: int) -> Totals:
        """Return the totals scaled to ``days`` days, except ``customers``, which counts windows of that length."""
        if days == self.days:
            return self
        share = days / self.days
        return Totals(days, self.customers, self.orders * share, self.purchases * share, self.returns * share)


def revenue_effects(before: Totals, now: Totals) -> tuple[float, float, float, float, float]:
    """Return the effect of each of :data:`FACTORS` on the revenue; the sum is the change, up to float rounding.

    Purchases and returns are each the number of days times a mean per day. The effect of the calendar is that of the
    days on both; it is zero for periods of equal length. The effect of returns is the change of returns per day. The
    change of purchases per day is divided among customers, orders per customer and average order value:

    - Purchases above zero in both periods: additive LMDI-I, ``L(S1, S0) · ln(x1 / x0)`` with the logarithmic mean
      ``L``. It has no residual and does not depend on the order of the factors (Ang 2005, Energy Policy 33(7):867-871).
    - No purchases in one period: the effect of the calendar is zero, the limit of the formula (Ang and Liu 2007, Energy
      Policy 35(1):238-246). Without active customers in one period, the whole change is the effect of customers;
      without them in both (later lines of earlier orders), that of the average order value. If the orders of one period
      have a value of zero, each factor has its Shapley value, which adds up too and does not depend on the order
      (Albrecht, Francois and Schoors 2002, Energy Policy 30(9):727-736).
    """
    bought_by_calendar = _by_calendar(before, now, before.purchases, now.purchases)
    returned_by_calendar = _by_calendar(before, now, before.returns, now.returns)
    by_customers, by_frequency, by_value = _purchase_effects(before, now, bought_by_calendar)
    by_returns = returned_by_calendar - (now.returns - before.returns)
    return by_customers, by_frequency, by_value, by_returns, bought_by_calendar - returned_by_calendar


def _by_calendar(before: Totals, now: Totals, then: float, since: float) -> float:
    """Return the effect of the change of the number of days on a sum, which was ``then`` and is ``since``."""
    if before.days == now.days or then <= 0 or since <= 0:
        return 0.0
    return logarithmic_mean(since, then) * log(now.days / before.days)


def _purchase_effects(before: Totals, now: Totals, by_calendar: float) -> tuple[float, float, float]:
    rest = now.purchases - before.purchases - by_calendar
    if not before.customers and not now.customers:
        return 0.0, 0.0, rest
    if not before.customers or not now.customers:
        return rest, 0.0, 0.0
    if before.purchases > 0 and now.purchases > 0:
        then, since = _factors(before, now.days), _factors(now, now.days)
        mean = logarithmic_mean(now.purchases, before.purchases)
        by_customers, by_frequency, by_value = (mean * log(new / old) for new, old in zip(since, then, strict=True))
        return by_customers, by_frequency, by_value
    return _shapley(_factors(before, before.days), _factors(now, now.days))


def logarithmic_mean(first: float, second: float) -> float:
    """Return ``(first - second) / (ln first - ln second)`` of two positive numbers; of equal numbers the number."""
    small, large = sorted((first, second))
    # log1p: the quotient of nearly equal numbers has too few digits for the logarithm
    return first if first == second else (large - small) / log1p((large - small) / small)


def _factors(totals: Totals, days: float) -> tuple[float, float, float]:
    """Return customers, orders per customer over ``days`` days, and average order value."""
    orders = totals.orders if totals.days == days else totals.orders * days / totals.days
    return totals.customers, orders / totals.customers, totals.purchases / totals.orders


def _shapley(then: Sequence[float], since: Sequence[float]) -> tuple[float, float, float]:
    """Return the Shapley value of each of three factors: the mean of its effect over the six orders of change."""

    def share(own: int, one: int, other: int) -> float:
        alone = then[one] * then[other] + since[one] * since[other]
        mixed = then[one] * since[other] + since[one] * then[other]
        return (since[own] - then[own]) * (alone / 3 + mixed / 6)

    return share(0, 1, 2), share(1, 0, 2), share(2, 0, 1)


def rounded_parts(parts: Sequence[float], total: int, scale: int) -> tuple[int, ...]:
    """Round parts to cents so that they add up to ``total``.

    The rounding difference of a cent or two, and a fraction of a cent of the total, are added to the largest part.

    Parameters
    ----------
    parts
        Parts in ``1 / scale`` of the currency's unit; they add up to ``total`` up to float rounding.
    total
        Sum of the parts.
    scale
        Number of integer units per unit of the currency.
    """
    cent = max(1, scale // CENTS)
    rounded = [round(part / cent) * cent for part in parts]
    largest = max(range(len(parts)), key=lambda each: abs(parts[each]))
    rounded[largest] += total - sum(rounded)
    return tuple(rounded)


def ratio_contributions(above: tuple[Floats, Floats], below: tuple[Floats, Floats]) -> Floats:
    """Return the contribution of each slice to the change of a ratio of sums; contributions add up to the change.

    ``w̄ (r1 - r0) + (r̄ - R̄)(w1 - w0)``: the effect of the slice's own ratio at its mean weight, plus the effect of
    its weight at the difference of its ratio from the overall one (Bennet 1920, Journal of the Royal Statistical
    Society 83(3):455-462). A slice that is absent in one period keeps its ratio of the other. A numerator without a
    denominator, such as returns without an order, is an effect of its own.

    Parameters
    ----------
    above, below
        Numerators and denominators by slice, of the previous and of this period. The denominators do not sum to zero.
    """
    weights = [part / part.sum() for part in below]
    there = [part != 0 for part in below]
    ratios = [
        np.divide(up, down, out=np.zeros(len(up)), where=down != 0) for up, down in zip(above, below, strict=True)
    ]
    then, since = np.where(there[0], ratios[0], ratios[1]), np.where(there[1], ratios[1], ratios[0])
    overall = sum(float(up.sum() / down.sum()) for up, down in zip(above, below, strict=True)) / 2
    mean_weight, mean_ratio = (weights[0] + weights[1]) / 2, (then + since) / 2
    loose = [np.where(down == 0, up, 0) / down.sum() for up, down in zip(above, below, strict=True)]
    own = mean_weight * (since - then) + (mean_ratio - overall) * (weights[1] - weights[0])
    contributions: Floats = own + loose[1] - loose[0]
    return contributions


def jensen_shannon(before: Floats, now: Floats) -> float:
    """Return the Jensen-Shannon divergence between the shares of the slices in two periods, 0 to ln 2.

    It selects the dimension that explains most of a change (Bhagwan et al. 2014, Adtributor, NSDI, section 4.2). Slices
    below zero count as zero.
    """
    sums = [np.clip(part, 0, None) for part in (before, now)]
    if not all(part.sum() for part in sums):
        return 0.0
    old, new = (part / part.sum() for part in sums)
    middle = (old + new) / 2
    return float(sum((part[part > 0] * np.log(part[part > 0] / middle[part > 0])).sum() for part in (old, new)) / 2)
