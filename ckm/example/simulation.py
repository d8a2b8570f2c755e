"""Simulation of the whole shop, before export: customers, orders, contacts, survey responses and a campaign."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from ckm.example import days, seasons
from ckm.example.campaign import Assignment, run_campaign
from ckm.example.customers import Customer, make_customers
from ckm.example.orders import Order, anonymous, minute
from ckm.example.purchase_history import CustomerHistory, simulate_customer
from ckm.example.random_stream import RandomStream
from ckm.example.service import Contact
from ckm.example.survey_responses import SurveyResponse, survey_responses_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.example.churn_odds import Exposure

CUSTOMERS = 3000
UNNAMED = {"till": 0.25, "branch": 0.08}
"""Share of guest sales (without a customer id) among all sales of a channel."""
CALLS = {"product": ("question", 320), "order": ("question", 160), "praise": ("praise", 90), "idea": ("idea", 60)}
"""Kind and number of contacts that have no effect on churn, by topic."""
VISITS = 110
NUMBER_FORMATS = {"web": "W{year}-{n:06d}", "till": "T{n:07d}", "branch": "B{n:06d}"}


@dataclass(frozen=True)
class Simulation:
    """A simulated shop: all customers and events.

    Attributes
    ----------
    seed
        Random seed.
    customers
        All customers, also those without an order.
    histories
        Histories of the customers with an order.
    orders, contacts, responses
        Events of all customers, sorted and numbered by time; orders include guest sales.
    assignments
        Customers of the campaign with their arms.
    exposure
        Number of customer-weeks by group, troubles and churn.
    """

    seed: int
    customers: tuple[Customer, ...]
    histories: tuple[CustomerHistory, ...]
    orders: tuple[Order, ...]
    contacts: tuple[Contact, ...]
    responses: tuple[SurveyResponse, ...]
    assignments: tuple[Assignment, ...]
    exposure: Exposure


def simulate(seed: int) -> Simulation:
    """Simulate the shop; the same seed gives the same result on every computer."""
    exposure: Exposure = Counter()
    all_histories = [simulate_customer(customer, seed, exposure) for customer in make_customers(seed, CUSTOMERS)]
    histories = [history for history in all_histories if history.orders]
    responses = [response for history in histories for response in survey_responses_of(history, seed)]
    assignments, caused = run_campaign(histories, seed)
    orders = [order for history in histories for order in history.orders] + caused
    for channel, share in UNNAMED.items():
        orders += _unnamed(orders, channel, share, seed)
    contacts = [
        each for history in histories for each in history.contacts if each.day <= days.LAST
    ] + _unrelated_contacts(histories, seed)
    return Simulation(
        seed=seed,
        customers=tuple(history.customer for history in all_histories),
        histories=tuple(histories),
        orders=tuple(_number_orders(orders)),
        contacts=tuple(
            each._replace(number=f"C{i:05d}") for i, each in enumerate(sorted(contacts, key=_when), start=1)
        ),
        responses=tuple(
            replace(each, number=f"S{i:05d}") for i, each in enumerate(sorted(responses, key=_when), start=1)
        ),
        assignments=tuple(assignments),
        exposure=exposure,
    )


def _when(event: Order | Contact | SurveyResponse) -> tuple[int, int, str]:
    """Return the sort key of an event: day, minute, customer id."""
    return event.day, event.minute, event.customer_id or ""


def _number_orders(orders: Iterable[Order]) -> list[Order]:
    """Return the orders sorted by time, with order numbers that are consecutive in each channel."""
    counters = {channel: count(1) for channel in NUMBER_FORMATS}
    return [
        order._replace(
            number=NUMBER_FORMATS[order.channel].format(
                year=days.as_date(order.day).year, n=next(counters[order.channel])
            )
        )
        for order in sorted(orders, key=_when)
    ]


def _unnamed(orders: list[Order], channel: str, share: float, seed: int) -> list[Order]:
    """Return random guest sales of a channel, so many that they are ``share`` of all its sales."""
    stream = RandomStream(seed, "unnamed", channel)
    named = [order.day for order in orders if order.channel == channel and order.kind == "sale"]
    wanted = round(len(named) * share / (1 - share))
    # Each guest sale is on the day of a random customer's purchase, so that guests and customers have the same seasons.
    return [anonymous(channel, seasons.open_day(channel, stream.pick(named)), stream) for _ in range(wanted)]


def _unrelated_contacts(histories: list[CustomerHistory], seed: int) -> list[Contact]:
    """Return random questions, praise, ideas and visit notes, which have no effect on churn."""
    stream = RandomStream(seed, "talk")
    products = [order.lines[0].product.name for history in histories for order in history.orders[:1]]
    talk = []
    for topic, (kind, wanted) in CALLS.items():
        for _ in range(wanted):
            history = stream.pick(histories)
            day = min(days.LAST, history.orders[0].day + stream.whole(0, 120))
            resolved = day if kind == "question" else None
            talk.append(_contact(history, day, kind, topic, stream.pick(products), stream, resolved))
    companies = [history for history in histories if history.customer.group == "business"]
    for _ in range(VISITS):
        history = stream.pick(companies)
        order = stream.pick(history.orders)
        talk.append(_contact(history, order.day, "visit_note", "visit", order.lines[0].product.name, stream, None))
    return talk


def _contact(
    history: CustomerHistory, day: int, kind: str, topic: str, product: str, stream: RandomStream, resolved: int | None
) -> Contact:
    """Return a contact of a customer at a random minute of the office hours."""
    at = minute("web", stream, office=True)
    return Contact(day, at, history.customer.customer_id, kind, topic, product, resolved=resolved)
