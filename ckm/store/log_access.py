"""Access of deltalake to the log of a table: its path and the kind of rename.

deltalake (1.6) resolves links in a path and makes a URL of it. It fails if the path contains brackets, a backslash, a
caret, a bar or control characters; with ``#`` or ``?`` a table has no history; and ``%41`` is written to a folder named
``A``. A table with such a path is opened in a temporary folder that contains only a link to the table's log. That is
enough, because ckm reads and writes data files itself.

A commit is a file that must not exist before. deltalake creates it by a hard link. On file systems without hard links
(exFAT, many network mounts) it renames instead, which could replace a simultaneous commit of another program; ckm's own
writers hold the store's lock.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from ckm.errors import UsageError
from ckm.files import temporary_folder
from ckm.paths import is_utf8, link_folder

LOG_FOLDER = "_delta_log"
MISREAD = re.compile(r"[\x00-\x1f\x7f#%?\[\\\]^|]")
"""Characters that deltalake misreads in a path; all ASCII characters were tested."""
RENAME = {"MOUNT_ALLOW_UNSAFE_RENAME": "true"}


def log_path(folder: Path) -> Path:
    """Return the path by which deltalake opens the table in ``folder``, which must exist.

    Raises
    ------
    UsageError
        The table needs another path, and no temporary folder can be created.
    """
    real = os.path.realpath(folder)
    if _is_readable(real):
        return folder
    if not (log := folder / LOG_FOLDER).is_dir():
        log.mkdir()
    return _with_log_only(real)


def storage_options(folder: Path) -> dict[str, str] | None:
    """Return the options that deltalake needs to commit to the table in ``folder``, which must be writable."""
    return None if _has_hard_links(folder.stat().st_dev, folder) else RENAME


def _is_readable(path: str) -> bool:
    return is_utf8(path) and not MISREAD.search(Path(path).as_posix())


@cache
def _with_log_only(folder: str) -> Path:
    place = temporary_folder()
    if not _is_readable(os.path.realpath(place)):
        raise UsageError(
            f"tables in {folder} need a temporary folder to be opened, and {place} has special characters too",
            hint="set TMPDIR to another temporary folder",
        )
    path = Path(tempfile.mkdtemp(dir=place))
    try:
        link_folder(path / LOG_FOLDER, Path(folder, LOG_FOLDER))
    except OSError as error:
        raise UsageError(
            f"tables in {folder} need a link in {place} to be opened, which cannot be created: {error.strerror}",
            hint="rename the folder: letters, digits, blanks, - and _ are fine",
        ) from error
    return path


_links: dict[int, bool] = {}
"""Whether a device supports hard links, by its number."""


def _has_hard_links(device: int, folder: Path) -> bool:
    if device not in _links:
        number, name = tempfile.mkstemp(prefix=".ckm-link-", dir=folder)
        os.close(number)
        file, link = Path(name), Path(f"{name}.2")
        try:
            link.hardlink_to(file)
            _links[device] = True
        except OSError:
            _links[device] = False
        finally:
            for each in (link, file):
                with suppress(OSError):
                    each.unlink()
    return _links[device]
