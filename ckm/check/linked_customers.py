"""Customers of several sources: how many of each occur in another source too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.identities import FILE
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COLUMNS = ("customer_id", "source")
FEWEST = 20
"""Fewest customers of a source that is compared with others."""


def unknown_links(unknown: int) -> Iterator[Finding]:
    """Find ids of ``identities.csv`` that no table has; ``unknown`` is their number."""
    if unknown:
        yield Finding(
            check="linked_customers",
            severity=Severity.warning,
            table="transactions",
            column="customer_id",
            part=FILE,
            message=f"{counted(unknown, 'id')} of {FILE} {'is' if unknown == 1 else 'are'} in no table: "
            "their lines link nothing",
            count=unknown,
            value=float(unknown),
            hint=f"correct the ids in {FILE}, or delete their lines",
        )


def linked_customers(tables: Mapping[str, pl.LazyFrame]) -> Iterator[Finding]:
    """Find the share of each source's customers that occur in no other source; a warning if no customer does.

    Linked customer ids (``ckm link``) are one customer. ``tables`` are those with :data:`COLUMNS`, payments included;
    with fewer than two sources there is nothing to find.
    """
    pairs = [frame.select(COLUMNS).drop_nulls().unique() for frame in tables.values()]
    found = pl.concat(pairs).unique().with_columns(pl.len().over("customer_id").alias("sources"))
    by_source = (
        found.group_by("source")
        .agg(pl.len().alias("customers"), (pl.col("sources") > 1).sum().alias("elsewhere"))
        .filter(pl.col("customers") >= FEWEST)
        .sort("source")
        .collect()
    )
    if by_source.height < 2:  # one source alone
        return
    if not by_source["elsewhere"].sum():
        yield Finding(
            check="linked_customers",
            severity=Severity.warning,
            table="transactions",
            column="customer_id",
            message=f"no customer of {by_source.height} sources occurs in two of them: "
            "a person with two ids counts twice",
            count=int(by_source["customers"].sum()),
            value=1.0,
            hint="ckm link finds the ids of one person",
        )
        return
    for source, customers, elsewhere in by_source.rows():
        alone = 1 - elsewhere / customers
        yield Finding(
            check="linked_customers",
            severity=Severity.info,
            table="transactions",
            column="customer_id",
            part=source,
            message=f"{elsewhere:,} of {counted(customers, 'customer')} of {source} occur in another source too; "
            f"{share(alone)} do not",
            count=customers - elsewhere,
            value=alone,
            hint="ckm link finds the ids of one person",
        )
