"""Claim: ``ckm segment`` takes no longer than DuckDB for the same features (orders too) and scores, at 2 GB.

20 million order lines of 1 million customers, Parquet to Parquet, whole processes, alternating. From 2 to 20 million
lines the time grows at most 12-fold. Ids are text of eight characters, whole numbers, or long texts.

Usage: ``python bench/segment.py [FOLDER] [ROUNDS]``. FOLDER (default: a temporary one) keeps the generated files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import polars as pl
from make_orders_parquet import write
from measure import CKM, Run, machine, run

CASES = ((2_000_000, 100_000, "text"), (20_000_000, 1_000_000, "text"), (20_000_000, 1_000_000, "number"))
CASES += ((20_000_000, 1_000_000, "uuid"),)
SQL = """
import duckdb
duckdb.execute('''COPY (
WITH customers AS (
    SELECT customer_id, round(sum(net), 4) AS monetary,
        max(ordered_at::date) FILTER (type IN ('sale', 'subscription') AND net >= 0) AS last_day,
        count(DISTINCT ordered_at::date) FILTER (type IN ('sale', 'subscription') AND net >= 0) AS frequency,
        count(DISTINCT order_id) FILTER (type IN ('sale', 'subscription') AND net >= 0) AS orders
    FROM '{source}' WHERE type <> 'cancel' AND customer_id IS NOT NULL GROUP BY ALL),
features AS (
    SELECT *, date_diff('day', last_day, (SELECT max(ordered_at)::date FROM '{source}')) AS recency_days
    FROM customers WHERE last_day IS NOT NULL),
cuts AS (
    SELECT quantile_disc(recency_days, [.2, .4, .6, .8]) AS r, quantile_disc(frequency, [.2, .4, .6, .8]) AS f,
        quantile_disc(monetary, [.2, .4, .6, .8]) AS m
    FROM features)
SELECT customer_id, 5 - len(list_filter(r, lambda cut: cut < recency_days)) AS r_score,
    1 + len(list_filter(f, lambda cut: cut < frequency)) AS f_score,
    1 + len(list_filter(m, lambda cut: cut < monetary)) AS m_score, recency_days, frequency, orders,
    monetary
FROM features, cuts ORDER BY customer_id
) TO '{target}' (FORMAT parquet)''')
"""


def duckdb(source: Path, target: Path) -> Run:
    return run([sys.executable, "-c", SQL.format(source=source, target=target)])


def ckm(source: Path, target: Path) -> Run:
    return run([*CKM, "segment", "-q", str(source), "-o", str(target)])


def differences(ours: Path, theirs: Path) -> dict[str, int]:
    """Return of how many customers the features differ, and of how many the scores."""
    exact = ("recency_days", "frequency")
    scores = ("r_score", "f_score", "m_score")
    left = pl.read_parquet(ours, columns=["customer_id", *exact, *scores, "monetary"])
    right = pl.read_parquet(theirs).with_columns(pl.col("customer_id").cast(pl.String))
    both = left.join(right, on="customer_id", how="full", suffix="_theirs")
    same = [pl.col(name).eq_missing(pl.col(f"{name}_theirs")) for name in exact]
    same.append(((pl.col("monetary") - pl.col("monetary_theirs")).abs() <= 1e-6).fill_null(value=False))
    alike = [pl.col(name).cast(pl.Int64).eq_missing(pl.col(f"{name}_theirs").cast(pl.Int64)) for name in scores]
    return both.select(
        customers=pl.len(),
        features_differ=(~pl.all_horizontal(same)).sum(),
        scores_differ=(~pl.all_horizontal(alike)).sum(),
    ).row(0, named=True)


def main(folder: Path, rounds: int) -> None:
    best: dict[tuple[int, str], Run] = {}
    for rows, customers, kind in CASES:
        source = folder / f"orders_{rows}_{kind}.parquet"
        if not source.exists():
            write(source, rows, customers, kind)
        print(f"{rows:,} lines, ids: {kind}, {source.stat().st_size / 1e6:,.0f} MB")
        pairs = []
        for _ in range(rounds):
            pairs.append((duckdb(source, folder / "duckdb.parquet"), ckm(source, folder / "ckm.parquet")))
            print(f"  duckdb {pairs[-1][0]}\n  ckm    {pairs[-1][1]}", flush=True)
        assert all(one.code == 0 for pair in pairs for one in pair)
        theirs, ours = (min((pair[side] for pair in pairs), key=lambda one: one.wall) for side in (0, 1))
        best[rows, kind] = ours
        print(f"  {differences(folder / 'ckm.parquet', folder / 'duckdb.parquet')}")
        print(
            f"  best of {rounds}: ratio {ours.wall / theirs.wall:.2f} (at most 1), CPU {ours.cpu / theirs.cpu:.2f}, ",
            end="",
        )
        print(f"peak {max(pair[1].peak_mb for pair in pairs):.0f} MB (at most 2000)")
    growth = best[20_000_000, "text"].wall / best[2_000_000, "text"].wall
    print(f"from 2 to 20 million lines: {growth:.1f}-fold (at most 12)")
    print(machine("polars", "numpy", "duckdb"))


if __name__ == "__main__":
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    kept.mkdir(parents=True, exist_ok=True)
    main(kept, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
