"""Claim: 20 million order lines are ingested in at most 1.5 times DuckDB's time, at no more than 700 MB.

One per cent of them is bad. ckm checks, quarantines and commits; DuckDB copies them to Parquet unchecked.

Usage: ``python bench/ingest.py [FOLDER] [ROWS]``. FOLDER (default: a temporary one) keeps the generated file and the
workspace for ``bench/store.py``.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from make_orders import write
from measure import CKM, Run, machine, run

ROUNDS = 3
COPY = """
import duckdb
duckdb.execute("COPY (SELECT * FROM read_csv('{source}', ignore_errors=true)) TO '{target}' (FORMAT parquet)")
"""


def duckdb_copy(source: Path, target: Path) -> Run:
    return run([sys.executable, "-c", COPY.format(source=source, target=target)])


def ckm_ingest(source: Path, workspace: Path) -> Run:
    shutil.rmtree(workspace, ignore_errors=True)
    run([*CKM, "init", "-q", str(workspace)])
    return run([*CKM, "ingest", "-q", str(source), "--as", "transactions", "-f", "json", "-C", str(workspace)])


def main(folder: Path, rows: int) -> None:
    source = folder / f"orders_{rows}.csv"
    if not source.exists():
        write(source, rows)
    truth = json.loads(Path(f"{source}.truth.json").read_text())
    print(f"{source.name}: {rows:,} lines, {source.stat().st_size / 1e6:,.0f} MB, {truth['bad']:,} of them bad")
    pairs = []
    for _ in range(ROUNDS):
        pairs.append((duckdb_copy(source, folder / "copy.parquet"), ckm_ingest(source, folder / "shop")))
        print(f"  duckdb COPY {pairs[-1][0]}\n  ckm ingest  {pairs[-1][1]}")
    [result] = json.loads(pairs[-1][1].stdout)
    assert (result["rows"], result["accepted"], result["quarantined"]) == (rows, rows - truth["bad"], truth["bad"])
    duckdb, ckm = (min((pair[side] for pair in pairs), key=lambda one: one.wall) for side in (0, 1))
    print(f"every row accounted for: {result['accepted']:,} loaded, {result['quarantined']:,} quarantined")
    print(f"best of {ROUNDS}: ratio {ckm.wall / duckdb.wall:.2f} (at most 1.5), CPU ratio {ckm.cpu / duckdb.cpu:.2f}, ")
    print(f"peak memory {max(pair[1].peak_mb for pair in pairs):.0f} MB (at most 700)")
    print(machine("polars", "pyarrow", "deltalake", "duckdb"))


if __name__ == "__main__":
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    kept.mkdir(parents=True, exist_ok=True)
    main(kept, int(sys.argv[2].replace("_", "")) if len(sys.argv) > 2 else 20_000_000)
