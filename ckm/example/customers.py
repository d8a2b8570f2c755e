"""Simulated customers: attributes, and the group that determines their behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ckm.example import days
from ckm.example.random_stream import RandomStream
from ckm.example.words import words

FIRST_ID = 10_017
KNOWN_FROM_THE_START = 0.30
"""Share of repeat customers who already bought before the first day of the data."""
PARTY_TYPES = {"company": 65, "distributor": 25, "partner": 10}


@dataclass(frozen=True)
class Customer:
    """A simulated customer.

    Attributes
    ----------
    customer_id
        Seven digits with leading zeros.
    group
        Group of customers with equal behaviour (``business``, ``once``, …); not exported.
    party_type
        ``person``, ``company``, ``distributor``, ``partner`` or ``supplier``.
    name, lang, country, region, phone, email, birth_year, industry, account_owner
        Attributes in the CRM; None if unknown or not applicable.
    parent_id
        Customer id of the distributor to which a business belongs; None without one.
    created, joined
        Day numbers of the creation in the CRM, and of the first possible order.
    home
        Channel in which the customer usually buys: ``web``, ``till`` or ``branch``.
    favourite
        Product category of most of the customer's purchases.
    gap, regularity
        Mean purchase interval in days of shopping time, and shape of its Weibull distribution.
    returning
        Whether the customer may buy more than once.
    """

    customer_id: str
    group: str
    party_type: str
    name: str
    lang: str
    country: str
    region: str
    phone: str | None
    email: str | None
    birth_year: int | None
    industry: str | None
    account_owner: str | None
    parent_id: str | None
    created: int
    joined: int
    home: str
    favourite: str
    gap: float
    regularity: float
    returning: bool = True

    @property
    def traits(self) -> dict[str, Any]:
        """Parameters of behaviour of the customer's group, by name: its item in ``ckm/data/example/groups.yaml``."""
        traits: dict[str, Any] = words("groups")[self.group]
        return traits


def make_customers(seed: int, count: int) -> list[Customer]:
    """Return ``count`` random customers, sorted by customer id."""
    stream = RandomStream(seed, "who")
    shares = {group: traits["share"] for group, traits in words("groups").items()}
    ids = stream.shuffled(f"{FIRST_ID + 13 * i:07d}" for i in range(count))
    customers: list[Customer] = []
    parents: list[str] = []
    for customer_id in ids:
        group = stream.weighted(shares)
        parent = stream.pick(parents) if group == "business" and len(parents) > 5 and stream.chance(0.12) else None
        customer = make_customer(customer_id, group, RandomStream(seed, "person", customer_id), parent)
        if customer.party_type == "distributor":
            parents.append(customer_id)
        customers.append(customer)
    return sorted(customers, key=lambda each: each.customer_id)


def make_customer(customer_id: str, group: str, stream: RandomStream, parent_id: str | None = None) -> Customer:
    """Return a random customer of a group; ``parent_id`` is the distributor to which a business belongs."""
    traits = words("groups")[group]
    lang = stream.weighted({each: place["share"] for each, place in words("places").items()})
    place, is_business = words("places")[lang], group == "business"
    home = _home(stream, place["home"], is_business)
    country = stream.pick(list(place["countries"]))
    if home == "till":  # customers of the Berlin shop live nearby
        country, region = "DE", "Berlin"
    else:
        region = stream.pick(place["countries"][country])
    known = group != "once" and stream.chance(KNOWN_FROM_THE_START)
    joined = 0 if known else stream.whole(1, days.LAST - 45)
    return Customer(
        customer_id=customer_id,
        group=group,
        party_type=stream.weighted(PARTY_TYPES) if is_business else "person",
        name=_name(stream, words("names")[lang], is_business),
        lang=lang,
        country=country,
        region=region,
        phone=_phone(stream, words("phones")[country]) if stream.chance(0.6) else None,
        email=f"{'office' if is_business else 'mail'}{int(customer_id)}@example.org" if stream.chance(0.8) else None,
        birth_year=None if is_business or stream.chance(0.35) else stream.whole(1942, 2006),
        industry=stream.pick(words("names")["industries"]) if is_business else None,
        account_owner=stream.pick(words("names")["owners"]) if is_business else None,
        parent_id=parent_id,
        created=joined - (stream.whole(5, 900) if joined == 0 else stream.whole(0, 3)),
        joined=joined,
        home=home,
        favourite=stream.weighted(traits["favourites"]),
        gap=stream.around(traits["gap"], traits["spread"]),
        regularity=traits["regularity"],
        returning=group != "once",
    )


def _home(stream: RandomStream, weights: dict[str, float], is_business: bool) -> str:
    """Return the channel in which a customer usually buys, with weights by channel."""
    if is_business:  # companies need invoices, which the till does not issue
        return "branch" if weights.get("branch", 0) > sum(weights.values()) / 2 else "web"
    return stream.weighted(weights)


def _phone(stream: RandomStream, pattern: str) -> str:
    """Return a telephone number: the pattern with a random digit for each ``#``."""
    return "".join(str(stream.whole(0, 9)) if sign == "#" else sign for sign in pattern)


def _name(stream: RandomStream, names: dict[str, Any], is_business: bool) -> str:
    pattern: str = stream.pick(names["company"]) if is_business else names["person"]
    return pattern.format(given=stream.pick(names["given"]), family=stream.pick(names["family"]))
