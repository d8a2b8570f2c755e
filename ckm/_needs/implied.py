"""Implied needs: categories that customers of another category buy next, and others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm._needs.need import IMPLIED, Need
from ckm.models.intervals import wilson
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

    Integers = NDArray[np.int64]

HORIZON_DAYS = 365
"""Days after the first purchase of a category within which the next category counts."""
FEWEST_CUSTOMERS = 50
FEWEST_NEXT = 20
LEAST_RATIO = 1.25
ALPHA = 0.05


def implied(ledger: Ledger, *, min_group_size: int) -> tuple[list[Need], int]:
    """Return categories that customers of another category buy next more than others do, and the number of tests.

    For each pair, customers whose first purchase of category A is at least a year old are compared with customers who
    never bought A, from their first purchase of all: the share that buys B for the first time within a year. Only
    customers without B before, and who bought anything again within the year, are counted, so that a difference is not
    one of loyalty. The test is a difference of two proportions with Holm's correction over all pairs. It shows an
    association, not a cause.

    Parameters
    ----------
    ledger
        Ledger with the baskets of categories.
    min_group_size
        Fewest customers of a need that is shown.
    """
    baskets = ledger.categories
    names = baskets.names.to_list()
    customers = len(ledger.customers)
    never = np.iinfo(np.int32).max
    first = np.full((customers, len(names)), never, dtype=np.int64)
    np.minimum.at(first, (baskets.codes, baskets.items), baskets.days)
    begin = first.min(axis=1, initial=never)
    last = ledger.today
    returning = _returning(baskets.codes.astype(np.int64), baskets.days.astype(np.int64))
    came_back = returning(begin)
    tested: list[tuple[float, Need]] = []
    for one in range(len(names)):
        have = (first[:, one] <= last - HORIZON_DAYS) & returning(first[:, one])
        others = (first[:, one] == never) & (begin <= last - HORIZON_DAYS) & came_back
        for two in range(len(names)):
            if one == two:
                continue
            buyers = have & (first[:, two] > first[:, one])
            rest = others & (first[:, two] > begin)
            next_of_buyers = int((buyers & (first[:, two] <= first[:, one] + HORIZON_DAYS)).sum())
            next_of_rest = int((rest & (first[:, two] <= begin + HORIZON_DAYS)).sum())
            sizes = int(buyers.sum()), int(rest.sum())
            if min(sizes) < FEWEST_CUSTOMERS or next_of_buyers < max(FEWEST_NEXT, min_group_size):
                continue
            shares = next_of_buyers / sizes[0], next_of_rest / sizes[1]
            p = _p_value(next_of_buyers, sizes[0], next_of_rest, sizes[1])
            without = int(((first[:, one] < never) & (first[:, two] == never)).sum())
            tested.append((p, _need(names[one], names[two], shares, next_of_buyers, sizes[0], without)))
    found = []
    for rank, (p, need) in enumerate(sorted(tested, key=lambda each: each[0])):
        if p * (len(tested) - rank) > ALPHA:  # Holm: the first that fails ends the list
            break
        # without a ratio, no other customer bought it
        if (need.ratio is None or need.ratio >= LEAST_RATIO) and (need.customers or 0) >= min_group_size:
            found.append(need)
    return found, len(tested)


def _returning(codes: Integers, days: Integers) -> Callable[[Integers], NDArray[np.bool_]]:
    """Return a function from one day per customer to whether the customer bought within a year after that day."""
    keys = np.unique(codes << 32 | days)

    def returning(day: Integers) -> NDArray[np.bool_]:
        base = np.arange(len(day), dtype=np.int64) << 32
        after = np.searchsorted(keys, base | day, side="right")
        until = np.searchsorted(keys, base | np.minimum(day + HORIZON_DAYS, np.iinfo(np.int32).max), side="right")
        return until > after

    return returning


def _p_value(one: int, of_one: int, two: int, of_two: int) -> float:
    """Return the one-sided p-value of a larger first proportion, by the pooled normal approximation."""
    from scipy.stats import norm

    pooled = (one + two) / (of_one + of_two)
    error = np.sqrt(pooled * (1 - pooled) * (1 / of_one + 1 / of_two))
    return float(norm.sf((one / of_one - two / of_two) / error)) if error > 0 else 1.0


def _need(one: str, two: str, shares: tuple[float, float], count: int, size: int, without: int) -> Need:
    low, high = wilson(count, size)
    usual = shares[1] if shares[1] > 0 else None
    return Need(
        IMPLIED,
        f"customers of {one} buy {two} within a year: {shares[0]:.0%}, of others {shares[1]:.0%}; "
        f"{counted(without, 'customer')} of {one} without {two}",
        two,
        None,
        without,
        count,
        round(shares[1] * size, 2),
        round(shares[0] / usual, 2) if usual else None,
        round(low / usual, 2) if usual and low is not None else None,
        round(high / usual, 2) if usual and high is not None else None,
        "difference of two proportions, 5 % over all pairs (Holm); an association, not a cause",
        f"transactions: first purchases of {one} and {two}",
    )
