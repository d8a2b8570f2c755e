"""Validation of a table's log before deltalake reads it, because deltalake reads a truncated entry as an empty one.

A missing, empty or truncated entry would otherwise remove rows without an error. So every version must exist and be
complete, and each of ckm's commits records its number of actions (:data:`COMMIT_KEY`).
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckm.errors import InputError
from ckm.store.log_access import LOG_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT_KEY = "ckm_commit"
"""Key of a commit for the number of files added and removed, and the digest of each file added."""
ENTRY = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint.*\.parquet")
OWN_COLUMNS = {"load_id", "run_number"}
"""Columns of lineage; every table of ckm has one of them."""
OF_OPERATION = {"CREATE TABLE": {"protocol", "metaData"}, "ADD COLUMN": {"metaData"}}
"""Actions that a complete commit of deltalake contains, by operation."""
REMEMBERED = 20_000


class DamagedStoreError(InputError):
    """A part of the store is missing, cannot be read, or was not written by ckm."""

    code = "damaged-store"

    def __init__(self, place: Path, what: str, *, hint: str | None = None) -> None:
        restore = f"restore {place} from a backup; 'ckm check --verify' lists every damaged file of the store"
        super().__init__(f"{place}: {what}", hint=hint or restore, place=str(place))


def versions(folder: Path) -> list[int]:
    """Return the versions in the log of the table in ``folder``; none without a log or a commit.

    Entries since the newest checkpoint are read once per process; of older entries only the names are checked.

    Raises
    ------
    DamagedStoreError
        The log or an entry of it cannot be read, is missing or is incomplete.
    """
    entries, checkpoint = _listed(folder)
    if not _is_contiguous(entries):  # an entry was written during the listing: list again
        entries, checkpoint = _listed(folder)
    found = sorted(entries)
    if found and found[0] > 0:
        raise DamagedStoreError(folder / LOG_FOLDER, f"the log begins with version {found[0]}; older ones are missing")
    for number, version in enumerate(found):
        if number != version:
            raise DamagedStoreError(folder / LOG_FOLDER, f"entry {number:020}.json of the log is missing")
        entry = entries[version]
        if not _is_file(entry):
            raise DamagedStoreError(Path(entry), "this entry of the log is not a file")
        if version > checkpoint:
            about = entry.stat()
            _refuse_torn(entry.path, about.st_size, about.st_mtime_ns, about.st_ino)
    return found


def is_own(folder: Path) -> bool:
    """Return whether ckm wrote the table in ``folder``: the table then has a column for the load or run of a row."""
    first = folder / LOG_FOLDER / f"{0:020}.json"
    about = first.stat()
    return _has_own_column(str(first), about.st_size, about.st_mtime_ns, about.st_ino)


@lru_cache(REMEMBERED)
def _has_own_column(path: str, _size: int, _changed: int, _inode: int) -> bool:
    metadata = [action["metaData"] for action in _actions(Path(path)) if "metaData" in action]
    try:
        schemas = [json.loads(about["schemaString"]) for about in metadata]
        return any(field["name"] in OWN_COLUMNS for schema in schemas for field in schema["fields"])
    except (ValueError, TypeError, LookupError, RecursionError):
        raise DamagedStoreError(Path(path), "this entry of the log is damaged") from None


def entries(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the actions of every commit of the table in ``folder``, oldest first.

    Raises
    ------
    DamagedStoreError
        See :func:`versions`; this function reads every entry.
    """
    for version in versions(folder):
        path = folder / LOG_FOLDER / f"{version:020}.json"
        actions = _actions(path)
        _require_whole(path, actions)
        yield actions


def _listed(folder: Path) -> tuple[dict[int, os.DirEntry[str]], int]:
    """Return the entries of a log by version, and the version of the newest checkpoint (-1 without one)."""
    log = folder / LOG_FOLDER
    try:
        with os.scandir(log) as scan:
            listed = list(scan)
    except FileNotFoundError:
        if os.path.lexists(log):
            raise DamagedStoreError(log, "this link is broken") from None
        return {}, -1
    except NotADirectoryError:
        if log.parent.is_dir():
            raise DamagedStoreError(log, "the log is not a folder") from None
        return {}, -1
    except OSError as error:
        raise DamagedStoreError(log, f"the log cannot be read: {error.strerror}", hint=_permission_hint(log)) from None
    found: dict[int, os.DirEntry[str]] = {}
    checkpoint = -1
    for each in listed:
        if named := ENTRY.fullmatch(each.name):
            found[int(named[1])] = each
        elif named := CHECKPOINT.fullmatch(each.name):
            checkpoint = max(checkpoint, int(named[1]))
    return found, checkpoint


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether a folder entry is a file, from the folder's listing without another system call."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_contiguous(entries: dict[int, os.DirEntry[str]]) -> bool:
    return not entries or (min(entries) == 0 and max(entries) == len(entries) - 1)


@lru_cache(REMEMBERED)
def _refuse_torn(path: str, _size: int, _changed: int, _inode: int) -> None:
    """Refuse an incomplete log entry; the other arguments make the cached result depend on the file's state."""
    _require_whole(Path(path), _actions(Path(path)))


def _require_whole(path: Path, actions: list[dict[str, Any]]) -> None:
    info = next((action["commitInfo"] for action in actions if "commitInfo" in action), None)
    kinds = [next(iter(action), "") for action in actions]
    if not isinstance(info, dict):
        raise DamagedStoreError(path, "this entry of the log is truncated")
    try:
        recorded = json.loads(info.get(COMMIT_KEY, "{}"))
    except (ValueError, TypeError, RecursionError):
        raise DamagedStoreError(path, "this entry of the log is damaged") from None
    if not isinstance(recorded, dict):
        raise DamagedStoreError(path, "this entry of the log is damaged")
    counted = {"add": kinds.count("add"), "remove": kinds.count("remove"), "txn": kinds.count("txn")}
    if any(counted[kind] != recorded.get(kind, counted[kind]) for kind in counted):
        raise DamagedStoreError(path, "this entry of the log is truncated")
    if not OF_OPERATION.get(str(info.get("operation")), set()) <= set(kinds):
        raise DamagedStoreError(path, "this entry of the log is truncated")


def _actions(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
        found = [json.loads(line) for line in lines if line.strip()]
    except OSError as error:
        why = f"this entry of the log cannot be read: {error.strerror}"
        raise DamagedStoreError(path, why, hint=_permission_hint(path)) from None
    except (ValueError, RecursionError):  # invalid UTF-8 is a ValueError too
        raise DamagedStoreError(path, "this entry of the log is damaged") from None
    if not found or not all(isinstance(action, dict) for action in found):
        raise DamagedStoreError(path, "this entry of the log is damaged")
    return found


def _permission_hint(place: Path) -> str:
    return f"give yourself permission to read {place}"
