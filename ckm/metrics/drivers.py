"""Drivers of a change: the slices with the largest contributions, which together add up to the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.metrics.changes import customers_by_slice, effects, returning_customers, revenue_by_slice, shows_effect
from ckm.metrics.decomposition import jensen_shannon, ratio_contributions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ckm.metrics.cell_suppression import Hidden
    from ckm.metrics.comparison import PeriodComparison
    from ckm.metrics.dimensions import CustomerDimension

    Floats = NDArray[np.float64]
    Pair = tuple[Floats, Floats]

MOST_DRIVERS = 3
"""Slices per dimension; one more, ``rest``, has the others, so that they add up to the change."""
EFFECT, KIND, REST = "effect", "kind", "rest"


@dataclass(frozen=True)
class Driver:
    """A slice that drove a change.

    Attributes
    ----------
    dimension, value
        Dimension and its value, such as ``channel`` and ``web``; for factors, ``effect`` and one of
        :data:`ckm.metrics.decomposition.FACTORS`.
    change
        Contribution in the unit of the metric.
    customers
        Number of customers in both periods; None if the slice also has guest rows.
    """

    dimension: str
    value: str
    change: float
    customers: int | None = None


def drivers_of_revenue(comparison: PeriodComparison, parts: Sequence[CustomerDimension]) -> tuple[Driver, ...]:
    """Return the factors, and the slices of the dimension that explains most of the change of the revenue.

    If the periods differ in length, the revenue over equally many days is compared, without a calendar effect.
    """
    ledger, equal_days = comparison.context.ledger, comparison.equal_days
    few = returning_customers(comparison) or None  # the average order value and the revenue together reveal the returns
    by_effect = [
        Driver(EFFECT, name, ledger.money(each), few if name in ("order_value", "returns") else None)
        for name, each in effects(comparison, in_equal_days=True).items()
        if shows_effect(comparison.totals, name, in_equal_days=True)
    ]
    then, since = (sum(ledger.guests.sums(each.period)) * each.share for each in equal_days)
    if since != then:
        by_effect.append(Driver(EFFECT, "without_customer", ledger.money(since - then)))
    counts = customers_by_slice(comparison, parts)
    shares = np.array([[each.share] for each in equal_days])
    found = {
        name: (list(slices), np.array(list(slices.values()), dtype=np.float64).T * shares)
        for name, slices in revenue_by_slice(comparison, parts).items()
    }
    if not found:
        return tuple(by_effect)
    localized = max(found, key=lambda name: jensen_shannon(*found[name][1]))
    values, sliced = found[localized]
    changes = [ledger.money(float(each)) for each in sliced[1] - sliced[0]]
    return (*by_effect, *_largest(localized, values, changes, [counts.get((localized, value)) for value in values]))


def drivers_of_ratio(
    who: NDArray[np.int64], above: Pair, below: Pair, parts: Sequence[CustomerDimension]
) -> tuple[Driver, ...]:
    """Return the slices of the customer dimension that contains the largest contribution to the change of a ratio.

    Parameters
    ----------
    who
        Codes of the customers of the ratio.
    above, below
        Contribution of each customer to numerator and denominator (Float64), in the previous and this period.
    parts
        Dimensions of the customers.
    """
    best: tuple[float, tuple[Driver, ...]] = (0.0, ())
    for part in parts:
        place = part.place[who]
        contributions = ratio_contributions(*(_in_slices(each, place, len(part.values)) for each in (above, below)))
        strength = float(np.abs(contributions).max())
        if len(part.values) > 1 and strength > best[0]:
            counts = np.bincount(place, minlength=len(part.values)).tolist()
            best = strength, _largest(part.dimension, part.values, contributions.tolist(), counts)
    return best[1]


def _in_slices(columns: Pair, place: NDArray[np.int16], slices: int) -> Pair:
    before, now = (np.bincount(place, weights=each, minlength=slices) for each in columns)
    return before.astype(np.float64), now.astype(np.float64)


def _largest(
    dimension: str, values: Sequence[str], changes: Sequence[float], customers: Sequence[int | None]
) -> tuple[Driver, ...]:
    """Return the slices with the largest changes, and the ``rest``: the sum of the other slices."""
    order = sorted(range(len(values)), key=lambda at: (-abs(changes[at]), values[at]))
    named = [Driver(dimension, values[at], changes[at], customers[at]) for at in order[:MOST_DRIVERS]]
    others = order[MOST_DRIVERS:]
    if others:
        named.append(Driver(dimension, REST, sum(changes[at] for at in others)))
    return tuple(named)


def shown_drivers(drivers: Sequence[Driver], hidden: Hidden, min_group_size: int) -> tuple[Driver, ...]:
    """Return drivers without slices that are suppressed or have fewer than ``min_group_size`` customers.

    The contributions of removed slices go to the ``rest`` of the dimension. If the rest would contain a single slice,
    the next smallest slice is added to the rest, so that no difference reveals the single slice.
    """
    shown: list[Driver] = []
    for dimension in dict.fromkeys(each.dimension for each in drivers):
        slices = [each for each in drivers if each.dimension == dimension]
        suppressed = [each for each in slices if _is_small(each, hidden, min_group_size)]
        shown_slices = [each for each in slices if each not in suppressed and each.value != REST]
        rest = [each for each in slices if each.value == REST]
        if len(suppressed) == 1 and not rest and shown_slices:
            suppressed.append(shown_slices.pop())
        shown += shown_slices
        if suppressed or rest:
            shown.append(Driver(dimension, REST, sum(each.change for each in (*suppressed, *rest))))
    return tuple(shown)


def _is_small(driver: Driver, hidden: Hidden, min_group_size: int) -> bool:
    few = driver.customers is not None and 0 < driver.customers < min_group_size
    return driver.value != REST and driver.dimension != KIND and (few or hidden.hides(driver.dimension, driver.value))
