"""Temporary copy of a store over the same data files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ckm.store.commits import COMMITS_FILE
from ckm.store.damage import table_folders
from ckm.store.delta import LOG_FOLDER
from ckm.store.journal import HALF_MADE, JOURNAL_FILE

if TYPE_CHECKING:
    from pathlib import Path


def mirror(root: Path, copy: Path) -> None:
    """Make ``copy`` look like the store at ``root``, which is only read and need not exist.

    Data files are linked, for they never change once they are written, or copied where the system makes no link; logs
    are copied. No lock is taken: what a
    killed process left, and what a working one has not committed yet, is recovered in the copy as it would be in the
    store itself, because the journal is copied too.
    """
    copy.mkdir(parents=True)
    for folder in table_folders(root):
        log, table = folder / LOG_FOLDER, copy / folder.name
        (table / LOG_FOLDER).mkdir(parents=True)
        for path in [each for each in log.iterdir() if each.is_file() and not any(map(each.match, HALF_MADE))]:
            shutil.copyfile(path, table / LOG_FOLDER / path.name)  # not the permissions: some file systems have none
        if (folder / COMMITS_FILE).exists():
            shutil.copyfile(folder / COMMITS_FILE, table / COMMITS_FILE)
        for path in folder.glob("*.parquet"):  # after the log: a file is there before a commit names it
            _link(table / path.name, path.resolve())
    if (root / JOURNAL_FILE).exists():
        shutil.copyfile(root / JOURNAL_FILE, copy / JOURNAL_FILE)


def _link(link: Path, file: Path) -> None:
    try:
        link.symlink_to(file)
    except (
        OSError
    ):  # a file system without links; on Windows also for want of a privilege, which a hard link does not need
        try:
            link.hardlink_to(file)
        except OSError:
            shutil.copyfile(file, link)
