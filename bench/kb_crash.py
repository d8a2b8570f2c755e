"""Kill -9 searches while they index, start twenty at once on a cold cache, and see whether answers stay right.

    python bench/kb_crash.py [--runs 100] [--entries 400] [--at-once 20]

A run changes, adds and removes files of a base, starts one to three searches, and kills all of them after a random part
of the time that such a search takes; sometimes the cache is deleted or torn as well. Then one more search must find
exactly what an index made in memory from nothing finds, for every query, and there must be one index and no remains.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path

from make_kb import entry

from ckm import kb
from ckm._kb import index_cache as cache
from ckm._kb.cache_folder import cache_folder

DAY = date(2026, 6, 30)
QUERIES = ("late parcel refund", "Paket Gutschein", "包裹", "พัสดุ", "نشانی", "fresh")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--entries", type=int, default=400)
    parser.add_argument("--at-once", type=int, default=20)
    asked = parser.parse_args()
    dice = random.Random(0)
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["CKM_CACHE"] = str(Path(temporary) / "cache")
        base = Path(temporary) / "kb"
        base.mkdir()
        for number in range(asked.entries):
            write(base, number, "")
        started = time.perf_counter()
        start(base).communicate()
        usual = time.perf_counter() - started
        at_once(base, asked.at_once, tally)
        for step in range(asked.runs):
            one_run(base, step, usual, dice, tally)
    print(f"{asked.entries} entries; first search {usual:.1f} s; seed 0")
    for name, count in sorted(tally.items()):
        print(f"{name:32} {count}")
    sys.exit(1 if any(count for name, count in tally.items() if name.startswith("WRONG")) else 0)


def at_once(base: Path, many: int, tally: Counter[str]) -> None:
    """Start many searches on a cold cache."""
    shutil.rmtree(cache_folder(base), ignore_errors=True)
    answers = Counter(process.communicate()[0] for process in [start(base) for _ in range(many)])
    tally["searches at once"] += many
    tally["WRONG answers at once"] += many - answers[expected(base)]
    look(base, tally)


def one_run(base: Path, step: int, usual: float, dice: random.Random, tally: Counter[str]) -> None:
    for _ in range(dice.choice((1, 3, 30, 120))):
        number = dice.randrange(500)
        if dice.random() < 0.2:
            (base / f"{number}.yaml").unlink(missing_ok=True)
        else:
            write(base, number, f"fresh {step}")
    hurt(base, dice, tally)
    processes = [start(base) for _ in range(dice.choice((1, 1, 3)))]
    time.sleep(dice.random() * usual)
    for process in processes:
        tally["killed"] += process.poll() is None
        process.kill()
        process.communicate()
    tally["runs"] += 1
    tally["WRONG answers after a kill"] += start(base).communicate()[0] != expected(base)
    look(base, tally)


def hurt(base: Path, dice: random.Random, tally: Counter[str]) -> None:
    """Tear a piece of the index, or delete all of it, now and then."""
    pieces = [path for path in (cache_folder(base) / cache.PLACE).rglob("*") if path.is_file() and path.stat().st_size]
    how = dice.random()
    if how < 0.1:
        shutil.rmtree(cache_folder(base), ignore_errors=True)
        tally["caches deleted"] += 1
    elif how < 0.3 and pieces:
        piece = dice.choice(pieces)
        piece.write_bytes(piece.read_bytes()[: dice.randrange(piece.stat().st_size)])
        tally["pieces torn"] += 1


def look(base: Path, tally: Counter[str]) -> None:
    place = cache_folder(base) / cache.PLACE
    tally["WRONG number of indexes"] += len(list(place.glob(f"{cache.INDEX}*"))) != 1
    tally["WRONG remains of a state"] += len(list(place.glob(f".{cache.STATE}.*")))


def expected(base: Path) -> str:
    """Return what a search must print, from an index that was made from nothing."""
    found = kb.KnowledgeBase(cache._in_memory(base, cache.no_progress, ""))
    return answer(lambda query: found.search(query, kb.Scope(DAY, include_inactive=True), limit=1000))


def answer(search: object) -> str:
    assert callable(search)
    # Words of removed entries still count in an index that was changed: what is found must agree, not the order.
    return (
        "\n".join(f"{query}: {sorted((hit.id, hit.title) for hit in search(query).hits)}" for query in QUERIES) + "\n"
    )


def write(base: Path, number: int, more: str) -> None:
    text = entry(random.Random(number), number)
    if more:
        text += f"environment: {more}\n"
    (base / f"{number}.yaml").write_text(text, encoding="utf-8")


def start(base: Path) -> subprocess.Popen[str]:
    """Start the searches of all queries, in a process of its own."""
    command = [sys.executable, __file__, "--child", str(base)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(  # what is killed may have printed half of a character
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", errors="replace", env=environment
    )


def child(base: Path) -> None:
    print(answer(lambda query: kb.search(base, query, as_of=DAY, include_inactive=True, limit=1000)), end="")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]))
    else:
        main()
