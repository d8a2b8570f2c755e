"""Ranking of customers' next items, on small baskets with a known ranking."""

from __future__ import annotations

import numpy as np

from ckm.models.next_items import NextItems, next_items


def made(baskets: list[tuple[int, int, int]], most: int = 10) -> NextItems:
    customer, basket, item = np.array(baskets, dtype=np.int64).T
    return next_items(customer, basket, item, most)


def items_of(found: NextItems, customer: int) -> list[int]:
    items: list[int] = found.items[found.customers == customer].tolist()
    return items


def test_items_of_every_basket_rank_first_and_recent_items_before_old_ones() -> None:
    found = made([(0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 0, 1), (0, 2, 2)])
    assert items_of(found, 0) == [0, 2, 1]
    assert found.baskets.tolist() == [3, 1, 1]


def test_items_that_other_customers_buy_together_rank_after_the_customers_items() -> None:
    others = [(who, 0, item) for who in range(1, 30) for item in (0, 1)]
    found = made([(0, 0, 0), *others, (40, 0, 2)])
    assert items_of(found, 0) == [0, 1]
    assert found.baskets[found.customers == 0].tolist() == [1, 0]
    assert 2 not in items_of(found, 0)


def test_the_partner_is_the_item_whose_co_purchases_are_most_of_the_score() -> None:
    others = [(who, 0, item) for who in range(1, 30) for item in (0, 1)]
    found = made([(0, 0, 0), (0, 1, 2), *others])
    mine = found.customers == 0
    assert items_of(found, 0) == [2, 0, 1]
    assert found.partners[mine].tolist() == [-1, -1, 0]
    assert found.partner_baskets[mine].tolist() == [0, 0, 30]
    assert found.shared_baskets[mine].tolist() == [0, 0, 29]


def test_scores_decrease_by_rank_and_duplicate_entries_count_once() -> None:
    rows = [(who, day, (who * day) % 7) for who in range(9) for day in range(12)]
    found, twice = made(rows), made(rows * 2)
    np.testing.assert_array_equal(found.scores, twice.scores)
    for who in range(9):
        assert (np.diff(found.scores[found.customers == who]) <= 0).all()


def test_most_limits_the_items_per_customer() -> None:
    found = made([(0, day, day) for day in range(20)], most=3)
    assert items_of(found, 0) == [19, 18, 17]


def test_the_three_items_of_every_basket_are_the_top_three() -> None:
    dice = np.random.default_rng(0)
    rows, wanted = [], {}
    for who in range(60):
        regular = dice.choice(50, 3, replace=False)
        rows += [(who, day, int(item)) for day in range(6) for item in regular]
        rows += [(who, day, int(dice.integers(50))) for day in range(6)]
        wanted[who] = set(regular.tolist())
    found = made(rows, most=3)
    assert all(set(items_of(found, who)) == wanted[who] for who in wanted)
