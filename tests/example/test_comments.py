"""Reviews of the example shop: known topics, one of them more frequent at the end, and mentions of a competitor."""

from __future__ import annotations

from collections import Counter

import pytest

from ckm.example import days
from ckm.example.comments import COUNT, GROWS_FROM, Review, make_reviews
from ckm.example.simulation import simulate
from ckm.example.words import words


@pytest.fixture(scope="module")
def reviews() -> list[Review]:
    return make_reviews(simulate(7))


@pytest.mark.slow
def test_one_topic_is_more_frequent_in_the_last_13_weeks(reviews: list[Review]) -> None:
    assert len(reviews) == COUNT
    counts = Counter((each.topic, each.day >= GROWS_FROM) for each in reviews if each.day >= GROWS_FROM - 7 * 13)
    growth = {topic: counts[topic, True] / max(counts[topic, False], 1) for topic in words("comments")["topics"]}
    assert max(growth, key=lambda topic: growth[topic]) == "zip"
    assert growth["zip"] > 3
    assert all(value < 2 for topic, value in growth.items() if topic != "zip")


@pytest.mark.slow
def test_all_languages_have_all_topics_and_the_competitor_is_misspelt(reviews: list[Review]) -> None:
    plan = words("comments")
    assert all(set(texts) == set(plan["topics"]) for texts in plan["texts"].values())
    assert {each.lang for each in reviews} == set(plan["texts"])
    rival = plan["rival"]
    named = [each for each in reviews if each.rival]
    misspelt = [each for each in named if any(wrong in each.text for wrong in rival["misspelt"])]
    assert all(rival["name"] in each.text or each in misspelt for each in named)
    assert 0.15 < len(misspelt) / len(named) < 0.6


@pytest.mark.slow
def test_reviews_are_written_after_a_purchase_and_some_are_signed(reviews: list[Review]) -> None:
    world = simulate(7)
    first = {history.customer.customer_id: history.orders[0].day for history in world.histories}
    names = {history.customer.customer_id: history.customer.name for history in world.histories}
    assert all(min(first[each.customer_id] + 2, days.LAST) <= each.day <= days.LAST for each in reviews)
    assert sum(names[each.customer_id] in each.text for each in reviews) > 20
