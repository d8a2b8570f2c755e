"""One command in memory, by partitions and in Spark: equal results, CPU time, and memory of driver and executors.

Usage: ``python bench/partitions.py FILE.parquet FOLDER [--command NAME] [--partitions N] [--master URL] [--kill SCRIPT]
[-- OPTIONS]``

``NAME`` is ``segment`` (default), ``churn-warn`` or ``loyalty-report``; ``OPTIONS`` are those of the command (default
for ``segment``: ``--by rfm``). With ``--master`` the Spark run follows the one by partitions; ``--kill`` runs a command
(``bench/spark_cluster.sh kill-worker``) when the executors have begun to work. Results of a run that are in FOLDER are
used again; ``--only NAME`` runs only ``memory``, ``partitions`` or ``spark``, and compares it with those results.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
from measure import CKM, Run, run
from polars.testing import assert_frame_equal

KINDS = {
    b"pyspark.daemon": "Python workers of executors",
    b"CoarseGrainedExecutorBackend": "Java of executors",
    b"SparkSubmit": "Java of the driver",
}
"""Kinds of Spark's processes, by a word of their command line."""


def processes() -> dict[int, tuple[str, float, float]]:
    """Return kind, RSS in MB and CPU seconds of Spark's processes on this machine, by process id."""
    found = {}
    tick = os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
            kind = next((name for word, name in KINDS.items() if word in line), None)
            if kind is None:
                continue
            times = (folder / "stat").read_text().rpartition(")")[2].split()
            pages = int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
        found[int(folder.name)] = (
            kind,
            pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            (int(times[11]) + int(times[12])) / tick,
        )
    return found


class Watch(threading.Thread):
    """Peak memory and CPU time of Spark's processes while a program runs."""

    def __init__(self, kill: list[str] | None) -> None:
        super().__init__(daemon=True)
        self.before = set(processes())
        self.peak, self.cpu, self.kill = dict.fromkeys(KINDS.values(), 0.0), {}, kill
        self.ended = threading.Event()

    def run(self) -> None:
        """Look at the processes twice a second."""
        while not self.ended.wait(0.5):
            self.look()
            if self.kill and self.seconds("Python workers of executors") > 15:
                subprocess.run(self.kill, check=True)
                print("killed a worker", flush=True)
                self.kill = None

    def look(self) -> None:
        """Note memory and CPU time of the processes that began after this object was made."""
        for process, (kind, memory, seconds) in processes().items():
            if process not in self.before:
                self.peak[kind] = max(self.peak[kind], memory)
                self.cpu[process] = (kind, seconds)

    def seconds(self, kind: str) -> float:
        """Return the CPU seconds of the processes of a kind."""
        return sum(seconds for of, seconds in self.cpu.values() if of == kind)


def measured(name: str, target: Path, command: list[str], kill: list[str] | None = None) -> Run | None:
    """Run a command and print its costs; nothing if its result is there."""
    if target.exists():
        return None
    watch = Watch(kill)
    watch.start()
    found = run([*CKM, *command, "-o", str(target), "-q"])
    watch.ended.set()
    watch.join()
    print(f"{name}: {found}; exit {found.code}", flush=True)
    for kind, peak in watch.peak.items():
        if peak:
            print(f"  {kind}: {watch.seconds(kind):.1f} s CPU, at most {peak:.0f} MB each", flush=True)
    if found.code:
        print(found.stdout)
        sys.exit(found.code)
    return found


def rows(path: Path) -> pl.DataFrame:
    """Return the rows of a file, or of a folder of Spark: of customers sorted by id, of metrics in their order."""
    found = pl.read_parquet(path if path.is_file() else path / "*.parquet")
    return found.sort("customer_id") if "customer_id" in found.columns else found


def main() -> None:
    words = sys.argv[1:]
    options = words[words.index("--") + 1 :] if "--" in words else None
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--command", choices=("segment", "churn-warn", "loyalty-report"), default="segment")
    parser.add_argument("--partitions", default="8")
    parser.add_argument("--master")
    parser.add_argument("--kill")
    parser.add_argument("--only", choices=("memory", "partitions", "spark"))
    given = parser.parse_args(words[: words.index("--")] if "--" in words else words)
    given.folder.mkdir(parents=True, exist_ok=True)
    if options is None:
        options = ["--by", "rfm"] if given.command == "segment" else []
    base = [given.command, str(given.file), *options]
    divided = [*base, "--partitions", given.partitions]
    names = {"memory": base, "partitions": divided}
    if given.master:
        names["spark"] = [*divided, "--engine", "spark", "--master", given.master]
    made = {}
    for name, command in names.items():
        made[name] = given.folder / f"{name}.parquet"
        if given.only not in (None, name):
            continue
        begun = time.perf_counter()
        kill = given.kill.split() if given.kill and name == "spark" else None
        measured(name, made[name], command, kill)
        print(f"  {time.perf_counter() - begun:.0f} s on the clock", flush=True)
    frames = {name: rows(path) for name, path in made.items() if path.exists()}
    first, *others = frames
    for other in others:
        assert_frame_equal(frames[first], frames[other], rel_tol=1e-9)
        print(f"{first} = {other}: {frames[first].height:,} rows, {frames[first].width} columns")


if __name__ == "__main__":
    main()
