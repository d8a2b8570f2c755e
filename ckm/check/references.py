"""Unknown customer ids, and sales without a customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.checked_table import CheckedTable
    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts

REFERENCES = {
    "transactions": ("customer_id",),
    "interactions": ("customer_id",),
    "customers": ("parent_id",),
    "relationships": ("customer_id", "related_id"),
    "billing_fields": ("customer_id",),
    "consents": ("customer_id",),
    "memberships": ("customer_id",),
}
"""Customer id columns of each table."""


def references(measured: TableCounts, column: str, customers: CheckedTable, limits: CheckLimits) -> Iterator[Finding]:
    """Find rows whose customer id is missing from the table customers; above ``unknown_customer_share`` a warning."""
    subject = measured.subject
    known = customers.frame.select(pl.col("customer_id").cast(pl.String)).drop_nulls().unique()
    named = subject.frame.select(pl.col(column).cast(pl.String)).drop_nulls().group_by(column).agg(pl.len())
    unknown = named.join(known, left_on=column, right_on="customer_id", how="anti")
    ids, count = (
        unknown.select(pl.len().alias("ids"), pl.col("len").sum().cast(pl.Int64)).collect(engine="streaming").row(0)
    )
    if not count:
        return
    part = count / measured.rows
    yield Finding(
        check="references",
        severity=Severity.warning if part > limits.unknown_customer_share else Severity.info,
        table=subject.name,
        column=column,
        message=f"{counted(count, 'row')} ({share(part)}) refer to {counted(ids, 'customer')} "
        "missing from the table customers",
        count=count,
        value=part,
        limit=limits.unknown_customer_share,
        hint="load the customers of that source, or map its ids to those of other sources",
    )


def no_customer(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find transactions without a customer: valid (cash sales), but excluded from analyses per customer."""
    count = int(measured.by_day["no_customer"].sum())
    if not count:
        return
    part = count / measured.rows
    yield Finding(
        check="no_customer",
        severity=Severity.warning if part > limits.no_customer_share else Severity.info,
        table=measured.subject.name,
        column="customer_id",
        message=f"{counted(count, 'row')} ({share(part)}) have no customer and are excluded from analyses per customer",
        count=count,
        value=part,
        limit=limits.no_customer_share,
    )
