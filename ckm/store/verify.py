"""Verification of the data files of a store against the digests in its commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ckm.store import journal
from ckm.store.damage import folders
from ckm.store.data_files import digest_of
from ckm.store.delta import StoredTable
from ckm.store.log import DamagedStoreError

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.store.data_files import DataFile

READERS = 2


class FileState(StrEnum):
    """Result of comparing a file with its commit."""

    VERIFIED = "verified"
    NO_DIGEST = "no digest"
    """The commit has no digest, because an older version wrote it; the size is right."""
    CHANGED = "changed"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NO_COMMIT = "no commit"
    """A data file that no commit names: a log entry was lost, or another program wrote the file."""
    UNDER_WAY = "under way"
    """A file of an uncommitted load: another process is writing it, or the next writer removes it."""
    DAMAGED = "damaged"
    """A table with an unusable log."""


SOUND = {FileState.VERIFIED, FileState.NO_DIGEST, FileState.UNDER_WAY}
"""States of a file in which no data is lost."""


@dataclass(frozen=True)
class VerifiedFile:
    """A data file, or a damaged table.

    Attributes
    ----------
    table, file
        Names of the table and the file; for a damaged table the file is empty.
    rows, size
        Rows and bytes by the commit; None without a commit.
    state
        Result of the comparison.
    note
        Description of the problem; empty without one.
    """

    table: str
    file: str
    rows: int | None
    size: int | None
    state: FileState
    note: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether no data are lost."""
        return self.state in SOUND


def verify(root: Path) -> list[VerifiedFile]:
    """Compare every data file of the store with the digest in its commit; results are sorted by table and file name.

    Reads every file in full; takes no lock. Removed files that wait for deletion are not compared.

    Raises
    ------
    DamagedStoreError
        The store itself cannot be read.
    """
    return [found for folder in folders(root) for found in _of_folder(root, folder)]


def _of_folder(root: Path, folder: Path) -> list[VerifiedFile]:
    try:
        under_way = journal.read(root)
        # before the log is read, so that every commit found names existing files
        there = {path.name for path in folder.glob("*.parquet")}
        table = StoredTable(folder)
        files, digests = table.files, table.digests()
    except DamagedStoreError as error:
        return [VerifiedFile(folder.name, "", None, None, FileState.DAMAGED, str(error))]
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(lambda file: _compared(folder, file, digests.get(file.name, "")), files))
    for name in sorted(there - {*digests, *(file.name for file in files)}):
        mine = under_way is not None and name.startswith(f"{under_way.load_id}-")
        state = FileState.UNDER_WAY if mine else FileState.NO_COMMIT
        note = "a load that is not committed" if mine else "no commit names this file"
        found.append(VerifiedFile(folder.name, name, None, None, state, note))
    return found


def _compared(folder: Path, file: DataFile, digest: str) -> VerifiedFile:
    path = folder / file.name
    state, note = FileState.VERIFIED, ""
    try:
        if path.stat().st_size != file.size:
            state, note = FileState.CHANGED, f"{path.stat().st_size:,} bytes, not the {file.size:,} that were written"
        elif not digest:
            state = FileState.NO_DIGEST
        elif digest_of(path) != digest:
            state, note = FileState.CHANGED, "the content is not what was written"
    except FileNotFoundError:
        state, note = FileState.MISSING, "the file is missing"
    except OSError as error:
        state, note = FileState.UNREADABLE, f"the file cannot be read: {error.strerror}"
    return VerifiedFile(folder.name, file.name, file.rows, file.size, state, note)
