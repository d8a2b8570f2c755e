"""Identity of the customer: name, contact, other attributes, channels and linked ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ckm._link.records import ADDRESS, records_of_tables
from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.record import CUSTOMERS, INTERACTIONS
from ckm.dataset import TRANSACTIONS
from ckm.identities import FILE as IDENTITIES
from ckm.schema import TABLES, Exposure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._profile.record import CustomerRecord

ATTRIBUTES = {
    "display_name": "Name",
    "party_type": "Party type",
    "status": "Status",
    "email": "E-mail",
    "phone": "Telephone",
    "country": "Country",
    "region": "Region",
    "lang": "Language",
    "birth_year": "Year of birth",
    "industry": "Industry",
    "account_owner": "Account owner",
}
"""Columns of the table of customers that are shown, with their labels."""


def who(record: CustomerRecord) -> ProfileSection:
    """Return the section on the customer's identity: attributes, channels, linked ids, and date of creation."""
    schema, customers = TABLES[CUSTOMERS], record.rows(CUSTOMERS)
    source, day = record.source(CUSTOMERS), record.loaded_on(CUSTOMERS)
    values = customers.row(0, named=True) if customers.height else {}
    figures = [
        ProfileFigure("customer_id", "Customer id", record.customer_id, "request", record.as_of, Exposure.identity)
    ]
    not_known = []
    of_orders = _contacts_of_orders(record)
    for name, label in ATTRIBUTES.items():
        exposure = schema.exposure(name)
        if values.get(name) is not None:
            figures.append(ProfileFigure(name, label, values[name], source, day, exposure))
        elif of_orders.get(name) is not None:
            orders, as_of = record.source(TRANSACTIONS), record.as_of
            figures.append(ProfileFigure(name, label, of_orders[name], orders, as_of, exposure))
        elif name in ("display_name", "email", "phone"):
            not_known.append(NotKnown(label.lower(), "", exposure))
    figures += _since(record)
    for table in (TRANSACTIONS, INTERACTIONS):
        rows = record.rows(table)
        if "channel" in rows.columns and rows["channel"].drop_nulls().len():
            names = ", ".join(rows["channel"].drop_nulls().cast(pl.String).unique().sort())
            label = "Buys through" if table == TRANSACTIONS else "Contacts through"
            figures.append(
                ProfileFigure(f"channels_{table}", label, names, record.source(table), record.as_of, Exposure.group)
            )
    return ProfileSection("who", "Customer", tuple(figures), tuple(_linked(record)), tuple(not_known))


def _contacts_of_orders(record: CustomerRecord) -> dict[str, str]:
    """Return name, e-mail address and telephone number by field, from the orders or from the ids of the customer."""
    ids = {record.customer_id, *(each for link in record.links for each in (link.left, link.right))}
    addresses = sorted(each for each in ids if re.match(ADDRESS, each))
    orders = record.rows(TRANSACTIONS)
    if orders.is_empty():
        return dict.fromkeys(["email"], addresses[0]) if addresses else {}
    found = records_of_tables({TRANSACTIONS: orders.lazy()}).row(0, named=True)
    names = [found[name] for name in ("given_name", "surname") if found.get(name)]
    contacts = {
        "display_name": found.get("full_name") or " ".join(names),
        "email": found.get("email") or next(iter(addresses), None),
        "phone": found.get("phone"),
    }
    return {name: value for name, value in contacts.items() if value}


def _since(record: CustomerRecord) -> Iterator[ProfileFigure]:
    customers = record.rows(CUSTOMERS)
    if "created_on" in customers.columns and customers["created_on"].drop_nulls().len():
        created, exposure = customers["created_on"][0], TABLES[CUSTOMERS].exposure("created_on")
        source, day = record.source(CUSTOMERS), record.loaded_on(CUSTOMERS)
        yield ProfileFigure("created_on", "Customer since", created, source, day, exposure)


def _linked(record: CustomerRecord) -> Iterator[ProfileTable]:
    if record.links:
        rows = tuple((link.left, link.right, link.fields, link.by, link.on) for link in record.links)
        columns = dict.fromkeys(("id", "linked to"), Exposure.identity) | dict.fromkeys(
            ("agreeing fields", "by", "on"), Exposure.personal
        )
        yield ProfileTable("linked_ids", "Linked ids", columns, rows, IDENTITIES, record.as_of)
