"""Lists of the sales office: relationships between parties, and the reference numbers that companies need on invoices.

The files ``relationships.csv`` and ``billing-fields.csv`` are outside of ``incoming/`` and have no mapping: ``ckm
ingest relationships.csv --as relationships`` loads the first one.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.channels.channel_export import delimited
from ckm.example.channels.crm import suppliers
from ckm.example.random_stream import RandomStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm.example.simulation import Simulation

    Link = tuple[str, str, str, int, int | None]

FILES = ("billing-fields.csv", "relationships.csv")
ACCOUNTS, OWNERS, BUYERS, SUPPLIED, REFERRALS, BILLED = 60, 8, 40, 12, 90, 25
"""Numbers of companies with contact persons, of companies that own others, of companies that buy through a distributor,
of distributors with a supplier, of persons in a referral, and of companies with a reference number on invoices."""
LEFT, LACKED = 0.15, 0.1
"""Share of contact persons who no longer work at the company, and of invoices without the reference number."""
FIELDS = ("project number", "matter number", "purchase order")


def write_relationships(world: Simulation, folder: Path) -> None:
    """Write ``relationships.csv`` and ``billing-fields.csv`` to the folder of the shop."""
    header = ("Customer No.", "Relation", "Other party", "Since", "Until")
    rows = [
        (one, relation, other, _date(since), "" if until is None else _date(until))
        for one, relation, other, since, until in sorted(_links(world))
    ]
    (folder / "relationships.csv").write_bytes(delimited([header, *rows], ",").encode())
    fields = ("Customer No.", "Billing field", "Number", "Valid from", "Missing on invoice", "Noted on", "Corrected on")
    (folder / "billing-fields.csv").write_bytes(delimited([fields, *_billing(world)], ",").encode())


def _links(world: Simulation) -> Iterator[Link]:
    """Yield random relationships: customer id, relation, other customer id, first and last day number (or None)."""
    stream = RandomStream(world.seed, "relationships")
    by_type: dict[str, list[str]] = {}
    for each in world.customers:
        by_type.setdefault(each.party_type, []).append(each.customer_id)
    companies, distributors = stream.shuffled(by_type["company"]), stream.shuffled(by_type["distributor"])
    persons = stream.shuffled(by_type["person"])
    for company in companies[:ACCOUNTS]:
        for _ in range(min(stream.whole(1, 3), len(persons))):
            since = stream.whole(0, 500)
            until = since + stream.whole(60, 350) if stream.chance(LEFT) else None
            yield persons.pop(), "works at", company, since, until
    owned = iter(companies[OWNERS:])
    for owner in companies[:OWNERS]:
        for company in islice(owned, stream.whole(2, 4)):
            yield owner, "owns", company, stream.whole(0, 200), None
    largest, sources = distributors[:6], suppliers(world.seed)[:4]
    for company in companies[-BUYERS:] if largest else ():
        yield company, "buys through", stream.pick(largest), stream.whole(0, 300), None
    for distributor in distributors[6:9]:  # chains of two: a distributor buys through another distributor
        yield distributor, "buys through", largest[0], 100, None
    for distributor in distributors[:SUPPLIED]:
        yield distributor, "supplied by", stream.pick(sources), stream.whole(0, 200), None
    known = persons[:REFERRALS]
    for number in range(1, len(known)):
        # The referrer is in the first half of the earlier persons, so that some persons refer many others.
        yield known[number], "referred by", known[stream.whole(0, (number - 1) // 2)], stream.whole(200, 700), None


def _billing(world: Simulation) -> Iterator[tuple[str, ...]]:
    """Yield rows of ``billing-fields.csv``: the field that a company needs, and invoices on which it was missing."""
    stream = RandomStream(world.seed, "billing")
    companies = sorted(each.customer_id for each in world.customers if each.party_type == "company")
    chosen = sorted(stream.shuffled(companies)[:BILLED])
    invoices: dict[str, list[tuple[int, str]]] = {each: [] for each in chosen}
    for order in world.orders:
        if order.has_invoice and order.channel == "web" and order.customer_id in invoices:
            invoices[order.customer_id].append((order.day, f"RE{order.number[1:]}"))
    for customer in chosen:
        field = stream.pick(FIELDS)
        number = f"P-{stream.whole(100, 999)}" if field == FIELDS[0] else ""
        yield customer, field, number, _date(0), "", "", ""
        for day, invoice in dict.fromkeys(invoices[customer]):
            if stream.chance(LACKED):
                noted = min(day + stream.whole(3, 20), days.LAST)
                corrected = _date(min(noted + 5, days.LAST)) if stream.chance(0.5) else ""
                yield customer, field, "", "", invoice, _date(noted), corrected


def _date(day: int) -> str:
    """Return a day number as ISO 8601 date."""
    return days.as_date(day).isoformat()
