"""Claims on a table of 20 million rows: upsert, erasing, and knowing a file again.

100,000 rows are upserted in at most 10 s and 1 GB; one customer is erased, old files included, in at most 3 s; a file
that is known is recognised in at most 1.5 s.

Usage: ``python bench/store.py FOLDER`` with the folder that ``bench/ingest.py`` has filled. The rows are drawn at
random from the whole table, so that every file is hit: half of them changed, a quarter unchanged, a quarter new.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
from measure import CKM, machine, run

ROWS = 100_000
ERASE = """
import sys, time, pathlib
from ckm.store import Store
started = time.perf_counter()
print(Store(pathlib.Path(sys.argv[1])).erase_customer(sys.argv[2]), f"{time.perf_counter() - started:.2f} s inside")
"""


def update_file(store: Path, target: Path) -> None:
    """Write a CSV that changes, repeats and adds rows of the table."""
    columns = ["order_id", "line_no", "customer_id", "ordered_at", "product_id", "category", "quantity", "net"]
    columns += ["currency", "channel"]
    table = pl.scan_delta(str(store / "transactions"))
    order = pl.col("order_id").str.slice(1).cast(pl.Int64)
    drawn = table.select(columns).filter((order * 2_654_435_761 % 20_000_000) < ROWS).collect()
    drawn = drawn.sort("order_id", "line_no").head(ROWS).with_row_index("n")
    kind = pl.col("n") % 4
    drawn.select(
        pl.when(kind == 3).then("N" + pl.col("order_id")).otherwise("order_id").alias("order_id"),
        *columns[1:3],
        pl.col("ordered_at").dt.strftime("%Y-%m-%dT%H:%M:%S"),
        *columns[4:7],
        pl.when(kind < 2).then(pl.col("net") + 1).otherwise("net").alias("net"),
        *columns[8:],
    ).write_csv(target)
    print(f"{len(drawn):,} rows to upsert")


def main(folder: Path) -> None:
    workspace = folder / "shop"
    store = workspace / "store"
    changes = folder / "changes.csv"
    update_file(store, changes)
    ingest = [*CKM, "ingest", "-q", "--as", "transactions", "-f", "json", "-C", str(workspace)]
    upsert = run([*ingest, str(changes)])
    [result] = json.loads(upsert.stdout)
    counts = {name: result[name] for name in ("rows", "accepted", "updated", "unchanged", "duplicates", "quarantined")}
    print(f"upsert: {upsert} (at most 10 s, 1 GB): {counts}")
    again = run([*ingest, str(changes)])
    print(f"the same file again: {again} (at most 1.5 s): {json.loads(again.stdout)[0]['status']}")
    customer = pl.scan_delta(str(store / "transactions")).select("customer_id").head(1).collect().item()
    before = len(list((store / "transactions").glob("*.parquet")))
    erased = run([sys.executable, "-c", ERASE, str(store), customer])
    after = len(list((store / "transactions").glob("*.parquet")))
    print(f"erase one customer: {erased} (at most 3 s): {erased.stdout.strip()}; {before} files before, {after} after")
    print(machine("polars", "pyarrow", "deltalake"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
