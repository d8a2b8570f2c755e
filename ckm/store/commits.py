"""Cache of a table's commits: one file beside the log, which replaces reading thousands of log files.

The log is authoritative. The cache has one line per commit, in order, each with a checksum of the lines before it. It
may be deleted at any time. A cache that contradicts the log is ignored, and the next commit writes a new one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ckm.store.log import COMMIT_KEY, DamagedStoreError
from ckm.store.log_access import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMITS_FILE = "_ckm_commits.ndjson"
"""Name of the cache file; Delta ignores files whose names begin with an underscore."""
OWN_KEYS = "ckm_"
"""Prefix of the keys of ckm's own facts in a commit."""
VERSION, TIMESTAMP, CHECK = "version", "timestamp", "check"


def commits(folder: Path, version: int, containing: str = "") -> list[dict[str, Any]]:
    """Return the facts of every commit up to ``version``, oldest first.

    Parameters
    ----------
    folder
        Folder of the table.
    version
        Version of the last commit to return.
    containing
        Text that a line must contain to be parsed, which is much faster than parsing all lines.

    Returns
    -------
    Per commit its ``version``, ``timestamp`` (ms) and the facts under keys that begin with :data:`OWN_KEYS`.

    Raises
    ------
    DamagedStoreError
        A commit that is not in the cache is missing from the log, or damaged.
    """
    wanted = containing.encode()
    return [json.loads(line) for line in _lines(folder, version) if wanted in line]


def reversed_commits(folder: Path, version: int) -> Iterator[dict[str, Any]]:
    """Yield the facts of every commit up to ``version``, newest first; see :func:`commits`."""
    return (json.loads(line) for line in reversed(_lines(folder, version)))


def extend(folder: Path, version: int) -> None:
    """Append the commits that follow the cached ones, up to ``version``; the caller holds the store's lock.

    After a crash the next call completes the cache.
    """
    path = folder / COMMITS_FILE
    known = _known(folder)
    end = sum(map(len, known))
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(end)
        file.seek(end)
        file.write(b"".join(_more(folder, known, version)))


def _lines(folder: Path, version: int) -> list[bytes]:
    known = _known(folder)
    return [*known, *_more(folder, known, version)][: version + 1]


def _known(folder: Path) -> list[bytes]:
    """Return the complete lines of the cache; none if the cache contradicts the log or a checksum is wrong."""
    try:
        data = (folder / COMMITS_FILE).read_bytes()
        lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        fits = lines and lines[-1] == _line(folder, len(lines) - 1, crc32(b"".join(lines[:-1])))
    except (OSError, DamagedStoreError):
        return []
    return lines if fits else []


def _more(folder: Path, known: list[bytes], version: int) -> Iterator[bytes]:
    """Yield cache lines for the commits after the cached ones (``known``), up to ``version``."""
    check = crc32(b"".join(known))
    for number in range(len(known), version + 1):
        line = _line(folder, number, check)
        check = crc32(line, check)
        yield line


def _line(folder: Path, number: int, check: int) -> bytes:
    """Return the cache line of one commit, from the log; ``check`` is the CRC-32 of all lines before it."""
    path = folder / LOG_FOLDER / f"{number:020d}.json"
    facts: dict[str, Any] = {VERSION: number, TIMESTAMP: 0, CHECK: check}
    try:
        for info in _infos(path.read_text(encoding="utf-8")):
            facts[TIMESTAMP] = info.get(TIMESTAMP, 0)
            facts |= {
                key: json.loads(value) for key, value in info.items() if key.startswith(OWN_KEYS) and key != COMMIT_KEY
            }
    except OSError as error:
        raise DamagedStoreError(path, f"this entry of the log cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise DamagedStoreError(path, "this entry of the log is damaged") from None
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _infos(text: str) -> Iterator[dict[str, Any]]:
    """Yield the commit information of a log entry; lines about files are skipped."""
    for line in text.splitlines():
        if line.startswith('{"commitInfo"'):
            yield json.loads(line)["commitInfo"]
