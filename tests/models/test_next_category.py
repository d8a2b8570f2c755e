"""The log-rank test of pairs of categories equals a computation purchase by purchase."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt

import numpy as np
import pytest

from ckm.models.next_category import QUARTER_DAYS, next_categories

CATEGORIES = 4


def drawn(seed: int, customers: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    entries = {
        (who, int(day), int(item))
        for who in range(customers)
        for day in dice.choice(300, dice.integers(1, 7), replace=False)
        for item in dice.choice(CATEGORIES, dice.integers(1, 3))
    }
    customer, day, item = np.array(sorted(entries)).T
    return customer, day, item


def by_purchase(customer: np.ndarray, day: np.ndarray, item: np.ndarray, one: int, two: int) -> tuple[float, ...]:
    """Return count, expected count and standardised difference of the log-rank test of one pair of categories."""
    baskets: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for who, when, what in zip(customer.tolist(), day.tolist(), item.tolist(), strict=True):
        baskets[who][when].add(what)
    strata: dict[tuple[int, ...], list[tuple[bool, bool]]] = defaultdict(list)
    for days in baskets.values():
        had: set[int] = set()
        for number, when in enumerate(sorted(days)):
            bought = days[when]
            if number and two not in had:
                situation = when // QUARTER_DAYS, number, len(had), min(len(bought), 4)
                strata[situation].append((one in had, two in bought))
            had |= bought
    count = expected = variance = 0.0
    for purchases in strata.values():
        total, ours = len(purchases), sum(mine for mine, _ in purchases)
        events = sum(event for _, event in purchases)
        count += sum(mine and event for mine, event in purchases)
        expected += events * ours / total
        if total > 1:
            variance += events * ours * (total - ours) * (total - events) / (total**2 * (total - 1))
    return count, expected, (count - expected) / sqrt(variance) if variance else 0.0


@pytest.mark.parametrize("seed", range(3))
def test_z_of_every_pair_equals_a_log_rank_test_computed_purchase_by_purchase(seed: int) -> None:
    entries = drawn(seed)
    made = next_categories(*entries, CATEGORIES)
    for one in range(CATEGORIES):
        for two in range(CATEGORIES):
            if one != two:
                count, _, z = by_purchase(*entries, one, two)
                assert made.count[one, two] <= count  # strata of a single purchase are left out
                assert made.z[one, two] == pytest.approx(z)


def test_the_batch_size_does_not_change_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = drawn(7)
    whole = next_categories(*entries, CATEGORIES)
    monkeypatch.setattr("ckm.models.next_category.CELLS_AT_ONCE", CATEGORIES)
    assert np.array_equal(next_categories(*entries, CATEGORIES).z, whole.z)


def test_z_is_zero_without_purchases() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    made = next_categories(nothing, nothing, nothing, CATEGORIES)
    assert not made.z.any()
