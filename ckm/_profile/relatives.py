"""Parties related to the customer: account, distributor, members, siblings, contacts, suppliers, referrals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._network.relations import RELATIONSHIPS, Relations, read_relations
from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.record import CUSTOMERS
from ckm.dataset import WHO
from ckm.schema import TABLES, Exposure

if TYPE_CHECKING:
    from ckm._profile.record import CustomerRecord

TITLE = "Who belongs to them"
MOST_RELATIVES = 20
"""Maximum number of related parties that are listed; all are counted."""
RELATIVE_COLUMNS = ("customer_id", "display_name", "party_type")
ROLES = {
    "owns": ("member", "account"),
    "works_at": ("account", "contact"),
    "buys_through": ("distributor", "member"),
    "supplies": ("supplied party", "supplier"),
    "refers": ("referred", "referrer"),
}
"""By relation: role of the related party for the customer, and of the customer for the related party."""
ABOVE = (("owns", "customer_id"), ("works_at", "related_id"), ("buys_through", "related_id"))
"""Relations with their column of the upper party; customers below the same one are siblings."""


def relatives(record: CustomerRecord) -> ProfileSection:
    """Return the section on parties related to the customer on the as-of date.

    Relations come from ``relationships`` and ``parent_id`` (:func:`ckm._network.relations.read_relations`). Customers
    below the same owner, employer or distributor are siblings.
    """
    tables, me = record.dataset.tables, record.customer_id
    sources = [name for name in (RELATIONSHIPS,) if name in tables]
    if CUSTOMERS in tables and "parent_id" in tables[CUSTOMERS].collect_schema():
        sources.append(f"{CUSTOMERS}.parent_id")
    what = "household, account and distributor"
    if not sources:
        missing = NotKnown(what, "neither a table 'relationships' nor a column 'parent_id'", Exposure.personal)
        return ProfileSection("relatives", TITLE, not_known=(missing,))
    found = _related(read_relations(tables, record.as_of, [me]), me)
    uppers = found.filter(pl.col("relation").is_in(["account", "distributor"]))[WHO].unique().to_list()
    if uppers:
        siblings = _siblings(read_relations(tables, record.as_of, uppers), uppers, [me, *found[WHO]])
        found = pl.concat([found, siblings])
    if found.is_empty():
        return ProfileSection("relatives", TITLE, not_known=(NotKnown(what, "none named", Exposure.personal),))
    listed = found.unique().sort("relation", WHO)
    names = [
        name for name in RELATIVE_COLUMNS[1:] if CUSTOMERS in tables and name in tables[CUSTOMERS].collect_schema()
    ]
    shown = listed.head(MOST_RELATIVES)
    if names:
        known = tables[CUSTOMERS].filter(pl.col(WHO).is_in(shown[WHO].to_list())).select(WHO, *names).collect()
        shown = shown.join(
            known.unique(WHO, keep="first", maintain_order=True), on=WHO, how="left", maintain_order="left"
        )
    columns = {"relation": Exposure.group} | {name: TABLES[CUSTOMERS].exposure(name) for name in (WHO, *names)}
    source, count = " and ".join(sources), listed[WHO].n_unique()
    exposure = TABLES[CUSTOMERS].exposure("parent_id")
    figure = ProfileFigure("relatives", "Related customers", count, source, record.as_of, exposure)
    table = ProfileTable("relatives", "Related customers", columns, tuple(shown.rows()), source, record.as_of)
    return ProfileSection("relatives", TITLE, (figure,), (table,))


def _related(relations: Relations, me: str) -> pl.DataFrame:
    """Return ``customer_id`` and ``relation`` (role) of each party that is directly related to the customer."""
    rows = [
        (ROLES[relation][customer != me], related if customer == me else customer)
        for relation, customer, related, _ in relations.frame.iter_rows()
    ]
    return pl.DataFrame(rows, {"relation": pl.String, WHO: pl.String}, orient="row")


def _siblings(relations: Relations, uppers: list[str], others: list[str]) -> pl.DataFrame:
    """Return the parties directly below one of ``uppers``, except the ids in ``others``, as siblings."""
    below = [relations.of(relation).filter(pl.col(upper).is_in(uppers))[_OTHER_END[upper]] for relation, upper in ABOVE]
    ids = pl.concat(below).unique().sort()
    ids = ids.filter(~ids.is_in([*others, *uppers]))
    return pl.DataFrame({"relation": ["sibling"] * len(ids), WHO: ids}, {"relation": pl.String, WHO: pl.String})


_OTHER_END = {"customer_id": "related_id", "related_id": "customer_id"}
