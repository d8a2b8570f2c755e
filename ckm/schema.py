"""Schemas of the tables of the store.

Every command reads and writes these tables only. Ids are text, so that leading zeros are kept; timestamps are
microseconds in UTC; money is a float in the unit of ``currency``. Columns of a source that the schema does not have are
stored unchanged beside these.

The ``metadata`` of each column declares where its values may be shown (:class:`Exposure`); a table with an undeclared
column is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import dataframely as dy
import polars as pl

from ckm.errors import UsageError

EARLIEST = date(1900, 1, 1)
"""Earliest valid date: an earlier one is a typing error or a placeholder."""
LATEST = date(2200, 1, 1)
"""First invalid date, such as the placeholder 9999-12-31."""

NO_CURRENCY = "XXX"
"""ISO 4217 code for no currency: for rows of a source without amounts, which count 1 each in ``net``."""

PARTY_TYPES = ("person", "company", "distributor", "supplier", "partner")
TRANSACTION_TYPES = ("sale", "return", "cancel", "subscription")
INTERACTION_KINDS = ("complaint", "question", "praise", "idea", "survey", "visit_note", "event")
DATED_BY = ("order", "first_seen")
"""Column that marks returns without a date in their source: they have the day of their order, or the day on which they
were first seen."""
RELATIONS = {
    "buys_through": "sells_to",
    "supplies": "supplied_by",
    "owns": "owned_by",
    "refers": "referred_by",
    "works_at": "employs",
}
"""Relations of a customer to another party, each with its inverse: ``A supplied_by B`` means ``B supplies A``."""
BILLING_FIELDS = ("project", "customer", "matter", "purchase_order", "cost_center")
"""Numbers that a customer can want on invoices."""
RATING_SCALES = {"nps_0_10": (0, 10), "csat_1_5": (1, 5), "ces_1_7": (1, 7)}


class Exposure(StrEnum):
    """Places where the values of a column may be shown, besides the store and requested lists."""

    group = "group"
    """Shared by many customers (country, channel): reports use its values as slices."""
    amount = "amount"
    """Amounts and times: reports show sums and periods, but no value of a row."""
    personal = "personal"
    """About persons, shared by some customers (account owner): reports show no value that is an address or a number."""
    identity = "identity"
    """Of one customer or one document: reports have no slices by it and show ids as pseudonyms (:mod:`ckm.pseudonym`).
    """


def exposed(exposure: Exposure, *, logged: bool = False) -> dict[str, Any]:
    """Return the metadata of a column.

    Parameters
    ----------
    exposure
        Where its values may be shown.
    logged
        Whether the table's log contains the smallest and largest value of each file, so that readers find rows faster.
        Readers of the log see these values, and those of an erased customer can remain there; so only keys and times
        are logged.
    """
    return {"exposure": exposure, "logged": logged}


GROUP, PERSONAL = exposed(Exposure.group), exposed(Exposure.personal)
AMOUNT, TIME = exposed(Exposure.amount), exposed(Exposure.amount, logged=True)
IDENTITY, KEY = exposed(Exposure.identity), exposed(Exposure.identity, logged=True)


def _timestamp(*, nullable: bool, exposure: dict[str, Any] = AMOUNT) -> dy.Datetime:
    return dy.Datetime(
        nullable=nullable,
        metadata=exposure,
        time_zone="UTC",
        time_unit="us",
        check={
            "plausible": lambda c: c.is_between(
                datetime(EARLIEST.year, 1, 1, tzinfo=UTC), datetime(LATEST.year, 1, 1, tzinfo=UTC), closed="left"
            )
        },
    )


def _day() -> dy.Date:
    return dy.Date(nullable=True, min=EARLIEST, max_exclusive=LATEST, metadata=AMOUNT)


def _money(*, nullable: bool) -> dy.Float64:
    return dy.Float64(nullable=nullable, allow_inf=False, allow_nan=False, metadata=AMOUNT)


class Customers(dy.Schema):
    """Attributes of customers. One row per ``customer_id``."""

    customer_id = dy.String(nullable=False, min_length=1, metadata=KEY)
    party_type = dy.String(nullable=True, check={"vocabulary": lambda c: c.is_in(PARTY_TYPES)}, metadata=GROUP)
    display_name = dy.String(nullable=True, metadata=IDENTITY)
    email = dy.String(nullable=True, metadata=IDENTITY)
    phone = dy.String(nullable=True, metadata=IDENTITY)
    country = dy.String(nullable=True, metadata=GROUP)
    region = dy.String(nullable=True, metadata=GROUP)
    lang = dy.String(nullable=True, metadata=GROUP)
    birth_year = dy.Int32(nullable=True, min=EARLIEST.year, max_exclusive=LATEST.year, metadata=PERSONAL)
    industry = dy.String(nullable=True, metadata=GROUP)
    account_owner = dy.String(nullable=True, metadata=PERSONAL)
    parent_id = dy.String(nullable=True, metadata=PERSONAL)
    status = dy.String(nullable=True, metadata=GROUP)
    created_on = _day()


class Transactions(dy.Schema):
    """Purchases and returns. One row per order line; a return has a negative ``net``."""

    order_id = dy.String(nullable=False, min_length=1, metadata=KEY)
    line_no = dy.String(nullable=True, metadata=IDENTITY)
    customer_id = dy.String(nullable=True, metadata=KEY)
    ordered_at = _timestamp(nullable=False, exposure=TIME)
    product_id = dy.String(nullable=True, metadata=GROUP)
    category = dy.String(nullable=True, metadata=GROUP)
    quantity = dy.Float64(nullable=True, allow_inf=False, allow_nan=False, metadata=AMOUNT)
    net = _money(nullable=False)
    discount = _money(nullable=True)
    cost = _money(nullable=True)
    currency = dy.String(nullable=False, regex=r"^[A-Z]{3}$", metadata=GROUP)
    channel = dy.String(nullable=True, metadata=GROUP)
    type = dy.String(nullable=False, check={"vocabulary": lambda c: c.is_in(TRANSACTION_TYPES)}, metadata=GROUP)
    campaign_id = dy.String(nullable=True, metadata=GROUP)
    promised_on = _day()
    delivered_on = _day()
    invoice_id = dy.String(nullable=True, metadata=IDENTITY)
    updated_at = _timestamp(nullable=True)
    dated_by = dy.String(nullable=True, check={"vocabulary": lambda c: c.is_in(DATED_BY)}, metadata=GROUP)
    order_amounts = dy.String(nullable=True, metadata=AMOUNT)


class Interactions(dy.Schema):
    """Contacts by customers: complaints, questions, ratings, notes."""

    interaction_id = dy.String(nullable=False, min_length=1, metadata=KEY)
    customer_id = dy.String(nullable=True, metadata=KEY)
    at = _timestamp(nullable=False, exposure=TIME)
    channel = dy.String(nullable=True, metadata=GROUP)
    kind = dy.String(nullable=True, check={"vocabulary": lambda c: c.is_in(INTERACTION_KINDS)}, metadata=GROUP)
    text = dy.String(nullable=True, metadata=IDENTITY)
    lang = dy.String(nullable=True, metadata=GROUP)
    product_id = dy.String(nullable=True, metadata=GROUP)
    topic = dy.String(nullable=True, metadata=GROUP)
    rating = dy.Float64(nullable=True, allow_inf=False, allow_nan=False, metadata=AMOUNT)
    scale = dy.String(nullable=True, check={"vocabulary": lambda c: c.is_in(list(RATING_SCALES))}, metadata=GROUP)
    resolved_at = _timestamp(nullable=True)
    promised_by = _timestamp(nullable=True)

    @dy.rule()
    def rating_within_scale(cls) -> pl.Expr:  # noqa: N805
        """Return whether a rating is within its scale."""
        inside = pl.lit(True)
        for name, (low, high) in RATING_SCALES.items():
            inside = pl.when(pl.col("scale") == name).then(pl.col("rating").is_between(low, high)).otherwise(inside)
        return inside


def _valid_in_order() -> pl.Expr:
    return (pl.col("valid_from") <= pl.col("valid_until")).fill_null(value=True)


class Relationships(dy.Schema):
    """Relations between two parties: the customer *buys through*, *supplies*, *owns*, *refers* or *works at* another.

    ``valid_from`` and ``valid_until`` are the first and the last day of the relation; null means no limit.
    """

    customer_id = dy.String(nullable=False, min_length=1, metadata=KEY)
    relation = dy.String(
        nullable=False, check={"vocabulary": lambda c: c.is_in([*RELATIONS, *RELATIONS.values()])}, metadata=GROUP
    )
    related_id = dy.String(nullable=False, min_length=1, metadata=IDENTITY)
    valid_from = _day()
    valid_until = _day()

    @dy.rule()
    def valid_from_before_valid_until(cls) -> pl.Expr:  # noqa: N805
        """Return whether the first day is not after the last one."""
        return _valid_in_order()


class BillingFields(dy.Schema):
    """Numbers that a customer wants on invoices, and the invoices that lacked them.

    A row without ``invoice_id`` is a requirement; null ``number``: the number differs by invoice. A row with
    ``invoice_id`` names an invoice that lacked the field, noted on ``noted_on`` and corrected on ``corrected_on``.
    """

    customer_id = dy.String(nullable=False, min_length=1, metadata=KEY)
    field = dy.String(nullable=False, check={"vocabulary": lambda c: c.is_in(BILLING_FIELDS)}, metadata=GROUP)
    number = dy.String(nullable=True, metadata=IDENTITY)
    invoice_id = dy.String(nullable=True, metadata=IDENTITY)
    valid_from = _day()
    valid_until = _day()
    noted_on = _day()
    corrected_on = _day()

    @dy.rule()
    def valid_from_before_valid_until(cls) -> pl.Expr:  # noqa: N805
        """Return whether the first day is not after the last one."""
        return _valid_in_order()


class Consents(dy.Schema):
    """Consents and refusals of customers. One row per customer, purpose, channel and time.

    A status that is not a known word of consent (``ckm/data/consent_words.yaml``) is a refusal, so it has no
    vocabulary: a refusal in other words is loaded, and not quarantined.
    """

    customer_id = dy.String(nullable=False, min_length=1, metadata=KEY)
    purpose = dy.String(nullable=True, metadata=GROUP)
    channel = dy.String(nullable=True, metadata=GROUP)
    status = dy.String(nullable=False, min_length=1, metadata=GROUP)
    at = _timestamp(nullable=True, exposure=TIME)
    valid_until = _day()
    obtained_by = dy.String(nullable=True, metadata=PERSONAL)


class Memberships(dy.Schema):
    """Members of the loyalty programme with tier and points. One row per customer and day of the snapshot.

    Points are totals since joining. ``points_balance`` may be null: it is then earned less redeemed and expired points.
    """

    customer_id = dy.String(nullable=False, min_length=1, metadata=KEY)
    member_id = dy.String(nullable=True, metadata=IDENTITY)
    tier = dy.String(nullable=True, metadata=GROUP)
    joined_on = _day()
    points_earned = _money(nullable=True)
    points_redeemed = _money(nullable=True)
    points_expired = _money(nullable=True)
    points_balance = _money(nullable=True)
    on = _day()


RESERVED_COLUMNS = ("source", "source_file", "source_row", "load_id", "repeat_no", "known_from", "known_until")
"""Columns that the store fills: the origin of a row, and when it was known."""

VOCABULARIES: dict[str, tuple[str, ...]] = {
    "party_type": PARTY_TYPES,
    "type": TRANSACTION_TYPES,
    "dated_by": DATED_BY,
    "kind": INTERACTION_KINDS,
    "scale": tuple(RATING_SCALES),
    "relation": (*RELATIONS, *RELATIONS.values()),
    "field": BILLING_FIELDS,
}
"""Columns with a fixed vocabulary."""


@dataclass(frozen=True)
class TableSchema:
    """A table that a source can be mapped to.

    Attributes
    ----------
    name
        Name in the store and on the command line.
    schema
        Schema: columns, types, rules.
    key
        Key columns. A row with a null in one of them is identified by its content.
    document
        Column that identifies a document, whose later states replace earlier ones as a whole; None without one.
    ancillary
        Columns with facts about a row that are not part of its content.
    unnamed
        Columns that are never matched by name: only a mapping fills them.
    helpers
        Columns that a source may have although the schema does not: columns of the schema are computed from them.
    words
        Helper columns that are never matched by name: only a mapping, a platform or an option fills them.
    """

    name: str
    schema: type[dy.Schema]
    key: tuple[str, ...]
    helpers: dict[str, pl.DataType] = field(default_factory=dict)
    words: dict[str, pl.DataType] = field(default_factory=dict)
    document: str | None = None
    ancillary: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a table with a column whose exposure is not declared."""
        for name, column in self.schema.columns().items():
            if not isinstance((column.metadata or {}).get("exposure"), Exposure):
                raise UsageError(
                    f"table '{self.name}': column '{name}' does not say who may see its values",
                    hint="add metadata=GROUP, AMOUNT, PERSONAL, IDENTITY, TIME or KEY to the column in ckm/schema.py; "
                    "in doubt IDENTITY, which no report shows",
                )

    def exposure(self, column: str) -> Exposure:
        """Return the exposure of a column; additional columns of a source count as data about a person."""
        known = self.schema.columns().get(column)
        return Exposure((known.metadata or {})["exposure"]) if known is not None else Exposure.personal

    @property
    def logged(self) -> tuple[str, ...]:
        """Columns whose bounds are in the table's log."""
        return tuple(name for name, column in self.schema.columns().items() if (column.metadata or {}).get("logged"))

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """Columns of the schema in order, with their types."""
        return {name: column.dtype for name, column in self.schema.columns().items()}

    @property
    def content(self) -> tuple[str, ...]:
        """Columns of a row's content, which identify rows without a complete key."""
        return tuple(name for name in self.dtypes if name not in self.ancillary)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that every row must fill."""
        return tuple(name for name, column in self.schema.columns().items() if not column.nullable)

    @property
    def targets(self) -> dict[str, pl.DataType]:
        """Targets that columns can fill by name: the schema's columns and the helpers."""
        named = {name: dtype for name, dtype in self.dtypes.items() if name not in self.unnamed}
        return {**named, **self.helpers}

    @property
    def fillable(self) -> dict[str, pl.DataType]:
        """Targets that a mapping can fill: ``targets`` and ``words``."""
        return {**self.dtypes, **self.helpers, **self.words}


