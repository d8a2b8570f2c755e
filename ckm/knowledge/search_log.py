"""Searches that were made, for what people sought and did not find. Kept only where the workspace says so.

One line of JSON per search, written in one piece at the end of the file, so that several processes may write at once:
``{"at": "2026-06-30T08:15:00+00:00", "role": "service", "hits": 0, "query": "..."}``. The query stands there only where
that is allowed too.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "kb-queries.ndjson"
"""Below ``out/`` of the workspace, which git leaves alone."""
LONGEST = 500
"""Characters of a query that are kept."""


@dataclass(frozen=True)
class LoggedSearch:
    """A search that was made.

    Attributes
    ----------
    at
        When, UTC.
    roles
        Who was reading; empty where nobody was asked.
    hits
        How many entries were shown.
    query
        What was typed; None where that was not kept.
    """

    at: datetime
    roles: tuple[str, ...]
    hits: int
    query: str | None


@dataclass(frozen=True)
class SearchLog:
    """Searches in the order of the file, and how many lines of it could not be read."""

    searches: tuple[LoggedSearch, ...]
    broken: int


def append(path: Path, search: LoggedSearch) -> None:
    """Keep a search. The file is for its owner only.

    Raises
    ------
    OSError
        It cannot be written.
    """
    line: dict[str, object] = {
        "at": search.at.astimezone(UTC).isoformat(timespec="seconds"),
        "role": ", ".join(search.roles) or None,
        "hits": search.hits,
    }
    if search.query is not None:
        line["query"] = search.query[:LONGEST]
    data = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(descriptor, data)  # one call: lines of several processes do not mix
    finally:
        os.close(descriptor)


def read(path: Path) -> SearchLog:
    """Return the searches that were kept; none where there is no file."""
    try:
        with path.open("rb") as file:
            return _parsed(file)
    except FileNotFoundError:
        return SearchLog((), 0)


def _parsed(lines: Iterable[bytes]) -> SearchLog:
    searches, broken = [], 0
    for line in lines:
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["at"])
            query = told.get("query")
            roles = tuple(name for name in (told.get("role") or "").split(", ") if name)
            if at.tzinfo is None or not isinstance(query, str | None):
                raise ValueError
            searches.append(LoggedSearch(at, roles, int(told["hits"]), query))
        except (ValueError, TypeError, KeyError, AttributeError):
            broken += 1
    return SearchLog(tuple(searches), broken)
