"""Implied needs: categories that customers of another category buy next more often than other customers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm._needs.need import IMPLIED, Need
from ckm.models.next_category import next_categories
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm.customers.ledger import Ledger
    from ckm.models.next_category import NextCategories

FEWEST_PURCHASES = 50
"""Fewest purchases of customers of a category, and of other customers, that are compared."""
FEWEST_NEXT = 20
"""Fewest customers who bought the second category."""
FEWEST_EXPECTED = 5.0
"""Fewest expected first purchases for the normal approximation of the log-rank test."""
LEAST_RATIO = 1.25
ALPHA = 0.05
NORMAL_QUANTILE = 1.96
"""97.5 % quantile of the normal distribution, for 95 % intervals."""


def implied(ledger: Ledger, *, min_group_size: int) -> tuple[list[Need], int]:
    """Return the categories that customers of another category buy next more often, and the number of tests.

    Each pair of categories is tested with :func:`ckm.models.next_category.next_categories`, one-sided, with Holm's
    correction over all pairs. The test shows an association, not a cause. Pairs with a ratio below
    :data:`LEAST_RATIO` are left out.

    Parameters
    ----------
    ledger
        Customer ledger with the categories of each purchase day.
    min_group_size
        Fewest customers who bought both categories, and fewest who have not bought the second one yet.
    """
    from scipy.stats import norm

    baskets = ledger.categories
    names = baskets.names.to_list()
    codes, days, items = (each.astype(np.int64) for each in (baskets.codes, baskets.days, baskets.items))
    past = days <= ledger.today
    codes, days, items = codes[past], days[past], items[past]
    made = next_categories(codes, days, items, len(names))
    customers = np.zeros((len(ledger.customers), len(names)), dtype=np.float32)
    customers[codes, items] = 1.0
    without = np.rint(customers.sum(axis=0)[:, None] - customers.T @ customers).astype(int)
    tested = (
        (np.minimum(made.purchases, made.other_purchases) >= FEWEST_PURCHASES)
        & (made.count >= max(FEWEST_NEXT, min_group_size))
        & (made.log_rank_expected >= FEWEST_EXPECTED)
        & ~np.eye(len(names), dtype=bool)
    )
    pairs = sorted(np.argwhere(tested).tolist(), key=lambda pair: (-made.z[tuple(pair)], pair))
    found = []
    for rank, (one, two) in enumerate(pairs):
        if float(norm.sf(made.z[one, two])) * (len(pairs) - rank) > ALPHA:  # Holm: stop at the first failure
            break
        need = _need(names[one], names[two], made, (one, two), int(without[one, two]))
        # the ratio is None if no other customer bought the second category
        if (need.ratio is None or need.ratio >= LEAST_RATIO) and without[one, two] >= min_group_size:
            found.append(need)
    return found, len(pairs)


def _need(one: str, two: str, made: NextCategories, pair: tuple[int, int], without: int) -> Need:
    count, expected = int(made.count[pair]), float(made.expected[pair])
    ratio = count / expected if expected > 0 else None
    margin = np.exp(NORMAL_QUANTILE * made.error[pair]) if ratio is not None else np.nan
    return Need(
        IMPLIED,
        f"customers of {one} buy {two} next: {count:,} did, {expected:,.1f} expected at the rate of other customers "
        f"with as many purchases; {counted(without, 'customer')} of {one} did not yet",
        two,
        None,
        without,
        count,
        round(expected, 2),
        round(ratio, 2) if ratio is not None else None,
        round(ratio / margin, 2) if ratio is not None else None,
        round(ratio * margin, 2) if ratio is not None else None,
        "log-rank test by purchase, 5 % over all pairs (Holm); an association, not a cause",
        f"transactions: first purchases of {one} and {two}",
    )
