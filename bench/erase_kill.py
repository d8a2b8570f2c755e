"""Kill -9 an erasure at 100 points, let the next command complete it, and search all bytes for the person.

    python bench/erase_kill.py                ten minutes of CPU time
    python bench/erase_kill.py --points 10

Each run is on a copy of one small workspace, which has a person with two linked ids in every place that ckm writes
(``tests/_privacy/shop.py``). The process runs ``ckm privacy erase`` and is killed when a random part of the time
between the creation and the deletion of its journal has passed; every tenth run before the journal. Only kills that
left a journal count as points. In turn an erasure and a load of the person's rows complete it; in every fifth run the
completing process is killed too. Then no file of the workspace, decoded and as bytes, may have a trace of the person,
and a further load of the rows may bring none back.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests._privacy.shop import ANN, files_with_traces, make_shop, march

PROGRAM = """
import sys
import deltalake, polars
import ckm.commands.ingest, ckm.commands.privacy, ckm.ingest, ckm.privacy
from ckm.cli import app
print("ready", flush=True)
sys.stdin.readline()
app(sys.argv[1:])
"""
"""The real command in a process of its own; imports come first, so that the kill hits its work and not its start."""
JOURNAL = Path("privacy", "erasure.json")
POLL = 0.0005


def start(*arguments: str) -> subprocess.Popen[str]:
    """Return a process of ckm that has imported its modules and has just begun its work."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    process.stdout.readline()
    process.stdin.write("\n")
    process.stdin.flush()
    return process


def finish(*arguments: str) -> int:
    process = start(*arguments)
    process.communicate()
    return process.returncode


def journal_seconds(root: Path) -> float:
    """Return the seconds between the creation and the deletion of the journal of a whole erasure."""
    process = start("privacy", "erase", ANN, "-C", str(root))
    while not (root / JOURNAL).exists():
        time.sleep(POLL)
    began = time.monotonic()
    while (root / JOURNAL).exists():
        time.sleep(POLL)
    seconds = time.monotonic() - began
    process.communicate()
    assert process.returncode == 0
    return seconds


def killed(root: Path, seconds: float, *arguments: str, wait: bool) -> bool:
    """Run ckm, kill it some seconds after its start or after it wrote its journal; return whether it was running."""
    process = start(*arguments)
    while wait and process.poll() is None and not (root / JOURNAL).exists():
        time.sleep(POLL)
    time.sleep(seconds)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def main() -> None:
    """Kill at each point, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice, tally = random.Random(options.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        made = make_shop(Path(place) / "shop")
        whole = Path(shutil.copytree(made, Path(place) / "whole"))
        seconds = journal_seconds(whole)
        whole_receipt = _receipt(whole)
        while tally["killed with a journal"] < options.points:
            root = Path(shutil.copytree(made, Path(place) / "again"))
            rows = root / "incoming" / "march.csv"
            erase = ("privacy", "erase", ANN, "-C", str(root))
            number = tally["runs"] = tally["runs"] + 1
            was_running = killed(root, seconds * dice.random(), *erase, wait=number % 10 > 0)
            begun = (root / JOURNAL).exists()
            tally["killed"] += was_running
            tally["killed with a journal"] += begun
            tally["killed with traces left"] += was_running and bool(files_with_traces(root))
            load = ("ingest", str(rows), "--as", "transactions", "--max-rejects", "90%", "-C", str(root))
            rows.write_text(march(), encoding="utf-8")
            complete = load if begun and number % 2 else erase
            if begun and number % 5 == 0:
                tally["completions killed"] += killed(root, seconds * dice.random(), *complete, wait=False)
                complete = complete if (root / JOURNAL).exists() else erase
            tally["failures"] += finish(*complete) != 0
            tally["with a trace"] += bool(files_with_traces(root))
            tally["journals left"] += (root / JOURNAL).exists()
            tally["receipts that differ"] += not _receipt(root).items() <= whole_receipt.items()
            finish(*load)
            tally["with a trace after a further load"] += bool(files_with_traces(root))
            shutil.rmtree(root)
    print(f"a whole erasure has its journal for {seconds:.2f} s: {dict(tally)}")


def _receipt(root: Path) -> dict[str, int]:
    """Return the numbers of removed rows by place in the receipts of a workspace; the largest of each place."""
    removed: dict[str, int] = {}
    for path in sorted((root / "privacy" / "receipts").glob("*.json")):
        for name, rows in json.loads(path.read_text(encoding="utf-8"))["removed"].items():
            removed[name] = max(rows, removed.get(name, 0))
    return removed


if __name__ == "__main__":
    main()
