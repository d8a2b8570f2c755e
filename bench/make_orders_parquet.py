"""Write a large, seeded Parquet file of order lines, two to an order, customers of every activity, 3 % returns.

Usage: ``python bench/make_orders_parquet.py OUT.parquet [ROWS] [CUSTOMERS] [text|number|uuid]`` (default 20,000,000,
1,000,000, and ids of eight characters).
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

CHUNK = 1_000_000
DAYS = 3 * 365
ID_KINDS = ("text", "number", "uuid")
START = datetime(2023, 1, 1)


def ids(customer: pl.Expr, kind: str) -> pl.Expr:
    """Return customers' ids: ``C0000017``, ``17``, or a text like a UUID."""
    if kind == "number":
        return customer
    if kind == "text":
        return pl.lit("C") + customer.cast(pl.String).str.zfill(7)
    digits = customer.hash(seed=7).cast(pl.String).str.zfill(20)
    return pl.concat_str(digits.str.head(8), digits.str.slice(8, 4), digits.str.tail(8), customer, separator="-")


def chunk(rng: np.random.Generator, first: int, rows: int, shares: np.ndarray, kind: str) -> pl.DataFrame:
    """Return ``rows`` order lines from row ``first`` on; ``shares`` are the customers' cumulated shares of orders."""
    number = np.arange(first, first + rows)
    orders = rows // 2 + 1
    customer = np.searchsorted(shares, rng.random(orders)).clip(0, len(shares) - 1)
    second = rng.integers(0, DAYS * 86_400, orders)
    frame = pl.DataFrame(
        {
            "order": number // 2,
            "line": number % 2 + 1,
            "customer": np.repeat(customer, 2)[:rows],
            "second": np.repeat(second, 2)[:rows],
            "product": rng.integers(0, 5_000, rows),
            "quantity": rng.integers(1, 6, rows).astype(float),
            "net": np.round(rng.gamma(2.0, 12.0, rows) + 1, 2),
            "channel": rng.integers(0, 3, rows),
            "returned": rng.random(rows) < 0.03,
        }
    )
    return frame.select(
        order_id=pl.lit("O") + pl.col("order").cast(pl.String).str.zfill(8),
        line_no=pl.col("line").cast(pl.String),
        customer_id=ids(pl.col("customer"), kind),
        ordered_at=(pl.lit(START) + pl.duration(seconds="second")).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        product_id=pl.lit("P") + pl.col("product").cast(pl.String).str.zfill(4),
        quantity="quantity",
        net=pl.when("returned").then(-pl.col("net")).otherwise("net"),
        currency=pl.lit("EUR"),
        channel=pl.col("channel").replace_strict([0, 1, 2], ["web", "till", "phone"]),
        type=pl.when("returned").then(pl.lit("return")).otherwise(pl.lit("sale")),
    )


def write(path: Path, rows: int = 20_000_000, customers: int = 1_000_000, kind: str = "text", seed: int = 7) -> None:
    """Write ``rows`` order lines to ``path``. The same arguments give the same rows."""
    rng = np.random.default_rng(seed)
    activity = rng.gamma(0.8, 1, customers)
    shares = np.cumsum(activity / activity.sum())
    writer = None
    for first in range(0, rows, CHUNK):
        table = chunk(rng, first, min(CHUNK, rows - first), shares, kind).to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


if __name__ == "__main__":
    counts = [int(number.replace("_", "")) for number in sys.argv[2:4]]
    write(Path(sys.argv[1]), *counts, *sys.argv[4:])
