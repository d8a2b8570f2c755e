"""Currencies, and amounts on the wrong side of zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts

_WRONG_SIDE = {
    "sale": ("below_zero", "below zero", "is it a return? translate its type in the mapping"),
    "return": ("above_zero", "above zero", "a return carries a negative net: {expr: '-amount'} in the mapping"),
}


def currencies(measured: TableCounts, _limits: CheckLimits) -> Iterator[Finding]:
    """Report more than one currency as an info, because amounts of two currencies are never added."""
    counted = measured.by_day.drop_nulls("currency").group_by("currency").agg(pl.col("rows").sum()).sort("currency")
    if counted.height < 2:
        return
    named = ", ".join(f"{currency} {count:,}" for currency, count in counted.iter_rows())
    yield Finding(
        check="currencies",
        severity=Severity.info,
        table=measured.subject.name,
        column="currency",
        message=f"{counted.height} currencies, in rows: {named}",
        count=counted.height,
        value=float(counted.height),
        limit=1.0,
        hint="amounts of two currencies are never added; analyse one at a time or give a rate table",
    )


def signs(measured: TableCounts, _limits: CheckLimits) -> Iterator[Finding]:
    """Find sales with a negative ``net`` and returns with a positive one: warnings."""
    for kind, (counter, side, hint) in _WRONG_SIDE.items():
        count = int(measured.by_day.filter(pl.col("type") == kind)[counter].sum())
        if count:
            yield Finding(
                check="signs",
                severity=Severity.warning,
                table=measured.subject.name,
                column="net",
                part=kind,
                message=f"{counted(count, kind)} {side}",
                count=count,
                value=count / measured.rows,
                limit=0.0,
                hint=hint,
            )
