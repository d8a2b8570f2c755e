"""List the files of a knowledge folder without opening them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._kb.entry import Mistake
from ckm._kb.fingerprint import SUFFIXES, mark_of
from ckm.files import refuse_unreadable
from ckm.plaintext import one_line
from ckm.severity import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from ckm._kb.fingerprint import Mark

LARGEST = 16 * 1024 * 1024
"""Bytes of a file, about 30,000 entries. Larger files are refused, since YAML is slow to read."""


@dataclass(frozen=True)
class FileListing:
    """The files of a folder.

    Attributes
    ----------
    files
        ``(name, mark)`` in order of names: see :func:`ckm._kb.fingerprint.mark_of`. Names are relative to the
        folder, with ``/``.
    mistakes
        Pipes and devices, links out of the folder, and folders that cannot be read.
    unreadable
        Number of folders that cannot be read.
    """

    files: tuple[tuple[str, Mark], ...]
    mistakes: tuple[Mistake, ...]
    unreadable: int = 0


def files(folder: Path) -> FileListing:
    """Return all ``.yaml`` and ``.yml`` files below a folder, except those whose names start with a dot.

    Symbolic links are not followed: their target is in the folder and listed there, or outside and not part of it.

    Parameters
    ----------
    folder
        The knowledge folder, or a link to it. A missing folder is empty.

    Raises
    ------
    InputError
        The folder itself cannot be read.
    """
    found: list[tuple[str, Mark]] = []
    mistakes: list[Mistake] = []
    root = os.path.realpath(folder)
    waiting = [""]
    unreadable = 0
    refuse_unreadable(folder)
    while waiting:
        inside = waiting.pop()
        try:
            with os.scandir(os.path.join(root, inside)) as scan:  # noqa: PTH118  # 100,000 files: Path costs a second
                entries = list(scan)
        except FileNotFoundError:
            continue
        except OSError as error:
            unreadable += 1
            mistakes.append(_mistake(inside or ".", f"cannot be read: {error.strerror}", "check its permissions"))
            continue
        for each in entries:
            name = f"{inside}/{each.name}" if inside else each.name
            if each.name.startswith("."):
                continue
            if each.is_symlink():
                mistakes += _link(root, name, each)
            elif each.is_dir(follow_symlinks=False):
                waiting.append(name)
            elif each.name.lower().endswith(SUFFIXES):
                try:
                    about = each.stat(follow_symlinks=False)
                except OSError:  # removed meanwhile
                    continue
                if stat.S_ISREG(about.st_mode):
                    found.append((name, mark_of(about)))
                else:
                    mistakes.append(_mistake(name, "not a file but a pipe or a device", "remove it"))
    found.sort()
    return FileListing(tuple(found), tuple(sorted(mistakes, key=lambda mistake: mistake.path)), unreadable)


def _link(root: str, name: str, link: os.DirEntry[str]) -> list[Mistake]:
    """Return a mistake for a link to a folder or a YAML file outside the folder, or a broken link."""
    try:
        target = os.path.realpath(link.path, strict=True)
    except OSError:
        if not name.lower().endswith(SUFFIXES):
            return []
        return [_mistake(name, "broken link", "remove it", Severity.warning)]
    if target == root or target.startswith(root + os.sep):
        return []
    if not (name.lower().endswith(SUFFIXES) or link.is_dir()):
        return []
    return [
        _mistake(
            name, "link out of the folder, which is not followed", "copy its target into the folder", Severity.warning
        )
    ]


def _mistake(name: str, message: str, hint: str, severity: Severity = Severity.error) -> Mistake:
    return Mistake("file", one_line(name), 0, message, hint, severity, left_out=True)
