"""Smallest groups of customers with equal quasi-identifiers (k-anonymity; Sweeney 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import RefusedError
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.settings import PrivacySettings


CUSTOMER = "customer_id"


@dataclass(frozen=True)
class SmallGroups:
    """Groups of customers with equal values of the quasi-identifiers.

    Attributes
    ----------
    columns
        Quasi-identifiers that the table has.
    smallest
        Number of customers of the smallest group.
    groups, customers
        Number of groups below the limit, and number of customers in these groups.
    limit
        Minimum group size (customers).
    """

    columns: tuple[str, ...]
    smallest: int
    groups: int
    customers: int
    limit: int


def small_groups(rows: pl.LazyFrame | pl.DataFrame, quasi_identifiers: Iterable[str], limit: int) -> SmallGroups | None:
    """Return the groups of a table by its quasi-identifiers; None without quasi-identifiers or customers in the table.

    A missing value counts as a further value. Without a column ``customer_id`` each row counts as a customer.
    """
    frame = rows.lazy()
    schema = frame.collect_schema()
    columns = tuple(name for name in dict.fromkeys(quasi_identifiers) if name in schema)
    if not columns:
        return None
    if CUSTOMER in schema:
        frame = frame.filter(pl.col(CUSTOMER).is_not_null())
        size = pl.col(CUSTOMER).n_unique()
    else:
        size = pl.len()
    sizes = frame.group_by(columns).agg(size.alias("size")).select("size").collect(engine="streaming")["size"]
    below = sizes.filter(sizes < limit)
    return SmallGroups(columns, int(sizes.min()), len(below), int(below.sum()), limit) if len(sizes) else None  # type: ignore[arg-type]  # sizes are integers


def refuse_small_groups(rows: pl.LazyFrame | pl.DataFrame, settings: PrivacySettings, what: str) -> None:
    """Check that no group of customers in an export is smaller than the minimum group size.

    Parameters
    ----------
    rows
        The rows to write.
    settings
        Quasi-identifiers and minimum group size.
    what
        Name of the export, for the error message.

    Raises
    ------
    RefusedError
        A group is too small. The error has counts and column names, but no value of a customer.
    """
    found = small_groups(rows, settings.quasi_identifiers, settings.min_group_size)
    if found is not None and found.groups:
        raise RefusedError(
            f"{what}: {counted(found.customers, 'customer')} in {counted(found.groups, 'group')} of fewer than "
            f"{found.limit} with equal {', '.join(found.columns)}; the smallest has {found.smallest}",
            hint="leave out or coarsen a column; ckm.yaml: privacy.quasi_identifiers, privacy.min_group_size",
            groups=found.groups,
            customers=found.customers,
            smallest=found.smallest,
        )