RETURN_SUFFIX = "-return"
"""Suffix of the line number of a refund row that was made from the line's own record."""


def is_refund_of_line() -> pl.Expr:
    """Return whether a row is the refund of an order line, made from the line's own record."""
    return (pl.col("type") == "return") & pl.col("line_no").str.ends_with(RETURN_SUFFIX).fill_null(value=False)


ORDER_AMOUNTS = (
    *("order_gross", "order_net", "order_discount", "order_refund"),
    *("order_tax", "order_shipping", "order_total"),
)
"""Amounts of a whole order, on any of its lines; each counts once."""
ORDER_WORDS: dict[str, pl.DataType] = {
    "gross": pl.Float64(),
    "refund": pl.Float64(),
    "refunded_at": pl.Datetime("us", "UTC"),
    "fee": pl.Float64(),
    **dict.fromkeys(ORDER_AMOUNTS, pl.Float64()),
}
"""Facts of an order that a mapping may fill besides the schema's columns; docs/reference/mapping.md explains each."""

TABLES: dict[str, TableSchema] = {
    table.name: table
    for table in (
        TableSchema("customers", Customers, ("customer_id",)),
        TableSchema(
            "transactions",
            Transactions,
            ("order_id", "line_no"),
            {"unit_price": pl.Float64()},
            ORDER_WORDS,
            document="order_id",
            ancillary=("updated_at", "dated_by", "order_amounts"),
            unnamed=("dated_by", "order_amounts"),
        ),
        TableSchema("interactions", Interactions, ("interaction_id",)),
        TableSchema("relationships", Relationships, ("customer_id", "relation", "related_id", "valid_from")),
        TableSchema("billing_fields", BillingFields, ("customer_id", "field", "invoice_id")),
        TableSchema("consents", Consents, ("customer_id", "purpose", "channel", "at")),
        TableSchema("memberships", Memberships, ("customer_id", "on")),
    )
}
"""All tables that a source can be mapped to, by name."""
