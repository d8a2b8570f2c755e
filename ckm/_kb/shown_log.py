"""The log of shown entries of a workspace: how often a command showed a knowledge entry to a reader.

It is written only if ``kb.log_queries`` is on. One JSON line per run, appended by a single write: ``{"at":
"2026-06-30T08:15:00+00:00", "command": "churn-warn", "entries": {"silent-call": 12}}``. It contains no customers.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ckm._kb.search_log import append_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "kb-shown.ndjson"
"""File in ``out/`` of the workspace, which git ignores."""


@dataclass(frozen=True)
class LoggedShow:
    """Entries that a command showed: time in UTC, command, number of times by id of the entry."""

    at: datetime
    command: str
    entries: Mapping[str, int]


@dataclass(frozen=True)
class ShownLog:
    """Runs in the order of the file, and the number of lines that could not be read."""

    shows: tuple[LoggedShow, ...] = ()
    broken: int = 0


def append_shown(path: Path, command: str, entries: Iterable[str]) -> None:
    """Append the ids of the entries that a command showed, each as often as it was shown; nothing without any.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    if counts := Counter(entries):
        at = datetime.now(UTC).isoformat(timespec="seconds")
        append_line(path, {"at": at, "command": command, "entries": dict(sorted(counts.items()))})


def read_shown(path: Path) -> ShownLog:
    """Return the log; it is empty if there is no file."""
    if not path.exists():
        return ShownLog()
    shows, broken = [], 0
    for line in path.read_bytes().splitlines():
        try:
            values = json.loads(line)
            at = datetime.fromisoformat(values["at"])
            entries = {str(name): int(count) for name, count in values["entries"].items()}
            if at.tzinfo is None:
                raise ValueError
            shows.append(LoggedShow(at, str(values["command"]), entries))
        except (ValueError, TypeError, KeyError, AttributeError):
            broken += 1
    return ShownLog(tuple(shows), broken)
