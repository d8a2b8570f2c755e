"""Partition number of a transaction line, from a hash of its customer id."""

from __future__ import annotations

import polars as pl

PARTITION = "ckm_partition"
HASH_SEED = 20


def partition_of(column: str, partitions: int) -> pl.Expr:
    """Return the partition number of each customer id (Int32, from 0); an arbitrary constant number for null."""
    return (pl.col(column).cast(pl.String).hash(HASH_SEED) % partitions).cast(pl.Int32)


def with_partition(rows: pl.DataFrame, partitions: int) -> pl.DataFrame:
    """Add the partition of each row as :data:`PARTITION` (Int32, from 0).

    All rows of a customer have one partition. Rows without a customer are spread evenly over the partitions, because
    they are only summed by day.
    """
    spread = (pl.int_range(pl.len()) % partitions).cast(pl.Int32)
    of_customer = partition_of("customer_id", partitions)
    return rows.with_columns(
        pl.when(pl.col("customer_id").is_null()).then(spread).otherwise(of_customer).alias(PARTITION)
    )
