"""Implied needs: categories that customers of another category buy next, and others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm._needs.need import IMPLIED, Need
from ckm.models.intervals import wilson
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.customers.ledger import Ledger

HORIZON_DAYS = 365
"""Days after the first purchase of a category within which the next category counts."""
FEWEST_CUSTOMERS = 50
FEWEST_NEXT = 20
LEAST_RATIO = 1.25
ALPHA = 0.05


def implied(ledger: Ledger, *, min_group_size: int) -> Iterator[Need]:
    """Yield pairs of categories of which customers of the first buy the second next more than others do.

    For each pair, customers whose first purchase of category A is at least a year old are compared with customers who
    bought, but not A, and whose first purchase is as old: the share that buys B for the first time within a year. Only
    customers without B before are counted. The test is a difference of two proportions with Holm's correction over all
    pairs. It shows an association, not a cause.

    Parameters
    ----------
    ledger
        Ledger with the baskets of categories.
    min_group_size
        Fewest customers of a need that is shown.
    """
    baskets = ledger.categories
    names = baskets.names.to_list()
    if len(names) < 2:  # noqa: PLR2004  # a pair
        return
    customers = len(ledger.customers)
    never = np.iinfo(np.int32).max
    first = np.full((customers, len(names)), never, dtype=np.int64)
    np.minimum.at(first, (baskets.codes, baskets.items), baskets.days)
    begin = first.min(axis=1)
    last = int(ledger.as_of_day)
    tested: list[tuple[float, Need]] = []
    for one in range(len(names)):
        have = first[:, one] <= last - HORIZON_DAYS
        others = (first[:, one] == never) & (begin <= last - HORIZON_DAYS)
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
    count = len(tested)
    for rank, (p, need) in enumerate(sorted(tested, key=lambda each: each[0])):
        if p * (count - rank) > ALPHA:  # Holm: the first that fails ends the list
            break
        if need.ratio is not None and need.ratio >= LEAST_RATIO and need.customers >= min_group_size:
            yield need


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
