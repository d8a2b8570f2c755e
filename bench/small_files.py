"""Claim: the last of 3,000 small files costs what the first one did, loaded in one run or one by one.

A file a day, as a till or a nightly export writes them, into a store that compacts itself. Printed: seconds for files
1–100, 101–200 …, the ratio of the last hundred to the first, and against one large file of the same rows. The peer
appends the same files to a Delta table with deltalake and calls ``optimize.compact`` after every hundred. Then runs of
an analysis are saved, one after the other.

Usage: ``python bench/small_files.py [FILES] [ROWS_PER_FILE] [RUNS]``.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from measure import CKM, Run, machine, run

GROUP = 100
SINGLE = 20
"""Files that are loaded by a process of their own, into the empty store and into the full one."""
FIRST_DAY = date(2015, 1, 1)
PEER = """
import sys, time
from pathlib import Path
import polars as pl
from deltalake import DeltaTable
started = time.perf_counter()
for number, path in enumerate(sorted(Path(sys.argv[1]).glob("*.csv")), 1):
    frame = pl.read_csv(path, schema_overrides={"order_id": pl.String}, try_parse_dates=True)
    frame.write_delta(sys.argv[2], mode="append")
    if number % 100 == 0:
        table = DeltaTable(sys.argv[2])
        table.optimize.compact()
        print(time.perf_counter() - started, len(table.file_uris()), flush=True)
"""
RUNS = """
import sys, time
from datetime import date, timedelta
from pathlib import Path
import polars as pl
from ckm.store import Store
store, count, group = Store(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
frame = pl.DataFrame({"customer_id": [f"C{n:05}" for n in range(200)], "score": [n % 7 for n in range(200)]})
started = time.perf_counter()
for number in range(1, count + 1):
    store.save_run("bench", "default", 1, date(2000, 1, 1) + timedelta(number), frame, {"method": "rfm"})
    if number % group == 0:
        print(time.perf_counter() - started, flush=True)
began = time.perf_counter()
newest = store.runs("bench")[-1]
print(time.perf_counter() - began)
began = time.perf_counter()
store.read_run(newest)
print(time.perf_counter() - began)
"""


def write_days(folder: Path, files: int, rows: int, begin: int = 0) -> Path:
    """Write a CSV file a day, and one file with all of their rows; return the latter's path."""
    folder.mkdir()
    large = folder.with_suffix(".csv")
    with large.open("w") as whole:
        header = "order_id,line_no,customer_id,ordered_at,product_id,category,quantity,net,currency,channel\n"
        whole.write(header)
        for day in range(begin, begin + files):
            text = "".join(_line(day, day * rows + number) for number in range(rows))
            (folder / f"{FIRST_DAY + timedelta(day)}.csv").write_text(header + text)
            whole.write(text)
    return large


def _line(day: int, number: int) -> str:
    mixed = number * 2_654_435_761 % 2**32
    when = f"{FIRST_DAY + timedelta(day)}T{mixed % 24:02}:{mixed % 60:02}:00"
    return (
        f"{10_000_000 + number},1,C{mixed % 50_000:05},{when},P{mixed % 997},"
        f"cat{mixed % 12},{1 + mixed % 3},{mixed % 9_000 / 100:.2f},EUR,web\n"
    )


def ckm(shop: Path, *sources: Path) -> Run:
    """Ingest files or folders into the workspace."""
    names = [str(source) for source in sources]
    return run([*CKM, "ingest", "-q", *names, "--as", "transactions", "-f", "json", "-C", str(shop)])


def one_run(shop: Path, days: Path) -> tuple[Run, list[float]]:
    """Ingest a folder; return the seconds of each group of files too, from the times of their commits."""
    started = time.time()
    whole = ckm(shop, days)
    listed = run([*CKM, "ingest", "--history", "-f", "json", "-C", str(shop)])
    at = sorted(datetime.fromisoformat(load["loaded_at"]).timestamp() for load in json.loads(listed.stdout))
    ends = [started, *at[GROUP - 1 :: GROUP]]
    return whole, [later - earlier for earlier, later in pairwise(ends)]


def singly(shop: Path, files: list[Path]) -> float:
    """Ingest files by a process each; return the seconds per file."""
    return sum(ckm(shop, file).wall for file in files) / len(files)


def shown(what: str, groups: list[float]) -> None:
    """Print the seconds of the groups, and the last against the first."""
    print(f"  {what}: {' '.join(f'{seconds:.1f}' for seconds in groups)}")
    print(f"  last to first: {groups[-1] / groups[0]:.2f}", flush=True)


def differences(lines: list[str]) -> list[float]:
    """Return the steps between times that were counted from one start."""
    ends = [0.0, *(float(line.split()[0]) for line in lines)]
    return [later - earlier for earlier, later in pairwise(ends)]


def table(shop: Path) -> str:
    """Return how many files and bytes the table of a workspace has on disk, old ones and log included."""
    folder = shop / "store" / "transactions"
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return f"{len(sizes):,} files on disk, {sum(sizes) / 1e6:.0f} MB"


def main(folder: Path, files: int, rows: int, runs: int) -> None:
    large = write_days(folder / "days", files, rows)
    print(f"{files:,} files of {rows} rows, {files * rows:,} rows")
    one = ckm(workspace(folder / "large"), large)
    print(f"one large file: {one}", flush=True)
    shop = workspace(folder / "shop")
    many, groups = one_run(shop, folder / "days")
    results = json.loads(many.stdout)
    assert sum(result["accepted"] for result in results) == files * rows
    print(f"in one run: {many}; {many.wall / one.wall:.1f} × the large file; {table(shop)}")
    shown(f"seconds for each {GROUP} files", groups)
    write_days(folder / "late", SINGLE, rows, begin=files)
    first = singly(workspace(folder / "single"), sorted((folder / "days").glob("*.csv"))[:SINGLE])
    last = singly(shop, sorted((folder / "late").glob("*.csv")))
    print(f"a process each: files 1–{SINGLE} {first:.2f} s a file, the {SINGLE} after {files:,} {last:.2f} s a file")
    print(f"  last to first: {last / first:.2f}", flush=True)
    peer = run([sys.executable, "-c", PEER, str(folder / "days"), str(folder / "peer")])
    print(f"deltalake append, optimize.compact every {GROUP}, rows neither checked nor compared: {peer}")
    shown(f"seconds for each {GROUP} files", differences(peer.stdout.splitlines()))
    if runs:
        kept = run([sys.executable, "-c", RUNS, str(folder / "runs"), str(runs), str(runs // 10)])
        *times, listing, reading = kept.stdout.splitlines()
        print(f"{runs:,} saved runs: {kept}; list all {float(listing):.2f} s, read the newest {float(reading):.2f} s")
        shown(f"seconds for each {runs // 10:,} runs", differences(times))
    print(machine("polars", "pyarrow", "deltalake"))


def workspace(path: Path) -> Path:
    """Create a workspace."""
    run([*CKM, "init", "-q", str(path)])
    return path


if __name__ == "__main__":
    numbers = [int(number.replace("_", "")) for number in sys.argv[1:]]
    scratch = Path(tempfile.mkdtemp())
    try:
        main(scratch, *[*numbers, *(3_000, 300, 10_000)[len(numbers) :]])
    finally:
        shutil.rmtree(scratch)
