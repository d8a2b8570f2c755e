"""Claim: ``ckm loyalty-report`` of 20 million lines takes at most three times the time of ``ckm segment``, and 3 GB.

Whole processes, from one Parquet file of 1 million customers to a page, and to a table of segments. Two reports must
have the same bytes.

Usage: ``python bench/loyalty.py [FOLDER]``. FOLDER (default: a temporary one) keeps the generated file.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from make_orders_parquet import write
from measure import CKM, Run, machine, run

CASES = ((2_000_000, 100_000), (20_000_000, 1_000_000))
BAR_MB = 3_000
BAR_RATIO = 3
REPEATS = 2


def segment(source: Path, target: Path, method: str) -> Run:
    return run([*CKM, "segment", str(source), "--by", method, "-q", "-o", str(target), "-f", "csv"])


def report(source: Path, target: Path) -> Run:
    return run([*CKM, "loyalty-report", str(source), "-q", "-o", str(target), "-f", "csv"])


def main(folder: Path) -> None:
    for rows, customers in CASES:
        source = folder / f"orders_{rows}_text.parquet"
        if not source.exists():
            write(source, rows, customers, "text")
        print(f"{rows:,} lines of {customers:,} customers", flush=True)
        segments, reports, pages = [], [], set()
        for number in range(REPEATS):
            segments.append(segment(source, folder / "segments.parquet", "rfm"))
            page = folder / f"loyalty_{number}.html"
            reports.append(report(source, page))
            assert segments[-1].code == reports[-1].code == 0
            pages.add(page.read_bytes())
            print(f"  segment        {segments[-1]}\n  loyalty-report {reports[-1]}", flush=True)
        value = segment(source, folder / "segments.parquet", "value")
        print(f"  segment --by value {value}")
        best = min(each.wall for each in reports)
        ratio = best / min(each.wall for each in segments)
        peak = max(each.peak_mb for each in reports)
        page = pages.pop()
        print(
            f"  best of {REPEATS}: ratio {ratio:.2f} (at most {BAR_RATIO}) to segment by rfm, "
            f"{best / value.wall:.2f} to segment by value;\n"
            f"  peak {peak:.0f} MB (at most {BAR_MB:,}); {len(page) / 1000:.0f} kB, "
            f"{'DIFFERENT' if pages else 'the same'} bytes",
            flush=True,
        )
    print(machine("polars", "numpy", "scipy", "altair", "vl-convert-python"))


if __name__ == "__main__":
    kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    kept.mkdir(parents=True, exist_ok=True)
    main(kept)
