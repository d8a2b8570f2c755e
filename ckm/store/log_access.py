"""How deltalake gets at the log of a table: by which path, and by which sort of rename.

deltalake (1.6) makes a URL of a path, and resolves links in it before that. It fails where the path has brackets, a
backslash, a caret, a bar or control characters; with ``#`` or ``?`` in it a table has no history; and for ``%41`` the
folder that has an ``A`` there is written. A table in such a place is opened in a folder of this process that holds
nothing but a link to the table's log. That suffices: ckm reads and writes data files itself.

A commit is a file that must not exist before. deltalake makes it by a hard link. Where the file system has none (exFAT,
many network mounts), it renames instead, which could replace the commit of another program at the same moment; ckm's
own writers have the store's lock.
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
"""What deltalake cannot have in a path; of all other letters and signs, every one of ASCII was tried."""
RENAME = {"MOUNT_ALLOW_UNSAFE_RENAME": "true"}


def log_path(folder: Path) -> Path:
    """Return the path by which deltalake opens the table in ``folder``, which must exist.

    Raises
    ------
    UsageError
        It must be another path, and there is no place for one.
    """
    real = os.path.realpath(folder)
    if _is_read_right(real):
        return folder
    if not (log := folder / LOG_FOLDER).is_dir():
        log.mkdir()
    return _with_log_only(real)


def storage_options(folder: Path) -> dict[str, str] | None:
    """Return what deltalake must know to commit to the table in ``folder``, which must be writable."""
    return None if _has_hard_links(folder.stat().st_dev, folder) else RENAME


def _is_read_right(path: str) -> bool:
    return is_utf8(path) and not MISREAD.search(Path(path).as_posix())


@cache
def _with_log_only(folder: str) -> Path:
    place = temporary_folder()
    if not _is_read_right(os.path.realpath(place)):
        raise UsageError(
            f"tables in {folder} need a temporary folder to be opened, and {place} has no plain name either",
            hint="name another temporary folder by TMPDIR",
        )
    path = Path(tempfile.mkdtemp(dir=place))
    try:
        link_folder(path / LOG_FOLDER, Path(folder, LOG_FOLDER))
    except OSError as error:
        raise UsageError(
            f"tables in {folder} need a link in {place} to be opened, which cannot be made: {error.strerror}",
            hint="rename the folder: letters, digits, blanks, - and _ are fine",
        ) from error
    return path


_links: dict[int, bool] = {}
"""Whether a device has hard links."""


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
