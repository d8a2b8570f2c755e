"""Customer ids that may be used for many customers (guest sales)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.checked_table import DAY
from ckm.check.findings import Finding, Severity
from ckm.customers.shared_ids import MOST_IDS, shared_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts

SAMPLE = 20_000
"""Sample size of customers whose active days are counted; the sample is chosen by the hash of the id."""


def guest_ids(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find ids with a large share of the rows on most days: a warning if the id is a word for guests, else an info."""
    frame = measured.subject.frame.select(pl.col("customer_id").cast(pl.String), DAY)
    rows = frame.drop_nulls("customer_id").group_by("customer_id").agg(pl.len().cast(pl.Int64).alias("rows"))
    by_customer = rows.collect(engine="streaming").sort("rows", "customer_id", descending=[True, False])
    most = by_customer.head(MOST_IDS)
    every = max(1, by_customer.height // SAMPLE)
    counted = pl.col("customer_id").is_in(most["customer_id"].implode()) | (
        pl.col("customer_id").hash(seed=0) % every == 0
    )
    days = frame.filter(counted).unique().group_by("customer_id").agg(pl.col(DAY).count().cast(pl.Int64).alias("days"))
    found = days.collect(engine="streaming")
    for each in shared_ids(
        most["customer_id"].to_list(),
        most["rows"].to_numpy(),
        most.join(found, on="customer_id", how="left", maintain_order="left")["days"].to_numpy(),
        found["days"].to_numpy(),
        all_rows=measured.rows,
        all_days=measured.by_day["day"].drop_nulls().n_unique(),
    ):
        yield Finding(
            check="guest_ids",
            severity=Severity.info if each.word is None else Severity.warning,
            table=measured.subject.name,
            column="customer_id",
            message=each.finding,
            count=each.rows,
            value=each.share,
            hint=each.hint,
        )
