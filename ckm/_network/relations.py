"""Relations between parties that are valid on a day, from ``relationships`` and ``parent_id`` of ``customers``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.schema import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

RELATIONSHIPS, CUSTOMERS = "relationships", "customers"
DISTRIBUTOR = "distributor"
COLUMNS = ("relation", "customer_id", "related_id", "origin")


@dataclass(frozen=True)
class Relations:
    """Relations that are valid on a day, in the direction of :data:`ckm.schema.RELATIONS`.

    Attributes
    ----------
    frame
        ``relation``, ``customer_id``, ``related_id``, ``origin`` (String; file and row of the source), without
        repeats, sorted.
    expired, future
        Number of relations that ended before the day, and number of relations that begin after the day.
    of_itself
        Number of relations of a party to itself, which are left out.
    """

    frame: pl.DataFrame
    expired: int = 0
    future: int = 0
    of_itself: int = 0

    def of(self, relation: str) -> pl.DataFrame:
        """Return the relations of one kind."""
        return self.frame.filter(pl.col("relation") == relation)


def read_relations(tables: Mapping[str, pl.LazyFrame], as_of: date, customers: list[str] | None = None) -> Relations:
    """Return the relations that are valid on a day.

    A customer's ``parent_id`` means that the customer buys through the parent if the parent's ``party_type`` is
    distributor, else that the parent owns the customer. Rows of ``relationships`` that differ only in ``valid_until``
    are one relation with the earliest end, because a later export has an end that an earlier export did not have.

    Parameters
    ----------
    tables
        Tables by name; ``relationships`` and ``customers`` are read if they exist.
    as_of
        Day on which the relations are valid.
    customers
        Customer ids: only relations with one of these ids at either end are read. None reads all relations.
    """
    parts = [_of_parents(tables, as_of, customers)]
    expired = future = 0
    if RELATIONSHIPS in tables:
        dated = _of_table(tables[RELATIONSHIPS], customers)
        ended = dated["valid_until"] < as_of
        begins_later = dated["valid_from"] > as_of
        expired, future = int(ended.sum()), int((begins_later & ~ended.fill_null(value=False)).sum())
        valid = ~(ended.fill_null(value=False) | begins_later.fill_null(value=False))
        parts.append(dated.filter(valid).select(COLUMNS))
    frame = pl.concat(parts)
    is_itself = frame["customer_id"] == frame["related_id"]
    kept = frame.filter(~is_itself).unique(COLUMNS[:3], keep="first", maintain_order=True)
    return Relations(kept.sort(COLUMNS[:3]), expired, future, int(is_itself.sum()))


def _of_table(table: pl.LazyFrame, customers: list[str] | None) -> pl.DataFrame:
    """Return the relations in ``relationships``, in the direction of :data:`ckm.schema.RELATIONS`, with validity."""
    schema = table.collect_schema()
    either = pl.col("customer_id").is_in(customers or []) | pl.col("related_id").is_in(customers or [])
    rows = (
        table.filter(pl.lit(True) if customers is None else either)
        .select(
            *(pl.col(name).cast(pl.String) for name in COLUMNS[:3]),
            *((pl.col(name) if name in schema else pl.lit(None, pl.Date)).alias(name) for name in _VALIDITY),
            origin=_origin(RELATIONSHIPS, schema),
        )
        .drop_nulls(["customer_id", "related_id"])
        .collect()
    )
    inverse = {other: relation for relation, other in RELATIONS.items()}
    reverse = pl.col("relation").is_in(list(inverse))
    directed = rows.with_columns(
        pl.col("relation").replace(inverse),
        customer_id=pl.when(reverse).then("related_id").otherwise("customer_id"),
        related_id=pl.when(reverse).then("customer_id").otherwise("related_id"),
    )
    same = [*COLUMNS[:3], "valid_from"]
    return directed.sort([*same, "origin"]).group_by(same, maintain_order=True).agg(
        pl.col("valid_until").min(), pl.col("origin").first()
    )  # fmt: skip


_VALIDITY = ("valid_from", "valid_until")


def _of_parents(tables: Mapping[str, pl.LazyFrame], as_of: date, customers: list[str] | None) -> pl.DataFrame:
    """Return the relations (``owns``, ``buys_through``) by ``parent_id`` of customers created up to ``as_of``."""
    none = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    table = tables.get(CUSTOMERS)
    if table is None or "parent_id" not in (schema := table.collect_schema()):
        return none
    if "created_on" in schema:
        table = table.filter(pl.col("created_on").is_null() | (pl.col("created_on") <= as_of))
    party_type = pl.col("party_type") if "party_type" in schema else pl.lit(None)
    rows = table.filter(pl.col("parent_id").is_not_null() & pl.col("customer_id").is_not_null())
    if customers is not None:
        rows = rows.filter(pl.col("customer_id").is_in(customers) | pl.col("parent_id").is_in(customers))
    found = rows.select(
        customer=pl.col("customer_id").cast(pl.String),
        parent=pl.col("parent_id").cast(pl.String),
        origin=_origin(CUSTOMERS, schema),
    ).collect()
    if found.is_empty():
        return none
    parents = found["parent"].unique().sort()
    types = table.filter(pl.col("customer_id").is_in(parents.to_list())).select(
        "customer_id", party_type.cast(pl.String)
    )
    sellers = types.filter(pl.col("party_type") == DISTRIBUTOR).collect()["customer_id"].to_list()
    sells = pl.col("parent").is_in(sellers)
    return found.select(
        relation=pl.when(sells).then(pl.lit("buys_through")).otherwise(pl.lit("owns")),
        customer_id=pl.when(sells).then("customer").otherwise("parent"),
        related_id=pl.when(sells).then("parent").otherwise("customer"),
        origin="origin",
    )


def _origin(table: str, schema: pl.Schema) -> pl.Expr:
    """Return the origin of each row as a text: ``FILE row N`` in a store, else the name of the table."""
    if not {"source_file", "source_row"} <= set(schema):
        return pl.lit(table)
    place = pl.format("{} row {}", pl.col("source_file").cast(pl.String), pl.col("source_row"))
    return pl.coalesce(place, pl.lit(table))
