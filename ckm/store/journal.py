"""Write-ahead journal: the load in progress, and the cleanup after an interrupted one."""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import asdict, dataclass, field, fields
from itertools import count
from typing import TYPE_CHECKING, Literal

from ckm.files import flush_folder
from ckm.store.delta import LOG_FOLDER, StoredTable
from ckm.store.log import DamagedStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import polars as pl

    from ckm.store.data_files import DataFile, DataFileWriter

JOURNAL_FILE = ".journal.json"
SET_ASIDE = ".journal-set-aside-"
OWN_FILE = re.compile(r"(?:[0-9a-f]{12}|erase)-[\w-]+\.parquet")
"""Name pattern of data files that ckm writes."""
LOAD_ID = re.compile(r"[0-9a-f]{12}")
TABLE_NAME = re.compile(r"\w[\w-]*")
"""Pattern of table names, without separator and dot, so that a journal cannot point outside of the store."""
UNFINISHED_FILES = ("*.tmp", "_commit_*", "*#*")
"""Name pattern of files that an unfinished commit may leave in a log."""

logger = logging.getLogger("ckm.store")


@dataclass(frozen=True)
class Entry:
    """The record of a load in progress.

    The names of its files start with ``load_id``. The load is committed when the table's log has the transaction
    version ``mark`` for ``app_id``. The other fields are for the cleanup after the commit, see
    :func:`ckm.store.writer.settle`.
    """

    load_id: str
    table: str
    app_id: str
    mark: int
    file_id: str = ""
    source: str = ""
    undoes: str | None = None
    supersedes: list[str] = field(default_factory=list)


def begin(root: Path, entry: Entry) -> None:
    """Record the start of a load before its first file is written; a power cut leaves the old entry or the new one."""
    temporary = root / f"{JOURNAL_FILE}.new"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(entry)))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(root / JOURNAL_FILE)
    flush_folder(root)


def end(root: Path) -> None:
    """Record that no load is in progress."""
    (root / JOURNAL_FILE).unlink(missing_ok=True)


def roll_back(root: Path, load_id: str) -> None:
    """Delete the files of a load that no table contains, and record that no load is in progress."""
    sweep(root, load_id)
    end(root)


def write_files(root: Path, entry: Entry, writer: DataFileWriter, frames: Iterable[pl.DataFrame]) -> list[DataFile]:
    """Record the start of a load, write its rows and return the new files, which the caller commits.

    An error while writing rolls the load back.
    """
    begin(root, entry)
    try:
        for frame in frames:
            writer.write(frame)
        return writer.close()
    except BaseException:
        writer.abandon()
        roll_back(root, entry.load_id)
        raise


def read(root: Path) -> Entry | None:
    """Return the load in progress, of any process; None without one or if the journal cannot be read."""
    try:
        return _parsed((root / JOURNAL_FILE).read_bytes())
    except (OSError, ValueError):
        return None


def interrupted(root: Path) -> Entry | Literal["unknown"] | None:
    """Return the load that a killed process left unfinished, if any; requires the lock.

    A journal that is empty, damaged or from another program does not identify the load: it is renamed, and the result
    is ``unknown``.

    Raises
    ------
    DamagedStoreError
        The journal cannot be read.
    """
    (root / f"{JOURNAL_FILE}.new").unlink(missing_ok=True)
    journal = root / JOURNAL_FILE
    if not os.path.lexists(journal):
        return None
    try:
        return _parsed(journal.read_bytes())
    except PermissionError as error:
        why = f"the journal cannot be read: {error.strerror}"
        raise DamagedStoreError(journal, why, hint=f"give yourself permission to read {journal}") from None
    except (OSError, ValueError):
        aside = next(each for number in count(1) if not os.path.lexists(each := root / f"{SET_ASIDE}{number}"))
        journal.replace(aside)
        logger.warning("%s does not identify a load and was renamed to %s", journal, aside.name)
        return "unknown"


def _parsed(data: bytes) -> Entry:
    """Return the entry that a journal contains.

    Raises
    ------
    ValueError
        This version of ckm did not write the entry, or the table is not a plain folder name.
    """
    try:
        record = json.loads(data)
    except RecursionError:
        raise ValueError from None
    if not isinstance(record, dict) or set(record) != {each.name for each in fields(Entry)}:
        raise ValueError
    texts = [record[name] for name in ("load_id", "table", "app_id", "file_id", "source")]
    undoes, supersedes = record["undoes"], record["supersedes"]
    fits = (
        all(isinstance(text, str) for text in texts)
        and isinstance(undoes, str | None)
        and isinstance(supersedes, list)
        and all(isinstance(load, str) for load in supersedes)
        and type(record["mark"]) is int
    )
    if not fits or not LOAD_ID.fullmatch(record["load_id"]) or not TABLE_NAME.fullmatch(record["table"]):
        raise ValueError
    return Entry(**record)


def is_committed(root: Path, entry: Entry) -> bool:
    """Return whether the load was committed."""
    return StoredTable(root / entry.table).mark(entry.app_id) >= entry.mark


def mark_loaded(table: StoredTable, app_id: str) -> int:
    """Return the next transaction version of ``app_id`` that means loaded: an odd number."""
    mark = table.mark(app_id)
    return mark // 2 * 2 + 1 + 2 * (mark % 2)


def mark_unloaded(table: StoredTable, app_id: str) -> int:
    """Return the next transaction version of ``app_id`` that means not loaded: an even number."""
    return table.mark(app_id) // 2 * 2 + 2


def sweep(root: Path, load_id: str) -> None:
    """Remove files of ``load_id`` that no table contains, and unfinished commits."""
    for folder in [path for path in root.iterdir() if path.is_dir()]:
        held = {file.name for file in StoredTable(folder).files}
        for path in folder.glob(f"{load_id}-*.parquet"):
            if path.name not in held:
                path.unlink()
        _sweep_log(folder)


def sweep_unnamed(root: Path) -> None:
    """Remove data files of ckm's tables that no commit names, and unfinished commits."""
    for folder in [path for path in root.iterdir() if path.is_dir()]:
        named = StoredTable(folder).digests()
        for path in folder.glob("*.parquet"):
            if path.name not in named and OWN_FILE.fullmatch(path.name):
                path.unlink()
        _sweep_log(folder)


def _sweep_log(folder: Path) -> None:
    for pattern in UNFINISHED_FILES:
        for path in (folder / LOG_FOLDER).glob(pattern):
            path.unlink(missing_ok=True)
