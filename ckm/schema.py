"""The tables of the store, declared once.

Every command reads and writes these tables and nothing else. Ids are text, so that leading zeros survive;
timestamps are microseconds in UTC; money is a float in the unit of ``currency``. Columns that a source has and
the contract has not are kept beside these as they came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import dataframely as dy
import polars as pl

EARLIEST = date(1900, 1, 1)
"""A date before this is a typing error or a placeholder, not a purchase."""
LATEST = date(2200, 1, 1)
"""A date from here on is a placeholder such as 9999-12-31."""

PARTY_TYPES = ("person", "company", "distributor", "supplier", "partner")
TRANSACTION_TYPES = ("sale", "return", "cancel", "subscription")
INTERACTION_KINDS = ("complaint", "question", "praise", "idea", "survey", "visit_note", "event")
RATING_SCALES = {"nps_0_10": (0, 10), "csat_1_5": (1, 5), "ces_1_7": (1, 7)}


def _timestamp(*, nullable: bool) -> dy.Datetime:
    return dy.Datetime(
        nullable=nullable,
        time_zone="UTC",
        time_unit="us",
        check={
            "plausible": lambda c: c.is_between(
                datetime(EARLIEST.year, 1, 1, tzinfo=UTC), datetime(LATEST.year, 1, 1, tzinfo=UTC), closed="left"
            )
        },
    )


def _day() -> dy.Date:
    return dy.Date(nullable=True, min=EARLIEST, max_exclusive=LATEST)


def _money(*, nullable: bool) -> dy.Float64:
    return dy.Float64(nullable=nullable, allow_inf=False, allow_nan=False)


class Customers(dy.Schema):
    """Who a customer is. One row per ``customer_id``."""

    customer_id = dy.String(nullable=False, min_length=1)
    party_type = dy.String(nullable=True, check={"vocabulary": lambda c: c.is_in(PARTY_TYPES)})
    display_name = dy.String(nullable=True)
    email = dy.String(nullable=True)
    phone = dy.String(nullable=True)
    country = dy.String(nullable=True)
    region = dy.String(nullable=True)
    lang = dy.String(nullable=True)
    birth_year = dy.Int32(nullable=True, min=EARLIEST.year, max_exclusive=LATEST.year)
    industry = dy.String(nullable=True)
    account_owner = dy.String(nullable=True)
    parent_id = dy.String(nullable=True)
    status = dy.String(nullable=True)
    created_on = _day()


class Transactions(dy.Schema):
    """What was bought. One row per order line; a return carries a negative ``net``."""

    order_id = dy.String(nullable=False, min_length=1)
    line_no = dy.String(nullable=True)
    customer_id = dy.String(nullable=True)
    ordered_at = _timestamp(nullable=False)
    product_id = dy.String(nullable=True)
    category = dy.String(nullable=True)
    quantity = dy.Float64(nullable=True, allow_inf=False, allow_nan=False)
    net = _money(nullable=False)
    discount = _money(nullable=True)
    cost = _money(nullable=True)
    currency = dy.String(nullable=False, regex=r"^[A-Z]{3}$")
    channel = dy.String(nullable=True)
    type = dy.String(nullable=False, check={"vocabulary": lambda c: c.is_in(TRANSACTION_TYPES)})
    campaign_id = dy.String(nullable=True)
    promised_on = _day()
    delivered_on = _day()
    invoice_id = dy.String(nullable=True)


class Interactions(dy.Schema):
    """What a customer said to us: complaints, questions, ratings, notes."""

    interaction_id = dy.String(nullable=False, min_length=1)
    customer_id = dy.String(nullable=True)
    at = _timestamp(nullable=False)
    channel = dy.String(nullable=True)
    kind = dy.String(nullable=True, check={"vocabulary": lambda c: c.is_in(INTERACTION_KINDS)})
    text = dy.String(nullable=True)
    lang = dy.String(nullable=True)
    product_id = dy.String(nullable=True)
    topic = dy.String(nullable=True)
    rating = dy.Float64(nullable=True, allow_inf=False, allow_nan=False)
    scale = dy.String(nullable=True, check={"vocabulary": lambda c: c.is_in(list(RATING_SCALES))})
    resolved_at = _timestamp(nullable=True)
    promised_by = _timestamp(nullable=True)

    @dy.rule()
    def rating_within_scale(cls) -> pl.Expr:  # noqa: N805
        """A rating lies on the scale it names."""
        inside = pl.lit(True)
        for name, (low, high) in RATING_SCALES.items():
            inside = pl.when(pl.col("scale") == name).then(pl.col("rating").is_between(low, high)).otherwise(inside)
        return inside


RESERVED_COLUMNS = ("source", "source_file", "source_row", "load_id", "repeat_no")
"""Columns that every table of the store has beside those of its schema: where a row came from."""

VOCABULARIES: dict[str, tuple[str, ...]] = {
    "party_type": PARTY_TYPES,
    "type": TRANSACTION_TYPES,
    "kind": INTERACTION_KINDS,
    "scale": tuple(RATING_SCALES),
}
"""Columns that hold one of a few words."""


@dataclass(frozen=True)
class Table:
    """A table that a source can be mapped to.

    Attributes
    ----------
    name
        As in the store and on the command line.
    schema
        The contract: columns, types, rules.
    key
        What tells one row from another. A row with a null in it is identified by its content.
    helpers
        Columns that a source may give though the contract has them not: the contract's are computed from them.
    """

    name: str
    schema: type[dy.Schema]
    key: tuple[str, ...]
    helpers: dict[str, pl.DataType] = field(default_factory=dict)

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """The contract's columns in their order, with their types."""
        return {name: column.dtype for name, column in self.schema.columns().items()}

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that every row must fill."""
        return tuple(name for name, column in self.schema.columns().items() if not column.nullable)

    @property
    def targets(self) -> dict[str, pl.DataType]:
        """What a mapping can fill: the contract's columns and the helpers."""
        return {**self.dtypes, **self.helpers}


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("customers", Customers, ("customer_id",)),
        Table("transactions", Transactions, ("order_id", "line_no"), {"unit_price": pl.Float64()}),
        Table("interactions", Interactions, ("interaction_id",)),
    )
}
"""Every table that a source can be mapped to, by name."""
