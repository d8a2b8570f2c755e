"""Small shops for the tests of churn warnings, and the rows of the example shop's generator."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl
from hypothesis import strategies as st

from ckm._churn.customer_snapshot import CustomerSnapshot
from ckm.customers.calendar import day_number
from ckm.customers.history import History, read_history
from ckm.example import days
from ckm.example.simulation import Simulation, simulate

START = datetime(2024, 3, 1, tzinfo=UTC)
FIRST = day_number(START.date())
TRANSACTIONS = {
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "type": pl.String,
    "category": pl.String,
    "channel": pl.String,
    "cost": pl.Float64,
    "discount": pl.Float64,
    "promised_on": pl.Date,
    "delivered_on": pl.Date,
    "currency": pl.String,
}
INTERACTIONS = {
    "customer_id": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "kind": pl.String,
    "topic": pl.String,
    "rating": pl.Float64,
    "scale": pl.String,
    "resolved_at": pl.Datetime("us", "UTC"),
}
Row = tuple[Any, ...]

WHO = ["ann", "bob", "cho", "ชาย", "王", None]
SPAN = 900
"""Days from the first to the last possible row of the random shops."""
hours = st.integers(0, SPAN * 24)
cents = st.integers(-3_000, 9_000).map(lambda whole: whole / 100)


def _moment(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def _order(parts: tuple[Any, ...]) -> Row:
    who, hour, net, kind, category, channel, cost, discount, promise, delay = parts
    day = _moment(hour).date()
    promised = None if promise is None else day + timedelta(days=promise)
    delivered = None if delay is None else (promised or day) + timedelta(days=delay)
    return who, _moment(hour), net, kind, category, channel, cost, discount, promised, delivered, "EUR"


def _contact(parts: tuple[Any, ...]) -> Row:
    who, hour, kind, topic, rating, scale, solved = parts
    return who, _moment(hour), kind, topic, rating, scale, None if solved is None else _moment(hour + solved)


orders = st.lists(
    st.tuples(
        st.sampled_from(WHO),
        hours,
        cents,
        st.sampled_from(["sale", "sale", "sale", "return", "cancel", "subscription"]),
        st.sampled_from(["tea", "ชา", None]),
        st.sampled_from(["web", "till", None]),
        st.none() | cents,
        st.none() | st.integers(0, 500).map(lambda whole: whole / 100),
        st.none() | st.integers(0, 6),
        st.none() | st.integers(-3, 60),
    ).map(_order),
    min_size=1,
    max_size=40,
)
contacts = st.lists(
    st.tuples(
        st.sampled_from(WHO),
        hours,
        st.sampled_from(["complaint", "complaint", "event", "survey", "question"]),
        st.sampled_from(["invoice", "Invoice", "quality", None]),
        st.none() | st.integers(1, 5).map(float),
        st.sampled_from(["nps_0_10", "csat_1_5", None]),
        st.none() | st.integers(-20, 100 * 24),
    ).map(_contact),
    max_size=25,
)


def tables(transactions: list[Row], interactions: list[Row] | None = None) -> dict[str, pl.LazyFrame]:
    found = {"transactions": pl.LazyFrame(transactions, schema=TRANSACTIONS, orient="row")}
    if interactions is not None:
        found["interactions"] = pl.LazyFrame(interactions, schema=INTERACTIONS, orient="row")
    return found


def order(
    who: str | None,
    day: float,
    net: float = 10.0,
    kind: str = "sale",
    *,
    category: str | None = None,
    promised: int | None = None,
    delivered: int | None = None,
    currency: str = "EUR",
) -> Row:
    """Return an order at noon of a day, counted from :data:`START`."""
    dates = [None if each is None else START.date() + timedelta(days=each) for each in (promised, delivered)]
    at = START + timedelta(days=day, hours=12)
    return who, at, net, kind, category, None, None, None, *dates, currency


def retail(customers: int, span: int, gap: float, *, repeat: float = 0.6) -> list[Row]:
    """Return orders of customers who start on random days and buy again after ``gap`` days on average, or never."""
    chance = random.Random(1)
    rows = []
    for number in range(customers):
        day = chance.uniform(0, span)
        while day < span:
            rows.append(order(f"c{number}", int(day)))
            if chance.random() > repeat:
                break
            day += chance.expovariate(1 / gap) + 1
    return rows


def contact(
    who: str,
    day: float,
    kind: str,
    topic: str | None = None,
    rating: float | None = None,
    scale: str | None = None,
    resolved: float | None = None,
) -> Row:
    ends = None if resolved is None else START + timedelta(days=resolved, hours=12)
    return who, START + timedelta(days=day, hours=12), kind, topic, rating, scale, ends


def as_known(rows: list[Row], day: date) -> list[Row]:
    """Return the orders as known at the end of a day: without later ones, and without later deliveries."""
    return [
        (*row[:9], row[9] if row[9] is not None and row[9] <= day else None, row[10])
        for row in rows
        if row[1].date() <= day
    ]


def contacts_as_known(rows: list[Row], day: date) -> list[Row]:
    """Return the contacts as known at the end of a day: without later ones, and without later resolutions."""
    return [
        (*row[:6], row[6] if row[6] is not None and row[6].date() <= day else None)
        for row in rows
        if row[1].date() <= day
    ]


def bought(rows: list[Row]) -> bool:
    return any(each[0] and each[2] >= 0 and each[3] in {"sale", "subscription"} for each in rows)


def ids(history: History, found: CustomerSnapshot) -> list[str]:
    return history.customers.gather(found.customers).to_list()


def features_of(history: History, found: CustomerSnapshot, who: str) -> dict[str, float]:
    at = ids(history, found).index(who)
    return {name: float(values[at]) for name, values in found.features.items()}


@cache
def example_world() -> Simulation:
    return simulate(7)


@cache
def example_tables() -> dict[str, pl.LazyFrame]:
    """Return the tables of the example shop as generated, without the errors of its exports."""
    world = example_world()

    def day(number: int | None) -> date | None:
        return None if number is None else days.as_date(number)

    transactions = [
        (
            each.customer_id,
            days.in_utc(each.day, each.minute, days.BERLIN),
            line.net / 100,
            each.kind,
            line.product.category,
            each.channel,
            None if line.cost is None else line.cost * line.quantity / 100,
            line.discount / 100,
            day(each.promised),
            day(each.delivered) if each.delivered is None or each.delivered <= days.LAST else None,
            "EUR",
        )
        for each in world.orders
        for line in each.lines
    ]
    said = [
        (
            each.customer_id,
            days.in_utc(each.day, each.minute, days.BERLIN),
            each.kind,
            each.topic,
            None,
            None,
            None if each.resolved is None else days.in_utc(each.resolved, 720, days.BERLIN),
        )
        for each in world.contacts
    ]
    scales = {"nps": "nps_0_10", "csat": "csat_1_5"}
    answers = [
        (each.customer_id, days.in_utc(each.day, each.minute, days.BERLIN), "survey", None, float(each.rating),
         scales[each.question], None)
        for each in world.responses
    ]  # fmt: skip
    return tables(transactions, said + answers)


@cache
def example_history() -> History:
    """Return the history of the example shop as of its last day."""
    return read_history(example_tables(), as_of=days.LAST_DATE, time_zone="Europe/Berlin")
