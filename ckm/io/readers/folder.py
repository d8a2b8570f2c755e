"""List the files of a source folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import InputError, UsageError
from ckm.io.delta_table import delta_files, is_delta
from ckm.io.readers.partition import is_partition

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = "."
BOOKKEEPING = "_"
"""Prefix of metadata files of Spark and Hive (``_SUCCESS``, ``_metadata``), which are skipped."""
DIGITS = re.compile(r"([0-9]+)")
NAMED = 3
"""Maximum number of skipped files that a remark names."""


@dataclass(frozen=True)
class FolderFiles:
    """Files of a folder.

    Attributes
    ----------
    files
        All entries except folders, by name; broken links and pipes are included so that they are refused.
    remarks
        Remarks on skipped files.
    """

    files: tuple[Path, ...]
    remarks: tuple[str, ...]


def files_in(folder: Path) -> FolderFiles:
    """List the files of a folder and of its partition folders; of a Delta table those of its newest version.

    Hidden files, metadata files and other sub-folders are skipped.

    Raises
    ------
    InputError
        The folder cannot be read.
    UsageError
        It contains no file, or is a Delta table whose files alone do not have its rows.
    """
    if is_delta(folder):
        return FolderFiles(tuple(delta_files(folder)), ())
    try:
        entries = sorted((path for path in folder.iterdir() if not path.name.startswith(HIDDEN)), key=_by_numbers)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or 'cannot be read'}", hint="check its permissions") from None
    all_folders = [path for path in entries if path.is_dir()]
    others = [path for path in entries if path not in all_folders]
    bookkeeping = [path for path in others if path.name.startswith(BOOKKEEPING)]
    partitions = [files_in(path) for path in all_folders if is_partition(path)]
    folders = [path for path in all_folders if not is_partition(path)]
    files = tuple(path for path in others if path not in bookkeeping)
    files += tuple(file for inside in partitions for file in inside.files)
    remarks = [remark for inside in partitions for remark in inside.remarks]
    if bookkeeping:
        remarks.append(f"{folder}: skipped, because their names start with _: {_listed(bookkeeping)}")
    folders = [path for path in folders if not path.name.startswith(BOOKKEEPING)]
    if folders:
        remarks.append(f"{folder}: sub-folders are not read: {_listed(folders)}")
    if not files:
        hint = f"sub-folders are not read; name them: {_listed(folders)}" if folders else None
        raise UsageError(f"{folder} contains no file", hint=hint)
    return FolderFiles(files, tuple(remarks))


def _by_numbers(path: Path) -> tuple[list[str | int], str]:
    """Sort names with numbers in numeric order, so that page 2 is before page 10."""
    parts = DIGITS.split(path.name)  # texts and numbers alternate
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], path.name


def _listed(paths: list[Path]) -> str:
    names = ", ".join(path.name for path in paths[:NAMED])
    return f"{names} and {len(paths) - NAMED} more" if len(paths) > NAMED else names
