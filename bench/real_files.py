"""Claim: real files are accounted for to the row, and a file that was loaded is known again in at most 1.5 s.

Usage: ``python bench/real_files.py``. Online Retail (525,461 order lines, by column names) and both CDNOW files (by
mappings: they have no order number, and one has no header) go into a new workspace each, twice.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from measure import CKM, SHARED, machine, run

MASTER = """
schema: ckm.map/1
table: transactions
columns:
  order_id: {expr: "customer_id || '-' || date"}
  customer_id: customer_id
  ordered_at: date
  quantity: number_of_cds
  net: dollar_value
  currency: {value: USD}
"""
SAMPLE = MASTER.replace(
    "table: transactions",
    "table: transactions\nformat: {header: none, columns: [master_id, customer_id, date, number_of_cds, dollar_value]}",
)
FILES = (
    ("online_retail_2009_2010.parquet", None, "GBP", 525_461),
    ("CDNOW_master.txt", MASTER, "USD", 69_659),
    ("CDNOW_sample.txt", SAMPLE, "USD", 6_919),
)


def main(folder: Path) -> None:
    for name, mapping, currency, rows in FILES:
        workspace = folder / name
        run([*CKM, "init", "-q", str(workspace), "--currency", currency])
        how = ["--as", "transactions"]
        if mapping:
            (workspace / "maps" / "cdnow.yaml").write_text(mapping, encoding="utf-8")
            how = ["--map", str(workspace / "maps" / "cdnow.yaml")]
        ingest = [*CKM, "ingest", "-q", str(SHARED / "transactions" / name), *how, "-C", str(workspace), "-f", "json"]
        for turn in ("first", "again"):
            took = run(ingest)
            [result] = json.loads(took.stdout)
            assert result["rows"] == rows, result["rows"]
            parts = {part: result[part] for part in ("accepted", "unchanged", "duplicates", "quarantined")}
            print(f"{name} {turn}: {result['status']}, {took}, {rows:,} rows = {parts}")
        for command in (["check"], ["segment"]):
            took = run([*CKM, *command, "-q", "-C", str(workspace), "-f", "json"])
            print(f"  ckm {command[0]}: {took}, {len(json.loads(took.stdout))} rows of result")
    print(machine("polars", "deltalake"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(scratch))
