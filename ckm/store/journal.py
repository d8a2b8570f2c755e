"""One writer at a time, and what to clean up when the last one was killed."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from filelock import FileLock

from ckm.store.delta import LOG_FOLDER, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_FILE = ".lock"
JOURNAL_FILE = ".journal.json"
HALF_MADE = ("*.tmp", "_commit_*", "*#*")
"""What a commit that never came to be may leave in a log."""


@dataclass(frozen=True)
class Entry:
    """A load under way.

    ``load_id`` prefixes every file that it writes; its commit sets ``mark`` for ``app_id``. The rest is what must be
    done after the commit, see :func:`ckm.store.writer.settle`.
    """

    load_id: str
    table: str
    app_id: str
    mark: int
    file_id: str = ""
    source: str = ""
    undoes: str | None = None
    supersedes: list[str] = field(default_factory=list)


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the store's lock, waiting for another writer to finish. The system frees it when a process dies."""
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / LOCK_FILE):
        yield


def begin(root: Path, entry: Entry) -> None:
    """Write down that a load has begun, before its first file."""
    temporary = root / f"{JOURNAL_FILE}.new"
    temporary.write_text(json.dumps(asdict(entry)), encoding="utf-8")
    temporary.replace(root / JOURNAL_FILE)


def end(root: Path) -> None:
    """Write down that nothing is under way."""
    (root / JOURNAL_FILE).unlink(missing_ok=True)


def interrupted(root: Path) -> Entry | None:
    """Return the load that a killed process left behind, if there is one. Call it while holding the lock."""
    (root / f"{JOURNAL_FILE}.new").unlink(missing_ok=True)
    journal = root / JOURNAL_FILE
    return Entry(**json.loads(journal.read_text(encoding="utf-8"))) if journal.exists() else None


def landed(root: Path, entry: Entry) -> bool:
    """Whether the load's own commit was made."""
    return Table(root / entry.table).mark(entry.app_id) >= entry.mark


def mark_loaded(table: Table, app_id: str) -> int:
    """Return the next mark that says "loaded": an odd number."""
    mark = table.mark(app_id)
    return mark // 2 * 2 + 1 + 2 * (mark % 2)


def mark_unloaded(table: Table, app_id: str) -> int:
    """Return the next mark that says "not loaded": an even number."""
    return table.mark(app_id) // 2 * 2 + 2


def sweep(root: Path, load_id: str) -> None:
    """Remove files of ``load_id`` that no table holds, and half-made commits."""
    for folder in [path for path in root.iterdir() if path.is_dir()]:
        held = {file.name for file in Table(folder).files}
        for path in folder.glob(f"{load_id}-*.parquet"):
            if path.name not in held:
                path.unlink()
        for pattern in HALF_MADE:
            for path in (folder / LOG_FOLDER).glob(pattern):
                path.unlink(missing_ok=True)
