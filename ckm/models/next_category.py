"""Which category customers buy next: a log-rank test of first purchases, for every pair of categories A and B.

Time is counted in purchases, and the event is the first purchase of B. At each purchase, customers who bought A earlier
are compared with customers who did not, among customers who have not bought B yet. Purchases are compared within
strata: equal numbers of earlier purchases, of earlier categories and of categories in the basket, and the same quarter.
Therefore customers who buy more often, or more categories, cause no association of A and B. A customer belongs to the
group of A after the first purchase of A (Mantel and Byar 1974), so that the group does not depend on later purchases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]

QUARTER_DAYS = 91
MOST_PURCHASES, MOST_CATEGORIES, MOST_IN_BASKET = 15, 6, 4
"""Caps of the numbers of earlier purchases, of earlier categories, and of categories in a basket, in the strata."""
CELLS_AT_ONCE = 4_000_000
"""Largest product of purchases and categories in memory."""
NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class NextCategories:
    """First purchases of category B (column) by customers of category A (row), each of shape (categories, categories).

    Attributes
    ----------
    count
        Number of first purchases of B by customers of A.
    expected
        Expected number at the rate of the other customers in the same strata (Mantel-Haenszel).
    error
        Standard error of the logarithm of ``count / expected`` (Greenland and Robins 1985); NaN if one of the groups
        has no first purchase of B in strata with both groups.
    z
        Standardised difference of the log-rank test; positive if customers of A buy B more often; 0 without a test.
    log_rank_expected
        Expected number if customers of A and other customers have the same rate. The normal approximation of ``z``
        needs about 5 or more.
    purchases, other_purchases
        Number of purchases of customers of A, and of other customers, in the strata that have both.
    """

    count: Floats
    expected: Floats
    error: Floats
    z: Floats
    log_rank_expected: Floats
    purchases: Floats
    other_purchases: Floats


def next_categories(customer: Integers, day: Integers, category: Integers, categories: int) -> NextCategories:
    """Test for each pair of categories whether customers of the first buy the second more often than other customers.

    Parameters
    ----------
    customer, day, category
        Number of the customer, number of the day and number of the category, each from 0: one entry per customer, day
        and category with a purchase, without duplicates, shape (n,).
    categories
        Number of categories.
    """
    first = np.full((int(customer.max(initial=-1)) + 1, categories), NEVER, dtype=np.int64)
    np.minimum.at(first, (customer, category), day)
    count, log_rank, variance, upper, lower, spread, mine, others = np.zeros((8, categories, categories))
    for who, when in _strata(customer, day, category, first):
        at_risk, events, ours, our_events = _numbers(first, who, when)
        theirs, their_events, total = at_risk - ours, events - our_events, np.maximum(at_risk, 1.0)
        count += our_events
        log_rank += events * ours / total
        variance += events * ours * theirs * (at_risk - events) / (total**2 * np.maximum(at_risk - 1, 1.0))
        upper += our_events * theirs / total
        lower += their_events * ours / total
        spread += (events * ours * theirs - our_events * their_events * total) / total**2
        compared = (ours > 0) & (theirs > 0)
        mine += ours * compared
        others += theirs * compared
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.where(upper > 0, count * lower / upper, 0.0)
        error = np.sqrt(np.maximum(spread, 0.0) / (upper * lower))
        z = np.where(variance > 0, (count - log_rank) / np.sqrt(variance), 0.0)
    error[~np.isfinite(error)] = np.nan
    return NextCategories(count, expected, error, z, log_rank, mine, others)


def _strata(
    customer: Integers, day: Integers, category: Integers, first: Integers
) -> Iterator[tuple[Integers, Integers]]:
    """Yield customers and days of the purchases of each stratum of two or more, without each customer's first one."""
    keys, size = np.unique(customer << 32 | day, return_counts=True)
    who, when = keys >> 32, keys & (1 << 32) - 1
    begin = np.searchsorted(who, who, side="left")
    before = np.arange(len(who)) - begin
    is_new = first[customer, category] == day
    new = np.bincount(np.searchsorted(keys, (customer << 32 | day)[is_new]), minlength=len(keys))
    total = np.concatenate([[0], np.cumsum(new)])
    had = total[:-1] - total[begin]
    situation = np.stack(
        [
            when // QUARTER_DAYS,
            np.minimum(before, MOST_PURCHASES),
            np.minimum(had, MOST_CATEGORIES),
            np.minimum(size, MOST_IN_BASKET),
        ]
    )[:, before > 0]
    who, when = who[before > 0], when[before > 0]
    order = np.lexsort(situation)
    ends = np.flatnonzero(np.any(np.diff(situation[:, order], axis=1) != 0, axis=0)) + 1
    for part in np.split(order, ends):
        if len(part) > 1:
            yield who[part], when[part]


def _numbers(first: Integers, who: Integers, when: Integers) -> tuple[Floats, Floats, Floats, Floats]:
    """Count the purchases at risk (customers who have not bought B yet), and the first purchases of B, in one stratum.

    The counts are: at risk and first purchases of all customers, shapes (categories,); at risk and first purchases of
    customers of A (row), shapes (categories, categories).
    """
    categories = first.shape[1]
    at_risk, events = np.zeros((2, categories))
    ours, our_events = np.zeros((2, categories, categories))
    step = max(CELLS_AT_ONCE // max(categories, 1), 1)
    for begin in range(0, len(who), step):
        days, bought = when[begin : begin + step, None], first[who[begin : begin + step]]
        had = (bought < days).astype(np.float32)
        is_open, is_first = (bought >= days).astype(np.float32), (bought == days).astype(np.float32)
        at_risk += is_open.sum(axis=0)
        events += is_first.sum(axis=0)
        ours += had.T @ is_open
        our_events += had.T @ is_first
    return at_risk, events, ours, our_events
