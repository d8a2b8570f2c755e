"""The cache folder. Deleting it is safe; its content is computed again."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

from ckm._kb.fingerprint import digest

VARIABLE = "CKM_CACHE"
LINT_CACHE = "lint"
"""Subfolder of a cache folder with parsed entries and findings of :func:`ckm.kb.lint`."""


def cache_root() -> Path:
    """Return the cache folder of ckm: ``CKM_CACHE``, else ``ckm`` in the cache folder of the platform.

    That is ``XDG_CACHE_HOME`` or ``~/.cache``, on macOS ``~/Library/Caches``, on Windows ``LOCALAPPDATA``. As its
    specification says, a relative ``XDG_CACHE_HOME`` is ignored.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named).absolute()
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "ckm"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else _home() / "AppData" / "Local") / "ckm" / "Cache"
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else _home() / ".cache") / "ckm"  # noqa: PTH117  # "" is no path


def cache_folder(folder: Path) -> Path:
    """Return the cache folder of a knowledge folder or workspace, without creating it.

    Parameters
    ----------
    folder
        The folder; links and ``..`` are resolved.
    """
    resolved = os.path.realpath(folder)
    return cache_root() / "kb" / digest(os.fsencode(resolved))[:24]


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a home, as in some containers
        return Path(os.devnull)


def make_private(folder: Path) -> None:
    """Create a folder of the cache and its parents for their owner only, since entries may be confidential.

    Raises
    ------
    OSError
        It cannot be created, or belongs to another user.
    """
    for each in reversed([folder, *folder.parents]):
        if not each.is_dir():
            with suppress(FileExistsError):
                each.mkdir(mode=0o700)
    if not is_own(folder):
        raise PermissionError(errno.EACCES, "it belongs to another user", str(folder))


def is_own(folder: Path) -> bool:
    """Return whether a folder belongs to the user or to root; another user could place a forged index in it."""
    return not hasattr(os, "geteuid") or folder.stat().st_uid in (os.geteuid(), 0)
