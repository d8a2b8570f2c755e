"""Which files a knowledge folder holds. Nothing is opened: this is what tells whether anything changed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.files import refuse_unreadable
from ckm.findings import Severity
from ckm.knowledge.entry import Mistake
from ckm.knowledge.fingerprint import SUFFIXES, mark_of
from ckm.plaintext import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.knowledge.fingerprint import Mark

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is read: some 30,000 entries. A larger one is no knowledge, and YAML is slow to read."""


@dataclass(frozen=True)
class Listing:
    """The files of a folder.

    Attributes
    ----------
    files
        ``(name, mark)`` by name: see :func:`ckm.knowledge.fingerprint.mark_of`. A name is relative to the folder, with
        ``/``.
    mistakes
        What is no file, leads out of the folder or cannot be looked into.
    unreadable
        Folders that cannot be looked into.
    """

    files: tuple[tuple[str, Mark], ...]
    mistakes: tuple[Mistake, ...]
    unreadable: int = 0


def files(folder: Path) -> Listing:
    """List every ``.yaml`` and ``.yml`` below a folder; names that start with a dot are left alone, as git's are.

    Symbolic links are not followed: what they lead to is in the folder, and found there, or none of its business.

    Parameters
    ----------
    folder
        Of the knowledge base; it may itself be reached by a link. One that is missing is empty.

    Raises
    ------
    InputError
        The folder itself cannot be looked into.
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
            mistakes.append(_mistake(inside or ".", f"cannot be looked into: {error.strerror}", "mind its permissions"))
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
                except OSError:  # gone meanwhile
                    continue
                if stat.S_ISREG(about.st_mode):
                    found.append((name, mark_of(about)))
                else:
                    mistakes.append(_mistake(name, "is no file but a pipe or a device", "remove it"))
    found.sort()
    return Listing(tuple(found), tuple(sorted(mistakes, key=lambda mistake: mistake.path)), unreadable)


def _link(root: str, name: str, link: os.DirEntry[str]) -> list[Mistake]:
    """Tell of a link that somebody may take for knowledge: to a folder or a YAML file elsewhere, or to nothing."""
    try:
        target = os.path.realpath(link.path, strict=True)
    except OSError:
        if not name.lower().endswith(SUFFIXES):
            return []
        return [_mistake(name, "is a link that leads to nothing", "remove it", Severity.warning)]
    if target == root or target.startswith(root + os.sep):
        return []
    if not (name.lower().endswith(SUFFIXES) or link.is_dir()):
        return []
    return [
        _mistake(name, "is a link out of the folder and is not followed", "copy what it leads to", Severity.warning)
    ]


def _mistake(name: str, message: str, hint: str, severity: Severity = Severity.error) -> Mistake:
    return Mistake("file", one_line(name), 0, message, hint, severity, left_out=True)
