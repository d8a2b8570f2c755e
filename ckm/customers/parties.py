"""Customers' attributes in the table ``customers``, and its customers without a purchase (prospects)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError
from ckm.wording import counted

if TYPE_CHECKING:
    from datetime import date

PARTY_COLUMNS = ("party_type", "country", "region", "lang")
"""Columns of the table ``customers`` that are features."""


def party_attributes(customers: pl.LazyFrame | None) -> pl.DataFrame:
    """Return ``customer_id`` and :data:`PARTY_COLUMNS` (String) of all customers in the table ``customers``.

    A missing column is null; without the table there are no rows.

    Raises
    ------
    InputError
        A customer occurs more than once in the table.
    """
    if customers is None:
        return pl.DataFrame(schema={"customer_id": pl.String} | dict.fromkeys(PARTY_COLUMNS, pl.String))
    schema = customers.collect_schema()
    party_attributes = customers.select(
        (pl.col(name) if name in schema else pl.lit(None)).cast(pl.String).alias(name)
        for name in ("customer_id", *PARTY_COLUMNS)
    ).collect()
    doubled = party_attributes.height - party_attributes["customer_id"].n_unique()
    if doubled:
        raise InputError(
            f"customers: {counted(doubled, 'row')} too many: a customer occurs more than once",
            hint="keep one row for each 'customer_id'",
            column="customer_id",
        )
    return party_attributes


def prospects(customers: pl.LazyFrame, known: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return ``customer_id`` of customers created up to ``as_of`` who are neither suppliers nor in ``known``."""
    schema = customers.collect_schema()
    is_prospect = pl.lit(True)
    if "created_on" in schema:
        is_prospect &= pl.col("created_on").is_null() | (pl.col("created_on").cast(pl.Date) <= as_of)
    if "party_type" in schema:
        is_prospect &= pl.col("party_type").cast(pl.String).ne_missing("supplier")
    return (
        customers.filter(is_prospect)
        .select(pl.col("customer_id").cast(pl.String))
        .drop_nulls()
        .unique()
        .join(known.lazy(), on="customer_id", how="anti")
        .collect()
    )
