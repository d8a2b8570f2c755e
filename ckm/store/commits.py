"""What the commits of a table say, kept in one file beside its log, so that nobody reads thousands of files again.

The log is what counts. The file holds a line per commit, in order; it may be deleted at any time, and one that does not
fit the log is not used and written anew.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ckm.store.log import COMMIT_KEY, DamagedStoreError
from ckm.store.log_access import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMITS_FILE = "_ckm_commits.ndjson"
"""Delta leaves files alone whose names begin with an underscore."""
OWN_KEYS = "ckm_"
"""Start of the keys under which commits keep what ckm says of them."""
VERSION, TIMESTAMP = "version", "timestamp"
TAIL = 65_536
"""Bytes at the end of the file among which its last line is looked for first."""


def commits(folder: Path, version: int, containing: str = "") -> list[dict[str, Any]]:
    """Return what every commit up to ``version`` says, oldest first.

    Parameters
    ----------
    folder
        The table's.
    version
        The last commit of interest.
    containing
        Parse only lines with this text, in the time that it takes to search one file for it.

    Returns
    -------
    Per commit its ``version``, ``timestamp`` (ms) and the facts under keys that begin with :data:`OWN_KEYS`.

    Raises
    ------
    DamagedStoreError
        A commit that the file does not know is missing from the log, or damaged.
    """
    wanted = containing.encode()
    return [json.loads(line) for line in _lines(folder, version) if wanted in line]


def reversed_commits(folder: Path, version: int) -> Iterator[dict[str, Any]]:
    """Yield what every commit up to ``version`` says, newest first; see :func:`commits`."""
    return (json.loads(line) for line in reversed(_lines(folder, version)))


def extend(folder: Path, version: int) -> None:
    """Bring the file up to ``version``. Call it as the one writer; killed within, the log has what is missing."""
    path = folder / COMMITS_FILE
    known, end = _last_known(folder)
    new = b"".join(_line(folder, number) for number in range(known + 1, version + 1))
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(end)
        file.seek(end)
        file.write(new)


def _lines(folder: Path, version: int) -> list[bytes]:
    lines, known = _known(folder, version)
    return [*lines, *(_line(folder, number) for number in range(known + 1, version + 1))]


def _known(folder: Path, version: int) -> tuple[list[bytes], int]:
    """Return the lines of the file up to ``version``, and the version of the last; -1 where there is none."""
    known, end = _last_known(folder)
    if known < 0:
        return [], -1
    with (folder / COMMITS_FILE).open("rb") as file:
        lines = file.read(end).splitlines(keepends=True)[: version + 1]
    return lines, len(lines) - 1


def _last_known(folder: Path) -> tuple[int, int]:
    """Return the version of the last whole line and where it ends; -1 and 0 where the file does not fit the log."""
    path = folder / COMMITS_FILE
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size - TAIL)
            file.seek(start)
            tail = file.read()
            if start and tail.count(b"\n") < 2:
                file.seek(start := 0)
                tail = file.read()
        end = tail.rfind(b"\n") + 1
        last = tail[tail.rfind(b"\n", 0, max(0, end - 1)) + 1 : end]
        number = json.loads(last)[VERSION]
        fits = last == _line(folder, number)
    except (OSError, ValueError, KeyError, TypeError, DamagedStoreError):
        return -1, 0
    return (number, start + end) if fits else (-1, 0)


def _line(folder: Path, number: int) -> bytes:
    """Return the line of one commit, from the log."""
    path = folder / LOG_FOLDER / f"{number:020d}.json"
    facts: dict[str, Any] = {VERSION: number, TIMESTAMP: 0}
    try:
        for info in _infos(path.read_text(encoding="utf-8")):
            facts[TIMESTAMP] = info.get(TIMESTAMP, 0)
            facts |= {key: json.loads(value) for key, value in info.items() if _is_of_history(key)}
    except OSError as error:
        raise DamagedStoreError(path, f"this entry of the log cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError, KeyError):
        raise DamagedStoreError(path, "this entry of the log is damaged") from None
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _is_of_history(key: str) -> bool:
    return key.startswith(OWN_KEYS) and key != COMMIT_KEY


def _infos(text: str) -> Iterator[dict[str, Any]]:
    """Yield what a log entry says of its commit; lines on files are not parsed."""
    for line in text.splitlines():
        if line.startswith('{"commitInfo"'):
            yield json.loads(line)["commitInfo"]
