"""Events after an order: delivery, complaint and rejected invoice, with the troubles that they cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ckm.example import days
from ckm.example.churn_odds import Trouble, trouble
from ckm.example.orders import Order, minute
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.random_stream import RandomStream

PATIENCE = 7
"""Number of days after which an unresolved complaint becomes a trouble."""
ANSWER_PROMISED = 3
"""Number of days within which the call centre promises an answer to a complaint."""


class Contact(NamedTuple):
    """A customer's contact with the call centre.

    ``day``, ``resolved`` and ``promised_by`` are day numbers: of the contact, of its resolution (None if it is open)
    and of the promised answer (None without a promise). ``minute`` is the minute of the local day, ``number`` the
    ticket number.
    """

    day: int
    minute: int
    customer_id: str
    kind: str
    topic: str
    product: str
    resolved: int | None = None
    promised_by: int | None = None
    number: str = ""


class OrderEvents(NamedTuple):
    """An order with its delivery, and the contacts and troubles that follow from it."""

    order: Order
    contacts: tuple[Contact, ...]
    troubles: tuple[Trouble, ...]


def events_after(order: Order, stream: RandomStream) -> OrderEvents:
    """Simulate the events after an order of an identified customer: delivery, complaint, rejected invoice."""
    rates = words("troubles")["rates"]
    contacts: list[Contact] = []
    troubles: list[Trouble] = []
    late = False
    if order.channel == "web":
        order, late = _deliver(order, rates, stream)
        if late and order.promised is not None:
            troubles.append(trouble("late_delivery", order.promised + 1))
    if stream.chance(rates["complaint_when_late" if late else "complaint"]):
        contact, weighs = _complain(order, rates, stream, late=late)
        contacts.append(contact)
        troubles += weighs
    if order.has_invoice and stream.chance(rates["rejected_invoice"]):
        day = order.day + stream.whole(3, 10)
        contacts.append(_contact(order, day, "event", "invoice", stream))
        troubles.append(trouble("rejected_invoice", day))
    return OrderEvents(order, tuple(contacts), tuple(troubles))


def deliver_in_time(order: Order) -> Order:
    """Return a web order with a delivery one day before the promised day; orders of other channels unchanged."""
    return order._replace(promised=order.day + 4, delivered=order.day + 3) if order.channel == "web" else order


def _deliver(order: Order, rates: dict[str, Any], stream: RandomStream) -> tuple[Order, bool]:
    """Return a web order with promised and actual day of delivery, and whether it was late."""
    strike_from, strike_to = map(days.number, rates["strike"])
    share = rates["late_in_strike" if strike_from <= order.day <= strike_to else "late"]
    late = stream.chance(share)
    promised = order.day + stream.whole(3, 4)
    delivered = promised + (stream.whole(4, 14) if late else -stream.whole(0, 2))
    return order._replace(promised=promised, delivered=delivered), late


def _complain(
    order: Order, rates: dict[str, Any], stream: RandomStream, *, late: bool
) -> tuple[Contact, list[Trouble]]:
    """Return a complaint, and the trouble ``open_complaint`` unless the complaint is resolved within five days.

    ``late`` is whether the delivery was late, which makes it the topic of the complaint.
    """
    day = (order.promised or order.day) + stream.whole(1, 5)
    topic = "delivery" if late else stream.weighted({"quality": 8, "billing": 2})
    contact = _contact(order, day, "complaint", topic, stream)._replace(promised_by=day + ANSWER_PROMISED)
    if not stream.chance(rates["unresolved"]):
        return contact._replace(resolved=day + stream.whole(0, 5)), []
    resolved = day + stream.whole(45, 110) if stream.chance(0.5) else None
    return contact._replace(resolved=resolved), [trouble("open_complaint", day + PATIENCE, until=resolved)]


def _contact(order: Order, day: int, kind: str, topic: str, stream: RandomStream) -> Contact:
    """Return a contact of the customer of an order, about one of its products."""
    assert order.customer_id is not None
    name = stream.pick(order.lines).product.name
    return Contact(day, minute("web", stream, office=True), order.customer_id, kind, topic, name)
