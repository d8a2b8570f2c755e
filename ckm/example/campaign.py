"""A campaign with a random holdout and a known effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.orders import Order, fill
from ckm.example.random_stream import RandomStream
from ckm.example.service import deliver_in_time
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.purchase_history import Life


@dataclass(frozen=True)
class Assignment:
    """A customer's arm, and whether they order within the window without and with the letter."""

    customer_id: str
    arm: str
    orders_without: bool
    orders_with: bool


def run_campaign(lives: list[Life], seed: int) -> tuple[list[Assignment], list[Order]]:
    """Return the assignments to arms, and the orders caused by the letter."""
    plan, dice = words("campaign"), RandomStream(seed, "campaign")
    start = days.number(plan["assigned_at"])
    chosen = dice.shuffled(life for life in lives if _eligible(life, start))[: plan["customers"]]
    assignments, orders = [], []
    for life in sorted(chosen, key=lambda each: each.customer.customer_id):
        own = RandomStream(seed, "letter", life.customer.customer_id)
        arm = "holdout" if own.chance(plan["holdout"]) else "treated"
        without = any(start < order.day <= start + plan["window_days"] for order in life.purchases)
        brought = _order_brought(life, start, own)
        assignments.append(Assignment(life.customer.customer_id, arm, without, without or brought is not None))
        if brought is not None and arm == "treated":
            orders.append(brought)
    return assignments, orders


def _eligible(life: Life, start: int) -> bool:
    before = [order.day for order in life.purchases if order.day < start]
    return len(before) > 1 and before[-1] >= start - int(words("campaign")["active_within_days"])


def _order_brought(life: Life, start: int, dice: RandomStream) -> Order | None:
    """Return the order that the letter causes (or would cause, in the holdout)."""
    plan = words("campaign")
    day = start + dice.whole(2, plan["window_days"] - 4)
    if not dice.chance(plan["extra_order"]) or not life.is_there(day):
        return None
    order = deliver_in_time(fill(life.customer, day, dice, at_least_off=plan["discount"]))
    return order._replace(campaign_id=plan["campaign_id"])
