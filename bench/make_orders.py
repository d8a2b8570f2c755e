"""Write a large, seeded CSV of order lines with one per cent bad rows.

Usage: ``python bench/make_orders.py OUT.csv [ROWS] [CUSTOMERS]`` (default 20,000,000 and 1,000,000).
The same arguments always give the same bytes. ``OUT.csv.truth.json`` says how many rows are bad, by kind.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

CHUNK = 1_000_000
BAD_SHARE = 0.01
COLUMNS = (
    "order_id",
    "line_no",
    "customer_id",
    "ordered_at",
    "product_id",
    "category",
    "quantity",
    "net",
    "currency",
    "channel",
)
BAD_KINDS = ("bad date", "text in a number", "no order id", "one field too many", "one field too few")
CATEGORIES = ["garden", "kitchen", "toys", "books", "sports", "pets", "office", "beauty"]
START = datetime(2023, 1, 1)


def chunk(rng: np.random.Generator, first: int, rows: int, customers: int) -> tuple[pl.Series, np.ndarray]:
    """Return ``rows`` CSV lines starting at row ``first``, and the kind of each (-1 = good)."""
    number = np.arange(first, first + rows)
    order = number // 3
    seconds = (order * 13 + rng.integers(0, 13, rows)) % (3 * 365 * 86_400)
    frame = pl.DataFrame(
        {
            "order_id": "O" + pl.Series(order).cast(pl.String).str.zfill(8),
            "line_no": pl.Series(number % 3 + 1).cast(pl.String),
            "customer_id": "C" + pl.Series((order * 7919) % customers).cast(pl.String).str.zfill(7),
            "ordered_at": pl.select(
                (pl.lit(START) + pl.duration(seconds=pl.Series(seconds))).dt.strftime("%Y-%m-%dT%H:%M:%S")
            ).to_series(),
            "product_id": "P" + pl.Series(rng.integers(0, 5_000, rows)).cast(pl.String).str.zfill(4),
            "category": pl.Series(CATEGORIES).gather(pl.Series(rng.integers(0, len(CATEGORIES), rows))),
            "quantity": pl.Series(rng.integers(1, 6, rows)).cast(pl.String),
            "net": pl.Series(np.round(rng.gamma(2.0, 12.0, rows) + 1, 2)).cast(pl.String),
            "currency": pl.repeat("EUR", rows, eager=True),
            "channel": pl.Series(["web", "till", "phone"]).gather(pl.Series(rng.integers(0, 3, rows))),
        }
    )
    kind = np.where(rng.random(rows) < BAD_SHARE, rng.integers(0, len(BAD_KINDS), rows), -1)
    bad = pl.Series(kind)
    frame = frame.with_columns(
        ordered_at=pl.when(bad == 0).then(pl.lit("2024-13-45T99:00:00")).otherwise("ordered_at"),
        quantity=pl.when(bad == 1).then(pl.lit("many")).otherwise("quantity"),
        order_id=pl.when(bad == 2).then(pl.lit("")).otherwise("order_id"),
    )
    line = pl.concat_str(COLUMNS, separator=",")
    short = pl.concat_str(COLUMNS[:-1], separator=",")
    lines = frame.select(pl.when(bad == 3).then(line + ",extra").when(bad == 4).then(short).otherwise(line)).to_series()
    return lines, kind


def write(path: Path, rows: int = 20_000_000, customers: int = 1_000_000, seed: int = 7) -> dict[str, int]:
    """Write ``rows`` order lines to ``path`` and return the number of bad rows by kind."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(len(BAD_KINDS), dtype=np.int64)
    with path.open("wb") as out:
        out.write((",".join(COLUMNS) + "\n").encode())
        for first in range(0, rows, CHUNK):
            lines, kind = chunk(rng, first, min(CHUNK, rows - first), customers)
            out.write(("\n".join(lines) + "\n").encode())
            counts += np.bincount(kind[kind >= 0], minlength=len(BAD_KINDS))
    truth = {"rows": rows, "bad": int(counts.sum()), **dict(zip(BAD_KINDS, counts.tolist(), strict=True))}
    Path(f"{path}.truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return truth


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), *(int(number.replace("_", "")) for number in sys.argv[2:])))
