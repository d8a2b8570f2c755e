"""Files that are written whole or not at all, and temporary files that are gone whatever ends the process.

A process that is killed cannot clean up, so whoever writes into the same folder next does: a draft beside an output,
and a temporary folder, stay locked for as long as the process lives that made them. The lock is the system's and not
a process number: those repeat in containers.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import os
import re
import shutil
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import CkmError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_NB, flock

DRAFT = re.compile(r"\..*\.[0-9a-f]{8}\.part", re.DOTALL)
SCRATCH_PREFIX = "ckm-"
SCRATCH = re.compile(r"ckm-[0-9a-z_]{8}")
OWNER = ".owner"
"""The locked file of a temporary folder."""
OWNER_ONLY = 0o600
LONGEST = 100
"""Bytes of a name that a draft carries on."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_IN_WORDS = ("No space left on device", "Disk quota exceeded", "File too large", "os error 28", "os error 122")
"""What libraries say that hand on no number."""

ROOM = 1 << 16
"""Bytes: a place with less is full."""

_open: set[Path] = set()
"""Drafts and temporary folders of this process, for :func:`clean_up`."""
_scratch: dict[int, list[Path]] = {}
"""The temporary folders of a process, by its number: a forked child makes its own."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the body a file beside ``path`` to write; put it in place of ``path`` when the body succeeds.

    Missing folders are made: a long run must not fail at its last step. A link stays a link, an existing file keeps
    its permissions, and a failed body leaves what was there. The draft is its owner's only, and goes with the process,
    or with the next one that writes into the same folder.

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
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"cannot write {path}: it leads round in a circle", hint="choose another place") from error
    if target.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file in it")
    if target.exists() and not target.is_file():
        raise UsageError(f"{path} is a device or a pipe, not a file", hint="leave out -o and redirect stdout to it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_dead_drafts(target.parent)
        draft, handle = _new_draft(target)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield draft
        _to_disk(draft)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        with suppress(PermissionError, NotImplementedError):  # file systems that have no permissions refuse
            draft.chmod(mode)
        if os.name == "nt":  # an open file cannot be renamed there
            os.close(handle)
            handle = -1
        draft.replace(target)
    except OSError as error:
        if not full_disk(error):
            raise
        raise _full_place(path, error) from error
    except Exception as error:  # of a library, which says it in words
        if isinstance(error, CkmError) or not full_disk(error):
            raise
        raise _full_place(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
    finally:
        if handle >= 0:
            os.close(handle)
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        _open.discard(draft)


def temporary_folder() -> Path:
    """Return this process's folder for temporary files: its owner's only, and gone when the process ends.

    Folders of processes that were killed are removed when it is made.

    Raises
    ------
    UsageError
        There is no place for it.
    """
    import tempfile

    place = Path(tempfile.gettempdir())
    for folder in _scratch.get(os.getpid(), []):
        if folder.parent == place and folder.is_dir():
            return folder
    try:
        _remove_dead_scratch(place)
        folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=place))
        _open.add(folder)
        _locked(folder / OWNER)
    except OSError as error:
        raise no_space(place, error) from error
    _scratch.setdefault(os.getpid(), []).append(folder)
    atexit.register(clean_up, os.getpid())
    return folder


def clean_up(process: int | None = None) -> None:
    """Remove the drafts and temporary folders of this process at once; for its end, whatever else still runs."""
    if process not in (None, os.getpid()):  # a child that was forked: they are its parent's
        return
    for path in list(_open):
        with suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def refuse_unreadable(folder: Path) -> None:
    """Refuse a folder that is there and cannot be looked into, so that it is never taken for an empty one.

    Raises
    ------
    InputError
        It is no folder, a link that leads nowhere, or not for this user.
    """
    try:
        with os.scandir(folder) as scan:
            next(scan, None)
    except FileNotFoundError:
        if folder.is_symlink():
            raise InputError(f"{folder}: this link leads nowhere", hint="fix the link, or remove it") from None
    except NotADirectoryError:
        if os.path.lexists(folder):
            raise InputError(f"{folder} is no folder", hint="put a folder in its place") from None
    except OSError as error:
        hint = f"give yourself permission to read {folder}"
        raise InputError(f"{folder} cannot be read: {error.strerror}", hint=hint) from None


def full_disk(error: BaseException) -> bool:
    """Whether a write failed for want of space (also: quota, greatest size of a file)."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return any(words in str(error) for words in FULL_IN_WORDS)


