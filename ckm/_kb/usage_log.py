"""The usage log of a workspace: which knowledge entries were used, and whether they helped.

The log has one JSON line per use, which is appended by a single write: ``{"at": "2026-06-30T08:15:00+00:00", "entry":
"delivery-late", "role": "service", "helpful": true}``. It contains no customer ids and no texts of customers.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "kb-used.ndjson"
"""Name of the log file in the folder ``out/`` of the workspace, which git ignores."""


@dataclass(frozen=True)
class LoggedUse:
    """A use of a knowledge entry.

    Attributes
    ----------
    at
        Time of the use, with a time zone.
    entry
        Id of the entry.
    role
        Role of the user; None if unknown.
    helpful
        Whether the entry helped; None if unknown.
    """

    at: datetime
    entry: str
    role: str | None = None
    helpful: bool | None = None


@dataclass(frozen=True)
class UsageLog:
    """Content of a usage log.

    Attributes
    ----------
    uses
        Uses of entries, in the order of the file.
    broken
        Number of lines that could not be parsed.
    """

    uses: tuple[LoggedUse, ...]
    broken: int

    def counts(self, entry: str) -> tuple[int, int, int]:
        """Return numbers of uses of an entry: all, helpful ones, and unhelpful ones."""
        found = Counter(each.helpful for each in self.uses if each.entry == entry)
        return sum(found.values()), found[True], found[False]


def append_use(path: Path, use: LoggedUse) -> None:
    """Append a use to a usage log. A new file can be read by its owner only.

    Parameters
    ----------
    path
        The log file; it and its folder are created if missing.
    use
        The use.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    line = {
        "at": use.at.astimezone(UTC).isoformat(timespec="seconds"),
        "entry": use.entry,
        "role": use.role,
        "helpful": use.helpful,
    }
    data = json.dumps(line, ensure_ascii=False).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(descriptor, data)  # one call, so that lines of several processes do not mix
    finally:
        os.close(descriptor)


def read_uses(path: Path) -> UsageLog:
    """Read a usage log; if the file does not exist, return an empty log. Lines that cannot be parsed are counted."""
    if not path.exists():
        return UsageLog((), 0)
    uses, broken = [], 0
    for line in path.read_bytes().splitlines():
        try:
            values = json.loads(line)
            at, helpful = datetime.fromisoformat(values["at"]), values["helpful"]
            if at.tzinfo is None or not isinstance(helpful, bool | None):
                raise ValueError
            uses.append(LoggedUse(at, str(values["entry"]), values.get("role"), helpful))
        except (ValueError, TypeError, KeyError):
            broken += 1
    return UsageLog(tuple(uses), broken)
