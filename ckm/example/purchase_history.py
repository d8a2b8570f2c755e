"""History of a simulated customer: orders at own purchase intervals, until churn or the end of the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ckm.example import days, seasons
from ckm.example.churn_odds import Exposure, Leaving, Trouble, leaves_between, trouble
from ckm.example.orders import Order, cancel, fill, give_back
from ckm.example.products import lost_categories
from ckm.example.random_stream import RandomStream
from ckm.example.service import Contact, follow

if TYPE_CHECKING:
    from ckm.example.customers import Customer

SOON = 10
"""Maximum days until a new customer's first order."""
CANCELLED = 0.02
"""Share of web orders that are cancelled before shipping."""


@dataclass
class Life:
    """Orders, contacts and churn of a customer; ``leaving`` is None without churn."""

    customer: Customer
    orders: list[Order] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    leaving: Leaving | None = None

    @property
    def purchases(self) -> list[Order]:
        """Sales only, without returns and cancelled orders."""
        return [order for order in self.orders if order.kind == "sale"]

    def is_there(self, day: int) -> bool:
        """Return whether the customer has not churned by a day."""
        return self.leaving is None or day < self.leaving.day


def live(customer: Customer, seed: int, exposure: Exposure) -> Life:
    """Return the history of a customer; the weeks lived through are added to ``exposure``."""
    dice = RandomStream(seed, "life", customer.customer_id)
    life = Life(customer)
    calendar, gap = customer.traits["calendar"], customer.gap
    day = seasons.day_after(calendar, customer.lang, customer.joined, dice.unit() * _first_wait(customer))
    while day <= days.LAST:
        placed = _shop(life, day, dice)
        if placed > days.LAST:
            break
        if not customer.returning:
            life.leaving = Leaving(placed + 1, "one_purchase", 1.0)
            break
        gap *= customer.traits.get("stretch", 1.0)
        if gap > customer.traits.get("patience", float("inf")):
            life.leaving = Leaving(placed + 1, "faded", 1.0)
            break
        day = seasons.day_after(calendar, customer.lang, placed, dice.weibull(gap, customer.regularity))
        life.leaving = leaves_between(customer, life.troubles, placed, day, dice, exposure)
        if life.leaving:
            break
    return life


def _first_wait(customer: Customer) -> float:
    """Return the maximum wait for the first order: earlier customers are somewhere within an interval."""
    return customer.gap if customer.joined == 0 else SOON


def _shop(life: Life, day: int, dice: RandomStream) -> int:
    """Add the order of a day and its consequences to the history; return the day of the order."""
    customer = life.customer
    order = fill(customer, day, dice)
    if order.day > days.LAST:
        return order.day
    if order.channel == "web" and life.orders and dice.chance(CANCELLED):
        life.orders.append(cancel(order))
        return order.day
    _miss_what_is_gone(life, order)
    after = follow(order, dice)
    life.orders.append(after.order)
    life.contacts += after.contacts
    life.troubles += after.troubles
    if dice.chance(customer.traits["returned"]):
        back_on = seasons.open_day(order.channel, order.day + dice.whole(5, 20))
        if back_on <= days.LAST:
            life.orders.append(give_back(order, back_on, dice))
    return order.day


def _miss_what_is_gone(life: Life, order: Order) -> None:
    """Add a trouble for a favourite category that is discontinued later, once the customer has bought it."""
    gone = lost_categories().get(life.customer.favourite)
    known = any(each.kind == "lost_category" for each in life.troubles)
    if gone is not None and not known and any(line.product.category == life.customer.favourite for line in order.lines):
        life.troubles.append(trouble("lost_category", gone + 1))
