"""Removal of the bounds of deleted data files from a table's log, because the log outlives the erased customers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ckm.store.log_access import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckm.store.delta import StoredTable

CHECKPOINTS = ("_last_checkpoint", "*.checkpoint*.parquet")
"""Files that repeat the entries of a log. The pointer is the first, so that it never names a deleted checkpoint."""
BOUNDS = ("minValues", "maxValues")


def forget_old_bounds(table: StoredTable) -> None:
    """Remove the text bounds of files that are no longer in the table from its log; requires the lock.

    Readers use only the bounds of present files. Entries are replaced one by one, and checkpoints are deleted first, so
    that a killed process leaves a complete log. Numbers stay.
    """
    table.refresh()
    present = {unquote(file.name) for file in table.files}
    log = table.folder / LOG_FOLDER
    changed = {
        path: lines
        for path in sorted(log.glob("*.json"))
        if (lines := _without_old_bounds(path.read_text(encoding="utf-8").splitlines(), present)) is not None
    }
    if not changed:
        return
    checkpoints = [path for pattern in CHECKPOINTS for path in sorted(log.glob(pattern))]
    for path in checkpoints:
        path.unlink()
    for path, lines in changed.items():
        about = path.stat()
        draft = path.with_name(f"{path.name}.tmp")
        draft.write_text("\n".join(lines), encoding="utf-8")
        os.utime(draft, ns=(about.st_atime_ns, about.st_mtime_ns))
        draft.replace(path)
    if checkpoints:
        table.checkpoint()


def _without_old_bounds(lines: list[str], present: Collection[str]) -> list[str] | None:
    """Return the lines of an entry without bounds of absent files; None if it has none."""
    kept = [_cleaned(line, present) if line.startswith('{"add"') else line for line in lines]
    return kept if kept != lines else None


def _cleaned(line: str, present: Collection[str]) -> str:
    action: dict[str, Any] = json.loads(line)
    add = action["add"]
    if unquote(add["path"]) in present or not add.get("stats"):
        return line
    statistics = json.loads(add["stats"])
    texts = [
        (kind, name) for kind in BOUNDS for name, value in statistics.get(kind, {}).items() if isinstance(value, str)
    ]
    if not texts:
        return line
    for kind, name in texts:
        del statistics[kind][name]
    add["stats"] = json.dumps(statistics, ensure_ascii=False)
    return json.dumps(action, ensure_ascii=False, separators=(",", ":"))
