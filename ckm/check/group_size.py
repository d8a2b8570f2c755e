"""Customers who are few with their values of the quasi-identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.check.findings import Finding, Severity
from ckm.group_size import small_groups
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ckm.check.limits import CheckLimits


def group_size(name: str, rows: pl.LazyFrame, limits: CheckLimits) -> Iterator[Finding]:
    """Find customers in groups of equal quasi-identifiers that are smaller than ``min_group_size``.

    Parameters
    ----------
    name
        Name of the table.
    rows
        Its rows.
    limits
        ``quasi_identifiers`` and ``min_group_size``.
    """
    found = small_groups(rows, limits.quasi_identifiers, limits.min_group_size)
    if found is None or not found.groups:
        return
    yield Finding(
        check="group_size",
        severity=Severity.warning,
        table=name,
        column="+".join(found.columns),
        message=f"{counted(found.customers, 'customer', 'is', 'are')} in {counted(found.groups, 'group')} of fewer "
        f"than {found.limit} customers with equal values; the smallest has {found.smallest}: exports with these "
        "columns are refused",
        count=found.customers,
        value=float(found.smallest),
        limit=float(found.limit),
        hint="coarsen a column (a region instead of a city, a decade instead of a year)",
    )
