"""Records to link: the facts about each customer id, from all tables of a workspace, or the rows of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._link.fields import FULL_NAME, GENERATION, columns_by_field, link_fields
from ckm._link.normalise import normalised, with_generations, with_split_names, without_titles
from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

ID, TRANSACTIONS = "customer_id", "transactions"
SOURCES = "sources"
"""Column with the names of the sources of a customer id, separated by spaces."""
RANK = "rank"
"""Column with the use of a customer id: 0 in orders, 1 in payments for orders, 2 elsewhere."""
NOT_COMPARED = frozenset({ID, SOURCES, RANK})
MOSTLY = 0.5
"""Share of records with a value from which a field replaces the coarser ones that follow from it."""
ADDRESS = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


def records_of_tables(tables: Mapping[str, pl.LazyFrame], payments: Collection[str] = ()) -> pl.DataFrame:
    """Return one row per customer id, sorted, with its sources, its rank and the texts of its fields.

    The value of a field is taken from the first table, by name, that has one: ``customers`` comes before
    ``interactions`` and ``transactions``. Within a table it is the most frequent value, on ties the first in
    alphabetical order. A customer id that is an e-mail address is also the e-mail address of the customer, unless a
    table has another one.

    Parameters
    ----------
    tables
        Tables of the store by name.
    payments
        Sources whose transactions are payments for orders of other sources.

    Raises
    ------
    NotEnoughDataError
        No table has customer ids.
    """
    found = [_of_table(name, frame, payments) for name, frame in sorted(tables.items()) if ID in frame.collect_schema()]
    if not found:
        raise NotEnoughDataError("there are no customers to link", hint="load some: ckm ingest FILE")
    merged = pl.concat(found, how="diagonal").sort(ID, maintain_order=True)  # by id, then by name of the table
    fields = [name for name in merged.columns if name not in NOT_COMPARED]
    records = merged.group_by(ID, maintain_order=True).agg(
        pl.col(SOURCES).str.split(" ").explode().unique().sort().str.join(" "),
        pl.col(RANK).min(),
        *(pl.col(name).drop_nulls().first() for name in fields),
    )
    address = pl.when(pl.col(ID).str.contains(ADDRESS)).then(ID)
    email = pl.coalesce("email", address) if "email" in fields else address
    records = records.with_columns(email.alias("email"))
    return records.select(ID, SOURCES, RANK, *(name for name in link_fields() if name in records.columns))


def _of_table(table: str, frame: pl.LazyFrame, payments: Collection[str]) -> pl.DataFrame:
    """Return one row per customer id of a table: sources, rank, and the most frequent value of each field."""
    schema = frame.collect_schema()
    by_field = columns_by_field(name for name in schema if name != ID)
    values = [
        pl.coalesce(pl.col(columns).cast(pl.String).str.strip_chars().replace("", None)).alias(field)
        for field, columns in by_field.items()
    ]
    source = pl.col("source") if "source" in schema else pl.lit(None, dtype=pl.String)
    rank = (
        source.is_in(sorted(payments)).fill_null(value=False).cast(pl.Int8)
        if table == TRANSACTIONS
        else pl.lit(2, pl.Int8)
    )
    known = frame.filter(pl.col(ID).is_not_null()).select(ID, source.alias(SOURCES), rank.alias(RANK), *values)
    most = [pl.col(field).drop_nulls().mode().sort().first().alias(field) for field in by_field]
    return (
        known.group_by(ID)
        .agg(pl.col(SOURCES).drop_nulls().unique().sort().str.join(" "), pl.col(RANK).min(), *most)
        .collect(engine="streaming")
    )


def records_of_file(rows: pl.DataFrame, id_column: str) -> pl.DataFrame:
    """Return the rows of a file as records; the column ``id_column`` has their ids.

    Raises
    ------
    NotEnoughDataError
        No column is a field that can be compared.
    """
    by_field = columns_by_field(name for name in rows.columns if name != id_column)
    if not by_field:
        raise NotEnoughDataError(
            "no column is a name, an address, a date of birth or another field that can be compared",
            hint="name the columns as in docs/how-to/link.md",
        )
    return rows.select(
        pl.col(id_column).cast(pl.String).alias(ID),
        pl.lit("").alias(SOURCES),
        pl.lit(0, pl.Int8).alias(RANK),
        *(
            pl.coalesce(pl.col(columns).cast(pl.String).str.strip_chars().replace("", None)).alias(field)
            for field, columns in by_field.items()
        ),
    )


def comparable(records: pl.DataFrame) -> pl.DataFrame:
    """Return the normalised fields that are compared; one row per record.

    A coarse field that follows from a finer one (the region from the postcode) is left out, because its agreement adds
    nothing. A field with fewer than two distinct values is left out too, except a generation: a name with it differs
    from a name without.
    """
    texts = {name: records[name] for name in records.columns if name not in NOT_COMPARED}
    if FULL_NAME in texts or "given_name" in texts or "surname" in texts:
        texts = without_titles(with_split_names(with_generations(texts)))
    made = pl.DataFrame({name: normalised(values, name, texts.get("country")) for name, values in texts.items()})
    known = link_fields()
    coarse = {
        each for name in made.columns if made[name].count() >= MOSTLY * made.height for each in known[name].instead_of
    }
    return made.select(
        name
        for name in known
        if name in made.columns
        and name not in coarse
        and made[name].drop_nulls().n_unique() > (0 if name == GENERATION else 1)
    )
