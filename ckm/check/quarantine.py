"""Rows rejected at ingest, by table and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.check.table_statistics import ROW
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm.check.limits import CheckLimits


def quarantine(refused: pl.LazyFrame, loaded: Mapping[str, int], limits: CheckLimits) -> Iterator[Finding]:
    """Return one finding per table and reason.

    A row with several reasons counts under each; the severity depends on the table's share of rejected rows, each
    counted once.

    Parameters
    ----------
    refused
        The store's table ``quarantine``: ``table`` and ``reasons``, a list of ``column|rule``.
    loaded
        Rows loaded, by table.
    limits
        Thresholds.
    """
    numbered = refused.select("table", "reasons").with_row_index("row")
    per_reason = (
        numbered.explode("reasons", empty_as_null=True)
        .group_by("table", reason=pl.col("reasons").fill_null("unknown"))
        .agg(pl.col("row").n_unique().cast(pl.Int64).alias("rows"))
    )
    reasons, totals = pl.collect_all(
        [per_reason.sort("table", "reason"), numbered.group_by("table").agg(pl.len().cast(pl.Int64).alias("rows"))],
        engine="streaming",
    )
    refused_rows = dict(totals.iter_rows())
    for table, reason, count in reasons.iter_rows():
        part = refused_rows[table] / (refused_rows[table] + loaded.get(table, 0))
        column, _, _ = reason.rpartition("|")
        yield Finding(
            check="quarantine",
            severity=Severity.warning if part > limits.quarantine_share else Severity.info,
            table=table,
            column=column if column and column != ROW else None,
            part=reason,
            message=f"{counted(count, 'row')} rejected: {reason}; in total {share(part)} of the rows read",
            count=count,
            value=part,
            limit=limits.quarantine_share,
            hint="fix the mapping, then run ckm ingest --requarantine",
        )
