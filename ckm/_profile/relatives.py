"""Customers who belong to the customer: account, distributor, members and siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.record import CUSTOMERS
from ckm.dataset import WHO
from ckm.schema import TABLES, Exposure

if TYPE_CHECKING:
    from ckm._profile.record import CustomerRecord

DISTRIBUTOR = "distributor"
MOST_RELATIVES = 20
"""Maximum number of related customers that are listed; all are counted."""
RELATIVE_COLUMNS = ("customer_id", "display_name", "party_type")


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
