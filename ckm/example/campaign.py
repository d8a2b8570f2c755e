"""Simulated campaign: a letter to random customers, with a random holdout and a known effect on orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.orders import Order, fill
from ckm.example.random_stream import RandomStream
from ckm.example.service import deliver_in_time
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.purchase_history import CustomerHistory


@dataclass(frozen=True)
class Assignment:
    """Assignment of a customer in the campaign, with both potential outcomes.

    Attributes
    ----------
    customer_id
        The customer.
    arm
        ``treated`` or ``holdout``.
    orders_without, orders_with
        Whether the customer orders within the window without the letter, and with it.
    """

    customer_id: str
    arm: str
    orders_without: bool
    orders_with: bool


def run_campaign(histories: list[CustomerHistory], seed: int) -> tuple[list[Assignment], list[Order]]:
    """Simulate the campaign.

    Parameters
    ----------
    histories
        Histories of all customers with an order.
    seed
        Random seed of the shop.

    Returns
    -------
    tuple
        Assignments of the chosen customers, sorted by customer id; and the orders of treated customers that the letter
        causes.
    """
    plan, stream = words("campaign"), RandomStream(seed, "campaign")
    start = days.number(plan["assigned_at"])
    chosen = stream.shuffled(history for history in histories if _eligible(history, start))[: plan["customers"]]
    assignments, orders = [], []
    for history in sorted(chosen, key=lambda each: each.customer.customer_id):
        own = RandomStream(seed, "letter", history.customer.customer_id)
        arm = "holdout" if own.chance(plan["holdout"]) else "treated"
        without = any(start < order.day <= start + plan["window_days"] for order in history.purchases)
        caused = _caused_order(history, start, own)
        assignments.append(Assignment(history.customer.customer_id, arm, without, without or caused is not None))
        if caused is not None and arm == "treated":
            orders.append(caused)
    return assignments, orders


def _eligible(history: CustomerHistory, start: int) -> bool:
    """Return whether a customer bought at least twice, and recently, before the first day of the campaign."""
    before = [order.day for order in history.purchases if order.day < start]
    return len(before) > 1 and before[-1] >= start - int(words("campaign")["active_within_days"])


def _caused_order(history: CustomerHistory, start: int, stream: RandomStream) -> Order | None:
    """Return the additional order of a customer who gets the letter; None if the letter has no effect.

    ``start`` is the day number of the assignment. In the holdout it is the order that the letter would have caused.
    """
    plan = words("campaign")
    day = start + stream.whole(2, plan["window_days"] - 4)
    if not stream.chance(plan["extra_order"]) or not history.is_active(day):
        return None
    order = deliver_in_time(fill(history.customer, day, stream, at_least_off=plan["discount"]))
    return order._replace(campaign_id=plan["campaign_id"])
