"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ckm.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST = 100
"""Bytes of a name that a draft carries on."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the body a file beside ``path`` to write; put it in place of ``path`` when the body succeeds.

    Missing folders are made: a long run must not fail at its last step. A link stays a link, an existing file keeps
    its permissions, and a failed body leaves what was there.

    Parameters
    ----------
    path
        Where the file shall be in the end.

    Yields
    ------
    Path
        An empty file in the same folder.

    Raises
    ------
    UsageError
        The place cannot be written: a folder of that name, no permission, a full disk.

    Examples
    --------
    >>> with replacing(Path("out/report.json")) as draft:
    ...     draft.write_text("{}")
    """
    target = path.resolve()
    if target.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file in it")
    if target.exists() and not target.is_file():
        raise UsageError(f"{path} is a device or a pipe, not a file", hint="leave out -o and redirect stdout to it")
    draft = target.with_name(f".{_short(target.name)}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(b"")  # a killed run may have left one: in a container the process number is often the same
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield draft
        _to_disk(draft)
        if target.exists():
            with suppress(PermissionError, NotImplementedError):  # file systems that have no permissions refuse
                shutil.copymode(target, draft)
        draft.replace(target)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise _unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def _short(name: str) -> str:
    """Return a name to which more can be added: a file system takes 255 bytes, and some take less."""
    return (
        name
        if len(os.fsencode(name)) <= LONGEST and name.isprintable()
        else hashlib.sha1(os.fsencode(name)).hexdigest()
    )


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}", hint="choose another place")


def _to_disk(path: Path) -> None:
    """Hand the bytes to the disk before the name changes, or a power cut could leave an empty file of that name."""
    with path.open("rb+") as file:  # Windows flushes only what is open for writing
        os.fsync(file.fileno())
