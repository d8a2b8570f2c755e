"""Where things are kept that can be made again at any time: deleting them is harmless."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

from ckm.knowledge.fingerprint import digest

VARIABLE = "CKM_CACHE"


def cache_root() -> Path:
    """Return the folder of all that ckm keeps: ``CKM_CACHE``, else ``ckm`` in the platform's folder for such things.

    That is ``XDG_CACHE_HOME`` or ``~/.cache``, on macOS ``~/Library/Caches``, on Windows ``LOCALAPPDATA``. A relative
    ``XDG_CACHE_HOME`` does not count, as its specification says.
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
    """Return where things about a knowledge folder are kept; it is not made.

    Parameters
    ----------
    folder
        Two ways to it are the same folder: links and ``..`` are resolved.
    """
    resolved = os.path.realpath(folder)
    return cache_root() / "kb" / digest(os.fsencode(resolved))[:24]


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # nobody's process, as in some containers
        return Path(os.devnull)


def make_private(folder: Path) -> None:
    """Make a folder of the cache, and those above it, for their owner only: entries may be for few eyes.

    Raises
    ------
    OSError
        It cannot be made, or is somebody else's.
    """
    for each in reversed([folder, *folder.parents]):
        if not each.is_dir():
            with suppress(FileExistsError):
                each.mkdir(mode=0o700)
    if not is_own(folder):
        raise PermissionError(errno.EACCES, "it belongs to somebody else", str(folder))


def is_own(folder: Path) -> bool:
    """Whether a folder is the user's own, or the machine's; anybody else could plant an index in it."""
    return not hasattr(os, "geteuid") or folder.stat().st_uid in (os.geteuid(), 0)
