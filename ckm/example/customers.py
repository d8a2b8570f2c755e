"""Simulated customers, and their latent groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ckm.example import days
from ckm.example.random_stream import RandomStream
from ckm.example.words import words

FIRST_ID = 10_017
KNOWN_FROM_THE_START = 0.30
"""Share of repeat customers with purchases before the begin of the data."""
PARTY_TYPES = {"company": 65, "distributor": 25, "partner": 10}


@dataclass(frozen=True)
class Customer:
    """A customer; ``joined`` is the first possible day of an order."""

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
        """The traits of the customer's group."""
        traits: dict[str, Any] = words("groups")[self.group]
        return traits


def make_customers(seed: int, count: int) -> list[Customer]:
    """Return ``count`` customers; ids are text with seven digits and leading zeros."""
    dice = RandomStream(seed, "who")
    shares = {group: traits["share"] for group, traits in words("groups").items()}
    ids = dice.shuffled(f"{FIRST_ID + 13 * i:07d}" for i in range(count))
    customers: list[Customer] = []
    parents: list[str] = []
    for customer_id in ids:
        group = dice.weighted(shares)
        parent = dice.pick(parents) if group == "business" and len(parents) > 5 and dice.chance(0.12) else None
        customer = make_customer(customer_id, group, RandomStream(seed, "person", customer_id), parent)
        if customer.party_type == "distributor":
            parents.append(customer_id)
        customers.append(customer)
    return sorted(customers, key=lambda each: each.customer_id)


def make_customer(customer_id: str, group: str, dice: RandomStream, parent_id: str | None = None) -> Customer:
    """Return one customer of a group."""
    traits = words("groups")[group]
    lang = dice.weighted({each: place["share"] for each, place in words("places").items()})
    place, is_business = words("places")[lang], group == "business"
    home = _home(dice, place["home"], is_business)
    country = dice.pick(list(place["countries"]))
    if home == "till":  # customers of the Berlin shop live nearby
        country, region = "DE", "Berlin"
    else:
        region = dice.pick(place["countries"][country])
    known = group != "once" and dice.chance(KNOWN_FROM_THE_START)
    joined = 0 if known else dice.whole(1, days.LAST - 45)
    return Customer(
        customer_id=customer_id,
        group=group,
        party_type=dice.weighted(PARTY_TYPES) if is_business else "person",
        name=_name(dice, words("names")[lang], is_business),
        lang=lang,
        country=country,
        region=region,
        phone=_phone(dice, words("phones")[country]) if dice.chance(0.6) else None,
        email=f"{'office' if is_business else 'mail'}{int(customer_id)}@example.org" if dice.chance(0.8) else None,
        birth_year=None if is_business or dice.chance(0.35) else dice.whole(1942, 2006),
        industry=dice.pick(words("names")["industries"]) if is_business else None,
        account_owner=dice.pick(words("names")["owners"]) if is_business else None,
        parent_id=parent_id,
        created=joined - (dice.whole(5, 900) if joined == 0 else dice.whole(0, 3)),
        joined=joined,
        home=home,
        favourite=dice.weighted(traits["favourites"]),
        gap=dice.around(traits["gap"], traits["spread"]),
        regularity=traits["regularity"],
        returning=group != "once",
    )


def _home(dice: RandomStream, weights: dict[str, float], is_business: bool) -> str:
    if is_business:  # companies order where they get an invoice
        return "branch" if weights.get("branch", 0) > sum(weights.values()) / 2 else "web"
    return dice.weighted(weights)


def _phone(dice: RandomStream, pattern: str) -> str:
    return "".join(str(dice.whole(0, 9)) if sign == "#" else sign for sign in pattern)


def _name(dice: RandomStream, names: dict[str, Any], is_business: bool) -> str:
    pattern: str = dice.pick(names["company"]) if is_business else names["person"]
    return pattern.format(given=dice.pick(names["given"]), family=dice.pick(names["family"]))
