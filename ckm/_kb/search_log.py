"""The search log of a workspace, to find queries without hits. It is written only if the settings enable it.

One JSON line per search, appended by a single write, so that several processes can log at the same time:
``{"at": "2026-06-30T08:15:00+00:00", "role": "service", "hits": 0, "query": "..."}``. The query is logged only if a
second setting enables it, without email addresses, telephone numbers and links.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ckm.pseudonym import without_contacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "kb-queries.ndjson"
"""File in ``out/`` of the workspace, which git ignores."""
LONGEST = 500
"""Characters of a query that are logged."""


@dataclass(frozen=True)
class LoggedSearch:
    """A search in the log.

    Attributes
    ----------
    at
        Time in UTC.
    roles
        Roles of the reader; empty without roles.
    hits
        Number of hits, without those that have little in common with the query.
    query
        The query; None if it was not logged.
    """

    at: datetime
    roles: tuple[str, ...]
    hits: int
    query: str | None


@dataclass(frozen=True)
class SearchLog:
    """Searches in the order of the file, and the number of lines that could not be read."""

    searches: tuple[LoggedSearch, ...]
    broken: int


def append(path: Path, search: LoggedSearch) -> None:
    """Append a search. Only the owner can read the file.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    line: dict[str, object] = {
        "at": search.at.astimezone(UTC).isoformat(timespec="seconds"),
        "role": ", ".join(search.roles) or None,
        "hits": search.hits,
    }
    if search.query is not None:
        line["query"] = without_contacts(search.query)[:LONGEST]
    append_line(path, line)


def append_line(path: Path, line: Mapping[str, object]) -> None:
    """Append a line of JSON to a log. Only the owner can read the file.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    data = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(descriptor, data)  # one call, so that lines of several processes do not mix
    finally:
        os.close(descriptor)


def read(path: Path) -> SearchLog:
    """Return the log; it is empty if there is no file."""
    try:
        with path.open("rb") as file:
            return _parsed(file)
    except FileNotFoundError:
        return SearchLog((), 0)


def _parsed(lines: Iterable[bytes]) -> SearchLog:
    searches, broken = [], 0
    for line in lines:
        try:
            values = json.loads(line)
            at = datetime.fromisoformat(values["at"])
            query = values.get("query")
            roles = tuple(name for name in (values.get("role") or "").split(", ") if name)
            if at.tzinfo is None or not isinstance(query, str | None):
                raise ValueError
            searches.append(LoggedSearch(at, roles, int(values["hits"]), query))
        except (ValueError, TypeError, KeyError, AttributeError):
            broken += 1
    return SearchLog(tuple(searches), broken)
