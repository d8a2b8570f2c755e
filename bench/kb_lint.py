"""Claim: ``ckm kb-lint`` takes at most 20 s for 10,000 entries, and 2 s when nothing has changed.

Whole processes, over a base of one file per entry in six languages (``bench/make_kb.py``), with a copy that
has a typo and a pair that supersede each other planted per thousand; unchanged is measured as of the same day and of
another.

Usage: ``python bench/kb_lint.py [FOLDER] [--entries 10000] [--per-file 1]``. FOLDER (default: a temporary one) keeps
the base.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from make_kb import entry, make
from measure import CKM, Run, machine, run

BAR_COLD, BAR_UNCHANGED = 20, 2


def plant(folder: Path, entries: int) -> None:
    """Add what is to be found: per thousand entries a copy with a typo, and a pair that supersede each other."""
    for number in range(entries // 1000):
        like = 10 * number + 1  # one of those in one language
        original = entry(Random(f"0/{like}"), like)
        copy = original.replace("id: entry", "id: copy").replace("issue: ", "issue: x", 1)
        pair = [
            entry(Random(f"pair/{number}/{each}"), 1).replace("entry-000001", f"pair-{number}-{each}") for each in "ab"
        ]
        pair = [
            text + f"links: {{supersedes: [pair-{number}-{other}]}}\n" for text, other in zip(pair, "ba", strict=True)
        ]
        (folder / f"planted-{number}.yaml").write_text("---\n".join((copy, *pair)), encoding="utf-8")


def lint(folder: Path, day: str) -> Run:
    return run([*CKM, "kb-lint", "--kb", str(folder), "--as-of", day, "-q", "-f", "json"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--per-file", type=int, default=1)
    asked = parser.parse_args()
    folder = (asked.folder or Path(tempfile.mkdtemp())) / "kb"
    os.environ["CKM_CACHE"] = str(folder.parent / "cache")
    shutil.rmtree(folder.parent / "cache", ignore_errors=True)
    if not folder.exists():
        make(folder, asked.entries, per_file=asked.per_file)
        plant(folder, asked.entries)
    for name, day, bar in (
        ("first time", "2026-06-30", BAR_COLD),
        ("unchanged, same day", "2026-06-30", BAR_UNCHANGED),
        ("unchanged, another day", "2026-07-01", BAR_UNCHANGED),
    ):
        done = lint(folder, day)
        assert done.code == 0
        print(f"{asked.entries:,} entries, {name}: {done} (at most {bar} s)", flush=True)
    found = Counter(row["rule"] for row in json.loads(done.stdout))
    print(", ".join(f"{count:,} {rule}" for rule, count in sorted(found.items())))
    print(machine("PyYAML", "rapidfuzz", "polars"))


if __name__ == "__main__":
    main()