def flush_folder(folder: Path) -> None:
    """Hand a new name in ``folder`` to the disk; where a system cannot do that for a folder, nothing is lost by it."""
    if os.name == "nt":
        return
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _new_draft(target: Path) -> tuple[Path, int]:
    """Make a locked, empty draft beside ``target``; return it and its open descriptor."""
    draft = target.with_name(f".{_short(target.name)}.{os.urandom(4).hex()}.part")
    _open.add(draft)
    return draft, _locked(draft)


def _locked(path: Path) -> int:
    """Make a file that nobody else can read, and lock it until its descriptor is closed."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, OWNER_ONLY)
        if sys.platform == "win32":
            return handle
        with suppress(OSError):  # a file system without locks: nobody can tell who lives there, and nobody removes
            flock(handle, LOCK_EX)
        with suppress(FileNotFoundError):  # somebody who cleans up was faster than the lock
            if path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _is_dead(path: Path) -> bool:
    """Whether the process that made a file is gone.

    On Windows an open file cannot be deleted, so that is for the deletion to find out.
    """
    if sys.platform == "win32":
        return True
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        flock(handle, LOCK_EX | LOCK_NB)
        return os.fstat(handle).st_uid == os.geteuid()
    except OSError:
        return False
    finally:
        os.close(handle)


def _remove_dead_drafts(folder: Path) -> None:
    with suppress(OSError), os.scandir(folder) as scan:
        for each in [one.name for one in scan if one.name.endswith(".part")]:
            path = folder / each
            if DRAFT.fullmatch(each) and path not in _open and _is_dead(path):
                with suppress(OSError):
                    path.unlink()


def _remove_dead_scratch(place: Path) -> None:
    with suppress(OSError), os.scandir(place) as scan:
        for each in [one.name for one in scan if one.name.startswith(SCRATCH_PREFIX)]:
            path = place / each
            if not SCRATCH.fullmatch(each) or path in _open or path.is_symlink() or not _is_dead(path / OWNER):
                continue
            with suppress(OSError):
                if sys.platform == "win32":
                    (path / OWNER).unlink()  # fails while its process lives
                shutil.rmtree(path, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _short(name: str) -> str:
    """Return a name to which more can be added: a file system takes 255 bytes, and some take less."""
    return (
        name
        if len(os.fsencode(name)) <= LONGEST and name.isprintable()
        else hashlib.sha1(os.fsencode(name)).hexdigest()
    )


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror or error}", hint="choose another place")


def no_space(place: Path, error: OSError) -> UsageError:
    """Return the error of a folder for temporary files that cannot be written."""
    return UsageError(
        f"cannot write temporary files in {place}: {error.strerror or error}",
        hint="make room there, or let the environment's TMPDIR name another place",
    )


def _full_place(target: Path, error: OSError) -> UsageError:
    """Name the place that is full: of the output, or of the temporary files that some formats are made from."""
    for folder in _scratch.get(os.getpid(), []):
        if _free(folder) < ROOM <= _free(target.parent):
            return no_space(folder.parent, error)
    return _unwritable(target, error)


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return ROOM


def _to_disk(path: Path) -> None:
    """Hand the bytes to the disk before the name changes, or a power cut could leave an empty file of that name."""
    with path.open("rb+") as file:  # Windows flushes only what is open for writing
        os.fsync(file.fileno())
