"""The whole simulation before export: customers, orders, contacts, survey responses and a campaign."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from ckm.example import days, seasons
from ckm.example.campaign import Assignment, run_campaign
from ckm.example.customers import Customer, make_customers
from ckm.example.orders import Order, anonymous, minute
from ckm.example.purchase_history import Life, live
from ckm.example.random_stream import RandomStream
from ckm.example.service import Contact
from ckm.example.survey_responses import Answer, ask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.example.churn_odds import Exposure

CUSTOMERS = 3000
UNNAMED = {"till": 0.25, "branch": 0.08}
"""Share of a channel's sales without a customer card."""
CALLS = {"product": ("question", 320), "order": ("question", 160), "praise": ("praise", 90), "idea": ("idea", 60)}
"""Contacts without consequences: number by topic."""
VISITS = 110
NUMBER = {"web": "W{year}-{n:06d}", "till": "T{n:07d}", "branch": "B{n:06d}"}


@dataclass(frozen=True)
class Simulation:
    """All events. Orders, contacts and responses are in order of time and have numbers."""

    seed: int
    customers: tuple[Customer, ...]
    lives: tuple[Life, ...]
    orders: tuple[Order, ...]
    contacts: tuple[Contact, ...]
    answers: tuple[Answer, ...]
    assignments: tuple[Assignment, ...]
    exposure: Exposure


def simulate(seed: int) -> Simulation:
    """Return the simulation of a seed."""
    exposure: Exposure = Counter()
    everyone = [live(customer, seed, exposure) for customer in make_customers(seed, CUSTOMERS)]
    lives = [life for life in everyone if life.orders]
    answers = [answer for life in lives for answer in ask(life, seed)]
    assignments, brought = run_campaign(lives, seed)
    orders = [order for life in lives for order in life.orders] + brought
    for channel, share in UNNAMED.items():
        orders += _unnamed(orders, channel, share, seed)
    contacts = [each for life in lives for each in life.contacts if each.day <= days.LAST] + _small_talk(lives, seed)
    return Simulation(
        seed=seed,
        customers=tuple(life.customer for life in everyone),
        lives=tuple(lives),
        orders=tuple(_number_orders(orders)),
        contacts=tuple(
            each._replace(number=f"C{i:05d}") for i, each in enumerate(sorted(contacts, key=_when), start=1)
        ),
        answers=tuple(replace(each, number=f"S{i:05d}") for i, each in enumerate(sorted(answers, key=_when), start=1)),
        assignments=tuple(assignments),
        exposure=exposure,
    )


def _when(event: Order | Contact | Answer) -> tuple[int, int, str]:
    return event.day, event.minute, event.customer_id or ""


def _number_orders(orders: Iterable[Order]) -> list[Order]:
    counters = {channel: count(1) for channel in NUMBER}
    return [
        order._replace(
            number=NUMBER[order.channel].format(year=days.as_date(order.day).year, n=next(counters[order.channel]))
        )
        for order in sorted(orders, key=_when)
    ]


def _unnamed(orders: list[Order], channel: str, share: float, seed: int) -> list[Order]:
    """Return sales without a customer that make up ``share`` of the channel's sales, on its own days."""
    dice = RandomStream(seed, "unnamed", channel)
    named = [order.day for order in orders if order.channel == channel and order.kind == "sale"]
    wanted = round(len(named) * share / (1 - share))
    # Each guest sale is on the day of some customer's purchase, so that guests and customers have the same busy days.
    return [anonymous(channel, seasons.open_day(channel, dice.pick(named)), dice) for _ in range(wanted)]


def _small_talk(lives: list[Life], seed: int) -> list[Contact]:
    """Return questions, praise, ideas and visits, which have no consequences."""
    dice = RandomStream(seed, "talk")
    products = [order.lines[0].product.name for life in lives for order in life.orders[:1]]
    talk = []
    for topic, (kind, wanted) in CALLS.items():
        for _ in range(wanted):
            life = dice.pick(lives)
            day = min(days.LAST, life.orders[0].day + dice.whole(0, 120))
            resolved = day if kind == "question" else None
            talk.append(_contact(life, day, kind, topic, dice.pick(products), dice, resolved))
    companies = [life for life in lives if life.customer.group == "business"]
    for _ in range(VISITS):
        life = dice.pick(companies)
        order = dice.pick(life.orders)
        talk.append(_contact(life, order.day, "visit_note", "visit", order.lines[0].product.name, dice, None))
    return talk


def _contact(
    life: Life, day: int, kind: str, topic: str, product: str, dice: RandomStream, resolved: int | None
) -> Contact:
    at = minute("web", dice, office=True)
    return Contact(day, at, life.customer.customer_id, kind, topic, product, resolved=resolved)
