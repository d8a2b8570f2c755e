"""Customers that are named and not known, and sales that name none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured
    from ckm.check.subject import Subject

REFERENCES = {"transactions": "customer_id", "interactions": "customer_id", "customers": "parent_id"}
"""Column of each table that names a customer."""


def references(measured: Measured, customers: Subject, limits: CheckLimits) -> Iterator[Finding]:
    """Rows whose customer id is not in the table customers; above ``unknown_customer_share`` a warning."""
    subject = measured.subject
    column = REFERENCES[subject.name]
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
        message=f"{counted(count, 'row')} ({share(part)}) name {counted(ids, 'customer')} not in the table customers",
        count=count,
        value=part,
        limit=limits.unknown_customer_share,
        hint="load the customers of that source, or map its ids to those of the others",
    )


def no_customer(measured: Measured, limits: CheckLimits) -> Iterator[Finding]:
    """Transactions without a customer: real (cash sales), but left out of everything per customer."""
    count = int(measured.by_day["no_customer"].sum())
    if not count:
        return
    part = count / measured.rows
    yield Finding(
        check="no_customer",
        severity=Severity.warning if part > limits.no_customer_share else Severity.info,
        table=measured.subject.name,
        column="customer_id",
        message=f"{counted(count, 'row')} ({share(part)}) name no customer and are left out of what is per customer",
        count=count,
        value=part,
        limit=limits.no_customer_share,
    )
