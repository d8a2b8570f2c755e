"""Detection of damaged or foreign files in a store, so that they are never mistaken for an empty table."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ckm.errors import CkmError, UsageError
from ckm.files import full_disk
from ckm.io.scanned_files import may_be_damage, unreadable
from ckm.store import journal
from ckm.store.delta import StoredTable
from ckm.store.log import DamagedStoreError, is_own, versions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOVE_AWAY = "move it out of the store, which contains only tables of ckm"


def table_folders(root: Path) -> list[Path]:
    """Return the folders of the tables in the store, sorted by name; none if there is no store yet.

    Raises
    ------
    DamagedStoreError
        The store or a log in it cannot be read, data files have no log, or a table was not written by ckm.
    """
    return [folder for folder in folders(root) if _is_table(root, folder)]


def folders(root: Path) -> list[Path]:
    """Return the folders in the store, sorted by name; none if there is no store yet."""
    try:
        with os.scandir(root) as scan:
            found = [root / each.name for each in scan if not each.name.startswith(".") and _may_be_table(root, each)]
    except FileNotFoundError:
        if root.is_symlink():
            raise DamagedStoreError(root, "this link is broken") from None
        return []
    except OSError as error:
        hint = f"give yourself permission to read {root}" if root.is_dir() else "the store must be a folder"
        raise DamagedStoreError(root, f"the store cannot be read: {error.strerror}", hint=hint) from None
    return sorted(found)


def _may_be_table(root: Path, each: os.DirEntry[str]) -> bool:
    if each.is_symlink() and not os.path.exists(each.path):  # noqa: PTH110
        raise DamagedStoreError(root / each.name, "this link is broken")
    return each.is_dir()


def _is_table(root: Path, folder: Path) -> bool:
    if versions(folder):
        if not is_own(folder):
            raise DamagedStoreError(folder, "this table was not written by ckm", hint=MOVE_AWAY)
        return True
    if left := _data_without_log(root, folder):
        if versions(folder):  # the first load of the table was committed meanwhile
            return True
        lost = "restore its _delta_log from a backup; " if left.parent == folder else ""
        hint = f"{lost}if ckm did not write it, {MOVE_AWAY}"
        raise DamagedStoreError(folder, f"the folder has data files ({left.name}) and no log", hint=hint)
    return False


def _data_without_log(root: Path, folder: Path) -> Path | None:
    """Return a data file in ``folder``, which has no commits, that is not from a load in progress; None without one."""
    under_way = journal.read(root)
    prefix = f"{under_way.load_id}-" if under_way is not None else None

    def refuse(error: OSError) -> None:
        hint = f"give yourself permission to read {folder}"
        raise DamagedStoreError(folder, f"the folder cannot be read: {error.strerror}", hint=hint)

    for here, _, names in os.walk(folder, onerror=refuse):
        for name in sorted(names):
            if name.endswith(".parquet") and not (prefix and name.startswith(prefix)):
                return folder.joinpath(here, name)
    return None


def find_damage(root: Path) -> DamagedStoreError | None:
    """Return the first unreadable part of the store; every data file is read in full."""
    try:
        for folder in table_folders(root):
            table = StoredTable(folder)
            table.require(table.files)
            for file in table.files:
                if why := unreadable(folder / file.name):
                    return DamagedStoreError(folder / file.name, why)
    except DamagedStoreError as error:
        return error
    return None


@contextmanager
def explained(root: Path) -> Iterator[None]:
    """Convert errors that libraries raise in the ``with`` block to errors that name the file in the store.

    Raises
    ------
    DamagedStoreError
        Something in the store cannot be read.
    UsageError
        The disk of the store is full, or it cannot be written.
    """
    try:
        yield
    except (CkmError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a polars panic is not an Exception
        if full_disk(error):
            raise UsageError(
                f"cannot write {root}: the disk is full", hint="free some space; the store is unchanged"
            ) from error
        if isinstance(error, PermissionError) or not may_be_damage(error):
            raise
        if damage := find_damage(root):
            raise damage from error
        raise
