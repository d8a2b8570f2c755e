"""Temporary copy of a store over the same data files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ckm.files import OWNER_ONLY_FOLDER
from ckm.store.commits import COMMITS_FILE
from ckm.store.damage import table_folders
from ckm.store.delta import LOG_FOLDER
from ckm.store.journal import JOURNAL_FILE, UNFINISHED_FILES

if TYPE_CHECKING:
    from pathlib import Path


def mirror(root: Path, copy: Path) -> None:
    """Create ``copy``, a copy of the store at ``root``, which is only read and may be absent.

    Data files are linked, because they never change, or copied if the file system has no links; logs are copied. No
    lock is taken. The journal is copied too, so that an interrupted or uncommitted load is recovered in the copy as in
    the store itself.
    """
    copy.mkdir(mode=OWNER_ONLY_FOLDER, parents=True)
    for folder in table_folders(root):
        log, table = folder / LOG_FOLDER, copy / folder.name
        (table / LOG_FOLDER).mkdir(parents=True)
        for path in [each for each in log.iterdir() if each.is_file() and not any(map(each.match, UNFINISHED_FILES))]:
            # copyfile copies no permissions, which some file systems do not have
            shutil.copyfile(path, table / LOG_FOLDER / path.name)
        if (folder / COMMITS_FILE).exists():
            shutil.copyfile(folder / COMMITS_FILE, table / COMMITS_FILE)
        for path in folder.glob("*.parquet"):  # after the log: files of every copied commit exist by then
            _link(table / path.name, path.resolve())
    if (root / JOURNAL_FILE).exists():
        shutil.copyfile(root / JOURNAL_FILE, copy / JOURNAL_FILE)


def _link(link: Path, file: Path) -> None:
    try:
        link.symlink_to(file)
    except OSError:  # a file system without links, or Windows without the privilege for them; hard links need none
        try:
            link.hardlink_to(file)
        except OSError:
            shutil.copyfile(file, link)
