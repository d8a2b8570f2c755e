"""Simulation of one customer: orders, contacts, troubles and churn, up to the last day of the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.example import days, seasons
from ckm.example.churn_odds import Churn, Exposure, Trouble, churn_between, trouble
from ckm.example.orders import Order, cancel, fill, return_one_line
from ckm.example.products import lost_categories
from ckm.example.random_stream import RandomStream
from ckm.example.service import Contact, events_after

if TYPE_CHECKING:
    from ckm.example.customers import Customer

LONGEST_FIRST_WAIT = 10
"""Maximum number of days until a new customer's first order."""
CANCELLED = 0.02
"""Share of web orders that are cancelled before shipping."""


@dataclass
class CustomerHistory:
    """History of a simulated customer.

    Attributes
    ----------
    customer
        The customer.
    orders
        Orders, returns and cancelled orders.
    contacts
        Contacts with the call centre.
    troubles
        Troubles that increase the odds of churn.
    churn
        The churn; None if the customer did not churn.
    """

    customer: Customer
    orders: list[Order] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    churn: Churn | None = None

    @property
    def purchases(self) -> list[Order]:
        """Orders of kind ``sale``: without returns and cancelled orders."""
        return [order for order in self.orders if order.kind == "sale"]

    def is_active(self, day: int) -> bool:
        """Return whether the customer has not churned up to and including a day."""
        return self.churn is None or day < self.churn.day


def simulate_customer(customer: Customer, seed: int, exposure: Exposure) -> CustomerHistory:
    """Simulate the history of a customer.

    Parameters
    ----------
    customer
        The customer.
    seed
        Random seed of the shop.
    exposure
        Counter to which the customer's weeks before churn are added.
    """
    stream = RandomStream(seed, "life", customer.customer_id)
    history = CustomerHistory(customer)
    calendar, gap = customer.traits["calendar"], customer.gap
    day = seasons.day_after(calendar, customer.lang, customer.joined, stream.unit() * _first_wait(customer))
    while day <= days.LAST:
        placed = _shop(history, day, stream)
        if placed > days.LAST:
            break
        if not customer.returning:
            history.churn = Churn(placed + 1, "one_purchase", 1.0)
            break
        gap *= customer.traits.get("stretch", 1.0)
        if gap > customer.traits.get("patience", float("inf")):
            history.churn = Churn(placed + 1, "faded", 1.0)
            break
        day = seasons.day_after(calendar, customer.lang, placed, stream.weibull(gap, customer.regularity))
        history.churn = churn_between(customer, history.troubles, placed, day, stream, exposure)
        if history.churn:
            break
    return history


def _first_wait(customer: Customer) -> float:
    """Return the maximum number of days from joining to the first order in the data.

    For a customer who already bought before the first day of the data, it is the mean purchase interval.
    """
    return customer.gap if customer.joined == 0 else LONGEST_FIRST_WAIT


def _shop(history: CustomerHistory, day: int, stream: RandomStream) -> int:
    """Simulate an order, add it with its contacts, troubles and return to the history, and return its day number.

    The day can be later than ``day``, if the channel is closed; after the last day of the data nothing is added.
    """
    customer = history.customer
    order = fill(customer, day, stream)
    if order.day > days.LAST:
        return order.day
    if order.channel == "web" and history.orders and stream.chance(CANCELLED):
        history.orders.append(cancel(order))
        return order.day
    _add_lost_category(history, order)
    after = events_after(order, stream)
    history.orders.append(after.order)
    history.contacts += after.contacts
    history.troubles += after.troubles
    if stream.chance(customer.traits["returned"]):
        back_on = seasons.open_day(order.channel, order.day + stream.whole(5, 20))
        if back_on <= days.LAST:
            history.orders.append(return_one_line(order, back_on, stream))
    return order.day


def _add_lost_category(history: CustomerHistory, order: Order) -> None:
    """Add the trouble ``lost_category`` if an order has the customer's favourite category and it is discontinued later.

    The trouble begins on the day after the last sale of the category, and is added once.
    """
    gone = lost_categories().get(history.customer.favourite)
    known = any(each.kind == "lost_category" for each in history.troubles)
    if (
        gone is not None
        and not known
        and any(line.product.category == history.customer.favourite for line in order.lines)
    ):
        history.troubles.append(trouble("lost_category", gone + 1))
