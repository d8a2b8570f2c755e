"""Kill -9 writers of one store at random moments, and count what is lost, doubled or left behind.

    python bench/crash.py                     100 runs of four writers: ten stores, ten runs each (about five minutes)
    python bench/crash.py --runs 6 --stores 2

A run starts four processes of ``ckm ingest`` at once, on a new file each and on files that other runs may have left
unfinished, and kills one or all of them after a random part of the time that such a run takes. The files overlap, hold
rows with and without a key, repeats, corrections of earlier rows and rows for the quarantine. In every other store one
of the four takes a load back or tries the quarantine again instead, and then nothing is corrected, so that what must
come out does not depend on who came first. After its last run a store gets every file once more, undisturbed; then it
must hold what :func:`expected` works out in plain Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
WRITERS = 4
COLUMNS = ("order_id", "line_no", "customer_id", "ordered_at", "net", "currency")
Row = tuple[str, ...]
WRITER = """
import sys
import ckm.commands.ingest, ckm.ingest, ckm.ingest.requarantine, ckm.ingest.undo
from ckm.cli import app
print("ready", flush=True)
sys.stdin.readline()
app(sys.argv[1:])
"""
"""The real command in a process of its own; imports come first, so that the kill strikes its work and not its start."""


DONE = ("runs", "killed", "interrupted", "loads", "rows")
"""What a tally counts that is no damage."""


@dataclass
class Tally:
    """What was done, and what was found afterwards; ``interrupted`` counts runs killed whole in the midst of a load."""

    runs: int = 0
    killed: int = 0
    interrupted: int = 0
    loads: int = 0
    rows: int = 0
    rows_lost: int = 0
    rows_doubled: int = 0
    quarantined_lost: int = 0
    quarantined_doubled: int = 0
    orphan_files: int = 0
    journals_left: int = 0
    half_made_commits: int = 0
    locks_left: int = 0
    stores_not_unchanged_afterwards: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def damage(self) -> dict[str, int]:
        """Return what must be zero, by name."""
        counted = {**vars(self), "failures": len(self.failures)}
        return {name: count for name, count in counted.items() if name not in DONE}


def make_file(path: Path, number: int, dice: random.Random, *, corrections: bool) -> None:
    """Write one file: lines ``5 n`` to ``5 n + 40`` of the store's orders, so that neighbours overlap."""
    rows: list[Row] = []
    for order in range(5 * number, 5 * number + 40):
        customer, day = f"c{order % 17}", f"2025-{1 + order // 28 % 12:02}-{1 + order % 28:02}"
        net = str(order if not corrections or order % 5 else 1000 * number + order)
        if order % 3:
            rows.append((f"K{order}", "1", customer, day, net, "EUR"))
        else:
            rows += [(f"N{order}", "", customer, day, str(order), "EUR")] * (1 + order % 4)
        if order % 11 == 0:
            rows.append((f"B{order}", "1", customer, "never", "much", "EUR"))
    dice.shuffle(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def expected(files: list[Path]) -> tuple[Counter[Row], Counter[tuple[str, int]]]:
    """Return the rows of the table after ``files`` were loaded in this order, and the quarantined rows by file.

    The last row of a key counts; equal rows without a key count as often as they stand in one file.
    """
    keyed: dict[Row, Row] = {}
    keyless: Counter[Row] = Counter()
    held: Counter[tuple[str, int]] = Counter()
    for path in files:
        here: Counter[Row] = Counter()
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(list(csv.reader(file))[1:], 2):
                if row[3] == "never":
                    held[path.name, line] += 1
                elif row[1]:
                    keyed[row[0], row[1]] = (*row[:4], str(float(row[4])))
                else:
                    here[*row[:4], str(float(row[4]))] += 1
        keyless |= here
    return Counter(keyed.values()) + keyless, held


def start(words: list[object]) -> subprocess.Popen[bytes]:
    """Start a writer; it waits for a line on its stdin before it begins."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"},
    )


def run_writers(commands: list[list[object]], kill: list[int], after: float | None) -> tuple[float, list[str]]:
    """Run the commands at once and kill -9 the chosen ones; return the seconds it took, and what others died of."""
    writers = [start(words) for words in commands]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    began = time.perf_counter()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    if after is not None:
        time.sleep(after)
        for number in kill:
            writers[number].kill()
    errors = []
    for writer in writers:
        _, stderr = writer.communicate()
        if writer.returncode not in (0, 2, 3, -9):
            errors.append(stderr.decode()[-600:])
    return time.perf_counter() - began, errors


class Shop:
    """A workspace under attack."""

    def __init__(self, root: Path, dice: random.Random, *, corrections: bool, writers: int) -> None:
        self.root = root
        self.writers = writers
        self.dice = dice
        self.corrections = corrections
        self.files: list[Path] = []
        (root / "in").mkdir(parents=True)
        (root / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")

    def run(self, tally: Tally, typical: float) -> float:
        """Attack once; return about how long a run takes."""
        commands = []
        for _ in range(self.writers):
            path = self.root / "in" / f"{len(self.files):03}.csv"
            make_file(path, len(self.files), self.dice, corrections=self.corrections)
            self.files.append(path)
            commands.append(self.ingest(path, *self.dice.sample(self.files, min(2, len(self.files)))))
        if not self.corrections and len(self.files) > self.writers:
            undo = ["ingest", "--undo", f"in/{self.dice.choice(self.files[: -self.writers]).name}", "-C", self.root]
            commands[-1] = self.dice.choice([undo, ["ingest", "--requarantine", "-C", self.root]])
        kill = self.dice.choice([[self.dice.randrange(self.writers)], list(range(self.writers))])
        seconds, errors = run_writers(commands, kill, self.dice.uniform(0, typical))
        tally.runs += 1
        tally.killed += len(kill)
        tally.interrupted += (self.root / "store" / ".journal.json").exists()
        tally.failures += errors
        return typical if len(kill) == self.writers else (typical + seconds) / 2

    def ingest(self, *files: Path) -> list[object]:
        """Return the command that loads ``files``."""
        return ["ingest", *files, "--as", "transactions", "--max-rejects", "100%", "-f", "json", "-C", self.root]

    def clean_run(self) -> list[str]:
        """Load every file, undisturbed, and return how each came out."""
        words = [sys.executable, "-m", "ckm", *map(str, self.ingest(*self.files))]
        found = subprocess.run(words, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
        return [result["status"] for result in json.loads(found.stdout or b"[]")]

    def inspect(self, tally: Tally) -> None:
        """Hold the store against every claim."""
        from filelock import FileLock, Timeout

        from ckm.store import Store

        store = Store(self.root / "store")
        if self.clean_run() != ["unchanged"] * len(self.files):
            tally.stores_not_unchanged_afterwards += 1
        loads = [load.facts for load in store.history() if load.facts.kind == "load" and not load.undone]
        # An older export, by the newest day that it tells of, does not replace what a newer one said.
        order = [self.root / facts.file for facts in sorted(loads, key=lambda facts: facts.moment or "")]
        rows, held = expected(order if self.corrections else self.files)
        frame = store.scan("transactions").collect()
        found = Counter(
            (order_id, line or "", customer, str(at.date()), str(net))
            for order_id, line, customer, at, net in frame.select(COLUMNS[:5]).iter_rows()
        )
        quarantine = store.quarantine()
        held_rows = [] if quarantine is None else quarantine.select("source_file", "source_row").collect().rows()
        there = Counter((Path(file).name, row) for file, row in held_rows)
        tally.loads += len(loads)
        tally.rows += found.total()
        tally.rows_lost += (rows - found).total()
        tally.rows_doubled += (found - rows).total()
        tally.quarantined_lost += (held - there).total()
        tally.quarantined_doubled += (there - held).total()
        tally.orphan_files += len(orphans(store.root))
        tally.journals_left += len(list(store.root.glob(".journal*")))
        tally.half_made_commits += len(half_made(store.root))
        try:
            FileLock(store.root / ".lock", timeout=0).acquire().lock.release()
        except Timeout:
            tally.locks_left += 1


def orphans(root: Path) -> list[Path]:
    """Return the data files that no commit of their table ever named."""
    found = []
    for log in root.glob("*/_delta_log"):
        lines = [line for path in log.glob("*.json") for line in path.read_text(encoding="utf-8").splitlines()]
        named = {action["add"]["path"] for action in map(json.loads, lines) if "add" in action}
        found += [path for path in log.parent.glob("*.parquet") if path.name not in named]
    found += [path for folder in root.iterdir() if folder.is_dir() if not (folder / "_delta_log").exists()
              for path in folder.rglob("*.parquet")]  # fmt: skip
    return found


def half_made(root: Path) -> list[Path]:
    """Return what commits that never came to be left in the logs."""
    return [path for pattern in ("*.tmp", "_commit_*", "*#*") for path in root.glob(f"*/_delta_log/{pattern}")]


def attack(runs: int, stores: int, seed: int = 0, writers: int = WRITERS) -> Tally:
    """Attack ``stores`` new stores with ``runs`` runs in all, of so many writers each."""
    tally, dice, typical = Tally(), random.Random(seed), 1.5
    for number in range(stores):
        with tempfile.TemporaryDirectory(prefix="ckm-crash-") as folder:
            shop = Shop(Path(folder).resolve() / "shop", dice, corrections=number % 2 == 0, writers=writers)
            for _ in range(runs // stores):
                typical = shop.run(tally, typical)
            shop.clean_run()
            shop.inspect(tally)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--stores", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.perf_counter()
    tally = attack(options.runs, options.stores, options.seed)
    seconds = time.perf_counter() - began
    print(f"{tally.runs} runs of {WRITERS} writers, {tally.killed} writers killed, {seconds:.0f} s")
    print(f"{tally.interrupted} runs were killed whole in the midst of a load")
    print(f"{tally.loads} loads and {tally.rows} rows stand in {options.stores} stores")
    for name, count in tally.damage.items():
        print(f"{'ok ' if count == 0 else 'BAD'} {name.replace('_', ' ')}: {count}")
    for failure in tally.failures:
        print(failure, file=sys.stderr)
    return int(any(tally.damage.values()))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
