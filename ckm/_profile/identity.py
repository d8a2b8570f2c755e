"""Who the customer is: attributes, linked ids, consents and membership, and who belongs to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.suppression import suppress
from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.record import CUSTOMERS, INTERACTIONS
from ckm.dataset import TRANSACTIONS, WHO
from ckm.identities import FILE as IDENTITIES
from ckm.io.values.word_lists import load_data
from ckm.schema import RESERVED_COLUMNS, TABLES, Exposure

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
DISTRIBUTOR = "distributor"
MOST_RELATIVES = 20
"""Maximum number of related customers that are listed; all are counted."""
RELATIVE_COLUMNS = ("customer_id", "display_name", "party_type")


def who(record: CustomerRecord) -> ProfileSection:
    """Return name, contact, channels, linked ids, and since when the customer is known."""
    schema, customers = TABLES[CUSTOMERS], record.rows(CUSTOMERS)
    source, day = record.source(CUSTOMERS), record.loaded_on(CUSTOMERS)
    values = customers.row(0, named=True) if customers.height else {}
    figures = [
        ProfileFigure("customer_id", "Customer id", record.customer_id, "request", record.as_of, Exposure.identity)
    ]
    not_known = []
    for name, label in ATTRIBUTES.items():
        exposure = schema.exposure(name)
        if values.get(name) is not None:
            figures.append(ProfileFigure(name, label, values[name], source, day, exposure))
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


def consents(record: CustomerRecord, open_complaints: int) -> ProfileSection:
    """Return whether the customer may be contacted by the rules of churn-warn, recorded consents, and membership."""
    figures = []
    suppressed = suppress(
        pl.DataFrame({WHO: [record.customer_id], "open_complaint": [open_complaints > 0]}),
        {name: rows.lazy() for name, rows in record.tables.items()},
        as_of=record.as_of,
        settings=record.dataset.config.churn,
        time_zone=record.time_zone,
    ).frame["suppressed"][0]
    if suppressed is not None:
        source = ", ".join(name for name in ("consents", INTERACTIONS, "assignments") if name in record.tables)
        reason = suppressed.replace("_", " ")
        figures.append(ProfileFigure("suppressed", "Do not contact", reason, source, record.as_of, Exposure.group))
    tables = tuple(_consent_rows(record))
    found = {kind: list(_of_words(record, kind)) for kind in ("consent", "membership")}
    not_known = []
    if not tables and not found["consent"]:
        not_known.append(NotKnown("consents", "no table 'consents' and no such column"))
    if not found["membership"]:
        not_known.append(NotKnown("membership and points", "no such column"))
    not_known.append(NotKnown("invoice requirements", "no table 'billing_fields'"))
    return ProfileSection(
        "consents",
        "Consents and membership",
        (*figures, *found["consent"], *found["membership"]),
        tables,
        tuple(not_known),
    )


def _consent_rows(record: CustomerRecord) -> Iterator[ProfileTable]:
    rows = record.rows("consents")
    names = [name for name in ("purpose", "channel", "granted", "status", "at") if name in rows.columns]
    if rows.height and names:
        shown = rows.select(names)
        shown = shown.sort("at", descending=True) if "at" in names else shown
        columns: dict[str, Exposure] = dict.fromkeys(names, Exposure.personal)
        source = record.source("consents")
        yield ProfileTable("consent_records", "Consents", columns, tuple(shown.rows()), source, record.as_of)


def _of_words(record: CustomerRecord, kind: str) -> Iterator[ProfileFigure]:
    """Yield the columns of the table of customers that only the source has and whose name has a word of a kind."""
    words, rows = set(load_data("profile_columns.yaml")[kind]), record.rows(CUSTOMERS)
    known = {*TABLES[CUSTOMERS].dtypes, *RESERVED_COLUMNS}
    for name in rows.columns:
        value = rows[name][0] if rows.height else None
        if name not in known and value is not None and words & set(re.split(r"[\s_-]+", name.lower())):
            source, day = record.source(CUSTOMERS), record.loaded_on(CUSTOMERS)
            shown = value if isinstance(value, bool | int | float | str) else str(value)
            yield ProfileFigure(f"{kind}:{name}", name, shown, source, day, TABLES[CUSTOMERS].exposure(name))


def relatives(record: CustomerRecord) -> ProfileSection:
    """Return the customers who belong to this one, by ``parent_id``: account or distributor, members, and siblings.

    The customers who name this one as parent are its members; those with the same parent are its siblings.
    """
    customers = record.dataset.tables.get(CUSTOMERS)
    title = "Who belongs to them"
    missing = NotKnown("household, account and distributor", "no column 'parent_id'", Exposure.personal)
    if customers is None or "parent_id" not in (schema := customers.collect_schema()):
        return ProfileSection("relatives", title, not_known=(missing,))
    mine = record.rows(CUSTOMERS)
    parent = mine["parent_id"][0] if mine.height else None
    wanted = pl.col("parent_id").is_in([each for each in (record.customer_id, parent) if each is not None])
    if parent is not None:
        wanted |= pl.col(WHO) == parent
    if "created_on" in schema:
        wanted &= pl.col("created_on").is_null() | (pl.col("created_on") <= record.as_of)
    names = [name for name in RELATIVE_COLUMNS if name in schema]
    found = customers.filter(wanted).select(*names, "parent_id").collect().filter(pl.col(WHO) != record.customer_id)
    if found.is_empty():
        return ProfileSection("relatives", title, not_known=(NotKnown(missing.what, "none named", missing.exposure),))
    sells_on = pl.col("party_type") == DISTRIBUTOR if "party_type" in names else pl.lit(False)
    role = (
        pl.when(pl.col(WHO).eq_missing(pl.lit(parent, pl.String)))
        .then(pl.when(sells_on).then(pl.lit(DISTRIBUTOR)).otherwise(pl.lit("account")))
        .when(pl.col("parent_id") == record.customer_id)
        .then(pl.lit("member"))
        .otherwise(pl.lit("sibling"))
    )
    listed = found.with_columns(relation=role).sort("relation", WHO).select("relation", *names)
    columns = {"relation": Exposure.group} | {name: TABLES[CUSTOMERS].exposure(name) for name in names}
    source = f"{CUSTOMERS}, parent_id"
    figure = ProfileFigure(
        "relatives", "Related customers", listed.height, source, record.as_of, TABLES[CUSTOMERS].exposure("parent_id")
    )
    rows = tuple(listed.head(MOST_RELATIVES).rows())
    table = ProfileTable("relatives", "Related customers", columns, rows, source, record.as_of)
    return ProfileSection("relatives", title, (figure,), (table,))
