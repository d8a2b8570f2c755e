from __future__ import annotations

from collections import Counter
from math import sqrt
from typing import TYPE_CHECKING

import pytest

from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example import Shop
    from ckm.example.simulation import Simulation

pytestmark = pytest.mark.slow  # the fixture generates the shop, in three seconds


def test_the_confidence_interval_of_the_difference_between_arms_contains_the_true_effect(
    world: Simulation, shop: Shop
) -> None:
    """The interval is computed from the exported orders, the true effect from the potential outcomes."""
    treated = [each.orders_with for each in world.assignments if each.arm == "treated"]
    holdout = [each.orders_without for each in world.assignments if each.arm == "holdout"]
    rates = [sum(arm) / len(arm) for arm in (treated, holdout)]
    error = sqrt(sum(rate * (1 - rate) / len(arm) for rate, arm in zip(rates, (treated, holdout), strict=True)))
    truth = shop.truth["campaign"]["effect"]
    assert truth > 0.05
    assert abs(rates[0] - rates[1] - truth) < 1.96 * error


def test_the_holdout_is_random(world: Simulation) -> None:
    arms = Counter(each.arm for each in world.assignments)
    assert abs(arms["holdout"] / arms.total() - words("campaign")["holdout"]) < 0.05
    before = {arm: [each.orders_without for each in world.assignments if each.arm == arm] for arm in arms}
    rates = {arm: sum(flags) / len(flags) for arm, flags in before.items()}
    assert abs(rates["treated"] - rates["holdout"]) < 0.08


def test_only_treated_customers_have_orders_with_the_campaign_id(world: Simulation) -> None:
    caused = {order.customer_id for order in world.orders if order.campaign_id}
    treated = {each.customer_id for each in world.assignments if each.arm == "treated"}
    assert caused
    assert caused <= treated


def test_the_exported_list_has_the_assignments_of_the_simulation(world: Simulation, shop: Shop) -> None:
    header, *lines = (shop.folder / "campaign.csv").read_text(encoding="utf-8").splitlines()
    assert header == "campaign_id,customer_id,arm,assigned_at"
    assert lines == [f"C25-MAI,{each.customer_id},{each.arm},2025-05-05" for each in world.assignments]
