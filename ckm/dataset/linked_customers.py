"""Linked customers of a workspace: their ids are replaced by the id of their person (:mod:`ckm.identities`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.io.mapping.consent_columns import answer, consent_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

WHO = "customer_id"
PARTIES = (WHO, "parent_id", "related_id")
"""Columns of customer ids."""


def with_persons(tables: Mapping[str, pl.LazyFrame], persons: Mapping[str, str]) -> dict[str, pl.LazyFrame]:
    """Return the tables with person ids instead of the ids of linked customers.

    In the table ``customers`` the rows of a person become one: its first value of each column, where the row of the
    customer whose id the person has comes first, then the others by id. Of different answers to a consent, the refusal
    counts.

    >>> rows = pl.LazyFrame({"customer_id": ["cus_1", "ann", None]})
    >>> found = with_persons({"transactions": rows}, {"cus_1": "ann", "ann": "ann"})
    >>> found["transactions"].collect()["customer_id"].to_list()
    ['ann', 'ann', None]
    """
    if not persons:
        return dict(tables)
    linked = sorted(persons)
    old, new = pl.Series(linked, dtype=pl.String), pl.Series([persons[each] for each in linked], dtype=pl.String)
    found: dict[str, pl.LazyFrame] = {}
    for name, frame in tables.items():
        columns = [column for column in PARTIES if column in frame.collect_schema()]
        replaced = [pl.col(column).replace(old, new) for column in columns]
        if name == "customers":
            found[name] = _one_row_per_person(frame, replaced, linked)
        else:
            found[name] = frame.with_columns(replaced)
    return found


def _one_row_per_person(customers: pl.LazyFrame, replaced: list[pl.Expr], linked: list[str]) -> pl.LazyFrame:
    is_linked = pl.col(WHO).is_in(linked)
    rest = customers.filter(~is_linked).with_columns(replaced)
    original = pl.col(WHO).alias("ckm:original")
    rows = customers.filter(is_linked).with_columns(original, *replaced)
    first = rows.sort(pl.col("ckm:original") != pl.col(WHO), "ckm:original").drop("ckm:original")
    asked = consent_columns(customers.collect_schema())
    refusal_first = [
        pl.col(name).sort_by(answer(name, entry), nulls_last=True, maintain_order=True).drop_nulls().first()
        for name, entry in asked.items()
    ]
    merged = first.group_by(WHO, maintain_order=True).agg(
        pl.all().exclude(list(asked)).drop_nulls().first(), *refusal_first
    )
    return pl.concat([rest, merged.select(customers.collect_schema().names())])
