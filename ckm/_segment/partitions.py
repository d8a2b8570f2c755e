"""Apply a definition to a ledger in partitions.

Each partition computes its customers' features and segments. The summary needs one short row per customer, without id;
the full rows are written, or returned, by :func:`partition_rows`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from ckm._segment.result import Segmentation, customer_rows, segmentation, with_moves
from ckm._segment.stability import counts_by_feature
from ckm._segment.tables import definition_table
from ckm.customers.features import join_tables
from ckm.partitions.customer_hash import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from ckm._segment.definition_file import SavedDefinition
    from ckm._segment.moves import Moves
    from ckm.customers.features import FeatureTable
    from ckm.customers.shop_facts import ShopFacts
    from ckm.partitions.partitioned_ledger import Partition, PartitionedLedger

SUMMARISED = ("net_total", "purchases_total", "orders", "recency_days", "last_purchase")
"""Features of the summary."""
KEPT = ("customer_id", "rows")
"""Further columns of the customers of a saved run."""


def segment_partitions(
    saved: SavedDefinition,
    ledger: PartitionedLedger,
    customers: pl.LazyFrame | None,
    *,
    as_of: date | None = None,
    check: Callable[[SavedDefinition, FeatureTable, str | None], None] | None = None,
    keep: bool = False,
) -> tuple[Segmentation, Mapping[str, list[int]]]:
    """Return the segmentation of all customers by a definition, without rows of customers.

    Parameters
    ----------
    saved
        The definition.
    ledger
        Ledger with the sums that it needs.
    customers
        The table ``customers``.
    as_of
        As-of date; None means that of the ledger.
    check
        Function that raises an error if the definition does not match the features of all customers; it gets a table
        without rows.
    keep
        Whether the result has :attr:`Segmentation.kept`.

    Returns
    -------
    tuple
        The result, and the numbers of customers in the intervals or levels of each feature.
    """
    job = _Job(saved, customers, ledger.partitions, ledger.facts(as_of), as_of)
    found = list(ledger.map(partial(_part, job, (*SUMMARISED, *(KEPT if keep else ())))))
    columns = dict.fromkeys((name for each in found for name in each.columns), pl.Null())
    whole = join_tables([each.table for each in found], pl.DataFrame(schema=columns))
    if check is not None:
        check(saved, whole, ledger.common.reading.time_zone)
    table = replace(whole, frame=pl.concat([each.table.frame for each in found], rechunk=True))
    assigned = pl.concat([each.assigned for each in found], rechunk=True)
    kept = pl.DataFrame()
    if keep:
        kept = pl.concat([table.frame, assigned.select("segment")], how="horizontal").sort("customer_id")
        kept = kept.select("customer_id", "segment", "rows", "net_total")
    counts: dict[str, list[int]] = {}
    for part in found:
        for name, each in part.counts.items():
            counts[name] = [one + other for one, other in zip(counts.get(name, [0] * len(each)), each, strict=True)]
    return segmentation(saved, table, assigned, customers=found[0].rows, kept=kept), counts


def with_rows(
    result: Segmentation, ledger: PartitionedLedger, customers: pl.LazyFrame | None, path: Path | None
) -> Segmentation:
    """Return a result with the rows of all customers, or write them to a Parquet file.

    Parameters
    ----------
    result
        Result of :func:`segment_partitions`, perhaps with segment changes.
    ledger, customers
        As for :func:`segment_partitions`.
    path
        The file, or in Spark a folder of files; None returns the rows, sorted by ``customer_id``.
    """
    rows = partial(_rows, _Job(result.definition, customers, ledger.partitions, ledger.facts(), None), result.moves)
    if path is None:
        return replace(result, customers=pl.concat(ledger.map(rows), rechunk=True).sort("customer_id"))
    return replace(result, written=ledger.write(rows, path, result.customers.schema))


@dataclass(frozen=True)
class _Job:
    """What the customers of a partition are assigned segments by: see :func:`segment_partitions`."""

    saved: SavedDefinition
    customers: pl.LazyFrame | None
    partitions: int
    facts: ShopFacts
    as_of: date | None

    def table(self, part: Partition) -> FeatureTable:
        """Return the features of the customers of a partition."""
        customers = self.customers
        if customers is not None:
            customers = customers.filter(partition_of("customer_id", self.partitions) == part.number)
        return definition_table(self.saved, part.ledger, customers, as_of=self.as_of, facts=self.facts)


@dataclass(frozen=True)
class _Part:
    """Result of one partition.

    Attributes
    ----------
    table
        Feature table, with some columns only.
    columns
        All columns of the feature table.
    assigned
        Result of the definition; without columns if the table lacks a feature.
    rows
        No rows, with the columns of :func:`_rows`.
    counts
        Customers by interval or level of each feature (:func:`counts_by_feature`).
    """

    table: FeatureTable
    columns: tuple[str, ...]
    assigned: pl.DataFrame
    rows: pl.DataFrame
    counts: Mapping[str, list[int]]


def _part(job: _Job, kept: Sequence[str], part: Partition) -> _Part:
    saved, table = job.saved, job.table(part)
    columns = tuple(table.frame.columns)
    summarised = replace(table, frame=table.frame.select(kept))
    if not set(saved.definition.needs) <= set(columns):
        return _Part(summarised, columns, pl.DataFrame(), pl.DataFrame(), {})
    assigned = saved.definition.assign(table.frame)
    rows = customer_rows(saved, replace(table, frame=table.frame.clear()), assigned.clear())
    return _Part(summarised, columns, assigned, rows, counts_by_feature(saved.distribution, table.frame))


def _rows(job: _Job, moves: Moves | None, part: Partition) -> pl.DataFrame:
    table = job.table(part)
    rows = customer_rows(job.saved, table, job.saved.definition.assign(table.frame))
    return rows if moves is None else with_moves(rows, moves)
