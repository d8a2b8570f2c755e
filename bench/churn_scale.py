"""Claim: ``ckm churn-warn --model auto`` on 20 million lines of 1 million customers takes minutes and 4 GB at most.

From 100,000 customers (2 million lines) to 1 million the time grows at most 12-fold. Whole processes, from a Parquet
file to a file of warnings.

Usage: ``python bench/churn_scale.py [FOLDER]``. FOLDER (default: a temporary one) keeps the generated files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from make_orders_parquet import write
from measure import CKM, Run, machine, run

CASES = ((2_000_000, 100_000), (20_000_000, 1_000_000))
BAR_MB = 4_000
BAR_GROWTH = 12


def warn(source: Path, target: Path) -> Run:
    return run([*CKM, "churn-warn", str(source), "--horizon", "90d", "-q", "-o", str(target), "-f", "csv"])


def main(folder: Path) -> None:
    runs = []
    for rows, customers in CASES:
        source = folder / f"orders_{rows}_text.parquet"
        if not source.exists():
            write(source, rows, customers, "text")
        runs.append(warn(source, folder / "warnings.parquet"))
        assert runs[-1].code == 0
        print(f"{rows:,} lines of {customers:,} customers: {runs[-1]} (at most {BAR_MB:,} MB)", flush=True)
        print(runs[-1].stdout)
    print(f"growth: {runs[1].wall / runs[0].wall:.1f}-fold (at most {BAR_GROWTH})")
    print(machine("polars", "numpy", "scikit-learn", "scipy"))


if __name__ == "__main__":
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    kept.mkdir(parents=True, exist_ok=True)
    main(kept)
