"""A second store over the data files of the first, made in no time and thrown away."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ckm.store.damage import table_folders
from ckm.store.delta import LOG_FOLDER
from ckm.store.journal import HALF_MADE, JOURNAL_FILE

if TYPE_CHECKING:
    from pathlib import Path


def mirror(root: Path, copy: Path) -> None:
    """Make ``copy`` look like the store at ``root``, which is only read and need not exist.

    Data files are linked, for they never change once they are written; logs are copied. No lock is taken: what a
    killed process left, and what a working one has not committed yet, is set right in the copy as it would be in the
    store itself, because the journal comes along.
    """
    copy.mkdir(parents=True)
    for folder in table_folders(root):
        table = copy / folder.name
        shutil.copytree(folder / LOG_FOLDER, table / LOG_FOLDER, ignore=shutil.ignore_patterns(*HALF_MADE))
        for path in folder.glob("*.parquet"):  # after the log: a file is there before a commit names it
            (table / path.name).symlink_to(path.resolve())
    if (root / JOURNAL_FILE).exists():
        shutil.copy(root / JOURNAL_FILE, copy / JOURNAL_FILE)
