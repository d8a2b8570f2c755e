"""The files of a folder that is named as a source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import InputError, UsageError
from ckm.sources.partition import is_partition

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = "."
BOOKKEEPING = "_"
"""Spark, Hive and their like put such files beside the data (``_SUCCESS``, ``_metadata``) and read none of them."""
DIGITS = re.compile(r"([0-9]+)")
NAMED = 3
"""Names that are given of those left out."""


@dataclass(frozen=True)
class FolderFiles:
    """What a folder holds.

    Attributes
    ----------
    files
        Everything in it that is no folder, by name: a broken link or a pipe is to be refused and not overlooked.
    remarks
        What was left out.
    """

    files: tuple[Path, ...]
    remarks: tuple[str, ...]


def files_in(folder: Path) -> FolderFiles:
    """List the files of a folder and of the folders in it that are named by a column and its value.

    Hidden files, those of other programs, and other sub-folders are left out.

    Raises
    ------
    InputError
        The folder cannot be read.
    UsageError
        It holds no file.
    """
    try:
        entries = sorted((path for path in folder.iterdir() if not path.name.startswith(HIDDEN)), key=_by_numbers)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or 'cannot be read'}", hint="look at its permissions") from None
    all_folders = [path for path in entries if path.is_dir()]
    others = [path for path in entries if path not in all_folders]
    bookkeeping = [path for path in others if path.name.startswith(BOOKKEEPING)]
    partitions = [files_in(path) for path in all_folders if is_partition(path)]
    folders = [path for path in all_folders if not is_partition(path)]
    files = tuple(path for path in others if path not in bookkeeping)
    files += tuple(file for inside in partitions for file in inside.files)
    remarks = [remark for inside in partitions for remark in inside.remarks]
    if bookkeeping:
        remarks.append(f"{folder}: left out, as their names begin with _: {_listed(bookkeeping)}")
    folders = [path for path in folders if not path.name.startswith(BOOKKEEPING)]
    if folders:
        remarks.append(f"{folder}: sub-folders are not read: {_listed(folders)}")
    if not files:
        hint = f"sub-folders are not read; name them: {_listed(folders)}" if folders else None
        raise UsageError(f"{folder} holds no file", hint=hint)
    return FolderFiles(files, tuple(remarks))


def _by_numbers(path: Path) -> tuple[list[str | int], str]:
    """Sort names with their numbers as numbers, so that page 2 stands before page 10."""
    parts = DIGITS.split(path.name)  # texts and numbers take turns
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], path.name


def _listed(paths: list[Path]) -> str:
    names = ", ".join(path.name for path in paths[:NAMED])
    return f"{names} and {len(paths) - NAMED} more" if len(paths) > NAMED else names
