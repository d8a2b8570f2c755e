"""Cold process, warm disk: what ``ckm kb-search`` takes with 10,000 and 100,000 entries, each in a file of its own.

    python bench/kb_start.py [FOLDER] [--entries 10000 100000] [--runs 20]

Makes the bases (``make_kb.py``) and their indexes below FOLDER unless they are there, and prints for each: the first
build (time and peak memory), the median of the searches on the clock and of processor time beside ``python -c pass``
and ``ckm --version`` in the same rounds, the peak memory, and what a search takes that finds a changed file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from make_kb import make
from measure import CKM, Run, machine, run

QUERIES = ("late parcel refund", "Rückgabe Gutschein", "พัสดุล่าช้า", "包裹延迟", "بسته تأخیر")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--entries", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=20)
    asked = parser.parse_args()
    print(machine("tantivy", "typer", "pyyaml"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        os.environ["CKM_CACHE"] = str(folder / "cache")
        for entries in asked.entries:
            base = folder / f"kb-{entries}"
            if not base.is_dir():
                make(base, entries)
            measure(base, entries, asked.runs)


def measure(base: Path, entries: int, runs: int) -> None:
    first = search(base, QUERIES[0])
    print(f"{entries:,} entries, first search: {first}")
    rounds: dict[str, list[Run]] = {"python -c pass": [], "ckm --version": [], "ckm kb-search": []}
    for number in range(runs):
        rounds["python -c pass"].append(run([sys.executable, "-c", "pass"]))
        rounds["ckm --version"].append(run([*CKM, "--version"]))
        rounds["ckm kb-search"].append(search(base, QUERIES[number % len(QUERIES)]))
    for name, times in rounds.items():
        wall, cpu = (statistics.median(getattr(one, kind) for one in times) * 1000 for kind in ("wall", "cpu"))
        fastest = min(one.wall for one in times) * 1000
        peak = max(one.peak_mb for one in times)
        print(f"  {name:15} median {wall:4.0f} ms (fastest {fastest:4.0f}), {cpu:4.0f} ms CPU, peak {peak:3.0f} MB")
    path = base / "0000" / "000003.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}environment: quokkaword\n", encoding="utf-8")
    changed = search(base, "quokkaword")
    found = changed.stdout.count("entry-000003")
    path.write_text(text, encoding="utf-8")
    print(f"  a changed file: {'found' if found else 'NOT FOUND'} by the next search, {changed}")
    search(base, QUERIES[0])


def search(base: Path, query: str) -> Run:
    done = run(
        [*CKM, "kb-search", query, "--kb", str(base), "--as-of", "2026-06-30", "-q", "-f", "csv", "--include-inactive"]
    )
    assert done.code == 0
    return done


if __name__ == "__main__":
    main()
