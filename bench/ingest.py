"""Claim: 20 million order lines are ingested in at most 1.5 times DuckDB's time, at no more than 700 MB.

One per cent of them is bad. ckm checks, quarantines and commits; DuckDB copies them to Parquet unchecked. The second
source has the same lines as Parquet with typed columns: an invalid date or number is null there.

Usage: ``python bench/ingest.py [FOLDER] [ROWS] [ROUNDS]`` (default: a temporary folder, 20,000,000 and 3). FOLDER
keeps the generated files, and the workspace of the CSV file for ``bench/store.py`` and ``bench/increment.py``.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import polars as pl
from make_orders import COLUMNS, write
from measure import CKM, Run, machine, run

COPY = """
import duckdb
duckdb.execute("COPY (SELECT * FROM {read}('{source}'{options})) TO '{target}' (FORMAT parquet)")
"""
READERS = {".csv": ("read_csv", ", ignore_errors=true"), ".parquet": ("read_parquet", "")}


def duckdb_copy(source: Path, target: Path) -> Run:
    read, options = READERS[source.suffix]
    return run([sys.executable, "-c", COPY.format(read=read, source=source, options=options, target=target)])


def ckm_ingest(source: Path, workspace: Path) -> Run:
    shutil.rmtree(workspace, ignore_errors=True)
    run([*CKM, "init", "-q", str(workspace)])
    return run([*CKM, "ingest", "-q", str(source), "--as", "transactions", "-f", "json", "-C", str(workspace)])


def as_parquet(source: Path, target: Path) -> None:
    """Write the lines of the CSV file with typed columns."""
    lines = pl.scan_csv(source, infer_schema=False, truncate_ragged_lines=True)
    lines.with_columns(
        pl.col("ordered_at").str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_zone="UTC"),
        pl.col("quantity", "net").cast(pl.Float64, strict=False),
    ).select(COLUMNS).sink_parquet(target)


def compare(source: Path, workspace: Path, rounds: int) -> dict[str, int]:
    """Print both programs' time and memory for a source, and return what ckm counted."""
    pairs = []
    for _ in range(rounds):
        pairs.append((duckdb_copy(source, source.parent / "copy.parquet"), ckm_ingest(source, workspace)))
        print(f"  duckdb COPY {pairs[-1][0]}\n  ckm ingest  {pairs[-1][1]}", flush=True)
    duckdb, ckm = (min((pair[side] for pair in pairs), key=lambda one: one.cpu) for side in (0, 1))
    [result] = json.loads(pairs[-1][1].stdout)
    print(f"every row accounted for: {result['accepted']:,} loaded, {result['quarantined']:,} quarantined")
    print(
        f"best of {rounds}: ratio {ckm.wall / duckdb.wall:.2f} (at most 1.5), CPU ratio {ckm.cpu / duckdb.cpu:.2f}, "
        f"peak memory {max(pair[1].peak_mb for pair in pairs):.0f} MB (at most 700)",
        flush=True,
    )
    return {name: result[name] for name in ("rows", "accepted", "quarantined")}


def main(folder: Path, rows: int, rounds: int) -> None:
    source = folder / f"orders_{rows}.csv"
    if not source.exists():
        write(source, rows)
    typed = folder / f"orders_{rows}.parquet"
    if not typed.exists():
        as_parquet(source, typed)
    bad = json.loads(Path(f"{source}.truth.json").read_text())["bad"]
    print(f"{source.name}: {rows:,} lines, {source.stat().st_size / 1e6:,.0f} MB, {bad:,} of them bad")
    assert compare(source, folder / "shop", rounds) == {"rows": rows, "accepted": rows - bad, "quarantined": bad}
    print(f"{typed.name}: {typed.stat().st_size / 1e6:,.0f} MB")
    counts = compare(typed, folder / "parquet_shop", rounds)
    assert counts["accepted"] + counts["quarantined"] == counts["rows"] == rows
    shutil.rmtree(folder / "parquet_shop")
    print(machine("polars", "pyarrow", "deltalake", "duckdb"))


if __name__ == "__main__":
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    kept.mkdir(parents=True, exist_ok=True)
    counts = [int(number.replace("_", "")) for number in sys.argv[2:]]
    main(kept, *(counts or [20_000_000]), *([3] if len(counts) < 2 else []))
