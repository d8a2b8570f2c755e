"""Atomic file writes, and temporary files that are always removed.

A killed process cannot clean up, so the next one that writes to the same folder does. A temporary file or folder is
locked while the process that created it lives. File locks are used and not process ids, because containers reuse these.
"""

from __future__ import annotations

import atexit
import errno
import os
import re
import shutil
import stat
import sys
import threading
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
"""Name of the locked file in a temporary folder."""
OWNER_ONLY, OWNER_ONLY_FOLDER = 0o600, 0o700
FOR_OTHERS = 0o077
"""Permissions of group and others."""
LONGEST = 100
"""Maximum bytes of the target's name in the name of a temporary file."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_IN_WORDS = ("No space left on device", "Disk quota exceeded", "File too large", "os error 28", "os error 122")
"""Messages for a full disk from libraries that give no error number."""

URL = re.compile(r"([a-z][a-z0-9+.-]+):/{1,3}(?=[^/])", re.IGNORECASE)
"""Start of a URL; a :class:`pathlib.Path` of it has one slash."""

MIN_FREE_BYTES = 1 << 16
"""Bytes of free space below which a disk counts as full."""

_open: set[Path] = set()
"""Temporary files and folders of this process, for :func:`clean_up`."""
_urls: dict[Path, str] = {}
"""Texts of URLs by the paths that were made of them (:func:`path_of`)."""
_replaced: list[Path] = []
"""Files that this process replaced, in order; see :func:`replaced_files`."""
_umask_holders: list[int] = []
"""Earlier umasks of the bodies of :func:`created_for_owner` that are running."""
_umask_lock = threading.Lock()
_scratch: dict[int, list[Path]] = {}
"""Temporary folders by process id, because a forked child needs its own."""


def url_of(path: Path) -> str | None:
    """Return the URL that a path was made of, with the slashes that a ``Path`` reduces to one; None for other paths.

    A path in a folder of this machine whose name ends with a colon is no URL.
    """
    url = URL.match(str(path))
    if url is None or Path(path.parts[0]).exists():
        return None
    return _urls.get(path, f"{url[1]}://{str(path)[url.end() :]}")


def path_of(text: str) -> Path:
    """Return the path of a text, for which :func:`url_of` returns the text if it is a URL."""
    path = Path(text)
    if URL.match(text):
        _urls[path] = text
    return path


def refuse_url(path: Path) -> None:
    """Raise an error if a path is a URL.

    Raises
    ------
    UsageError
        The path is a URL.
    """
    if url := url_of(path):
        raise UsageError(
            f"{url} is a URL; files are read and written on this machine",
            hint="name a file or folder, and copy it from or to the URL with a program of its storage",
        )


@contextmanager
def replacing(path: Path, *, owner_only: bool = False, shared: bool = False) -> Iterator[Path]:
    """Yield a temporary file beside ``path``, and rename it to ``path`` when the body succeeds.

    Missing folders are created, so that a long run does not fail at its last step. A link stays a link, and an existing
    file keeps its permissions. A new file is readable only for its owner, because it may contain personal data. If the
    body fails, the existing file is unchanged. The temporary file is readable only for its owner; it is removed with
    the process, or by the next one that writes to the same folder.

    Parameters
    ----------
    path
        Final path of the file.
    owner_only
        Whether only the owner may read and write the file (0600), also if it exists with other permissions.
    shared
        Whether the file has no personal data, so that a new one gets the usual permissions (the umask).

    Yields
    ------
    Path
        An empty file in the same folder.

    Raises
    ------
    UsageError
        The path cannot be written: it is a URL or a folder, permission is missing, or the disk is full.

    Examples
    --------
    >>> with replacing(Path("out/report.json")) as draft:
    ...     draft.write_text("{}")
    """
    refuse_url(path)
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
        new = 0o666 & ~_umask() if shared else OWNER_ONLY
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() and not owner_only else new
        with suppress(PermissionError, NotImplementedError):  # some file systems have no permissions and raise an error
            draft.chmod(mode)
        if os.name == "nt":  # Windows cannot rename an open file
            os.close(handle)
            handle = -1
        draft.replace(target)
        _replaced.append(target)
    except OSError as error:
        if not full_disk(error):
            raise
        raise _full_place(path, error) from error
    except Exception as error:  # of a library without an error number
        if isinstance(error, CkmError) or not full_disk(error):
            raise
        raise _full_place(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
    finally:
        if handle >= 0:
            os.close(handle)
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        _open.discard(draft)


def replaced_files() -> tuple[Path, ...]:
    """Return the files that :func:`replacing` wrote in this process, in order; one that was written twice is twice."""
    return tuple(_replaced)


@contextmanager
def created_for_owner(folder: Path) -> Iterator[None]:
    """Create all files and folders in the body for their owner only, also those of other libraries.

    The permissions of ``folder``, if it exists, decide: where group or others have some, files are created by the
    umask. The umask is one for all threads of the process; it is restored when the last of them leaves.
    """
    if os.name == "nt" or (folder.exists() and stat.S_IMODE(folder.stat().st_mode) & FOR_OTHERS):
        yield
        return
    with _umask_lock:
        _umask_holders.append(os.umask(FOR_OTHERS))
    try:
        yield
    finally:
        with _umask_lock:
            before = _umask_holders.pop()
            if not _umask_holders:
                os.umask(before)


def temporary_folder() -> Path:
    """Return this process's folder for temporary files, readable only for its owner and removed at exit.

    Creating it removes the folders of killed processes.

    Raises
    ------
    UsageError
        No temporary folder can be created.
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
    """Remove the temporary files and folders of this process now, even if other code is still running."""
    if process not in (None, os.getpid()):  # in a forked child, these belong to the parent
        return
    for path in list(_open):
        with suppress(OSError):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def refuse_unreadable(folder: Path) -> None:
    """Refuse a folder that exists but cannot be read, so that it is not mistaken for an empty one.

    Raises
    ------
    InputError
        The path is not a folder, is a broken link, or is not readable for this user.
    """
    try:
        with os.scandir(folder) as scan:
            next(scan, None)
    except FileNotFoundError:
        if folder.is_symlink():
            raise InputError(f"{folder}: this link leads nowhere", hint="fix the link, or remove it") from None
    except NotADirectoryError:
        if os.path.lexists(folder):
            raise InputError(f"{folder} is not a folder", hint="put a folder in its place") from None
    except OSError as error:
        hint = f"give yourself permission to read {folder}"
        raise InputError(f"{folder} cannot be read: {error.strerror}", hint=hint) from None


def full_disk(error: BaseException) -> bool:
    """Return whether a write failed for lack of space (also: quota, file size limit)."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return any(words in str(error) for words in FULL_IN_WORDS)


def flush_folder(folder: Path) -> None:
    """Flush a new name in ``folder`` to the disk; systems that cannot do this for a folder need no flush."""
    if os.name == "nt":
        return
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _new_draft(target: Path) -> tuple[Path, int]:
    """Create a locked, empty temporary file beside ``target``; return its path and open descriptor."""
    draft = target.with_name(f".{_short(target.name)}.{os.urandom(4).hex()}.part")
    _open.add(draft)
    return draft, _locked(draft)


def _locked(path: Path) -> int:
    """Create a private file and lock it until its descriptor is closed."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, OWNER_ONLY)
        if sys.platform == "win32":
            return handle
        # a file system without locks raises an error: no process can detect the owner, so none removes the file
        with suppress(OSError):
            flock(handle, LOCK_EX)
        with suppress(FileNotFoundError):  # another process cleaned up before the lock
            if path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _is_dead(path: Path) -> bool:
    """Return whether the process that created a file is dead.

    Windows cannot delete an open file, so there the deletion decides.
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
    """Return a shortened name that leaves space for a suffix: file systems allow 255 bytes, some fewer."""
    if len(os.fsencode(name)) <= LONGEST and name.isprintable():
        return name
    import hashlib  # loads OpenSSL: 3 milliseconds

    return hashlib.sha1(os.fsencode(name)).hexdigest()


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror or error}", hint="choose another place")


def no_space(place: Path, error: OSError) -> UsageError:
    """Return the error for a temporary folder that cannot be written."""
    return UsageError(
        f"cannot write temporary files in {place}: {error.strerror or error}",
        hint="make room there, or let the environment's TMPDIR name another place",
    )


def _full_place(target: Path, error: OSError) -> UsageError:
    """Return the full place: that of the output, or that of temporary files, which some formats need."""
    for folder in _scratch.get(os.getpid(), []):
        if _free(folder) < MIN_FREE_BYTES <= _free(target.parent):
            return no_space(folder.parent, error)
    return _unwritable(target, error)


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return MIN_FREE_BYTES


def _to_disk(path: Path) -> None:
    """Flush the file before it is renamed; otherwise a power cut could leave an empty file."""
    with path.open("rb+") as file:  # Windows flushes only files opened for writing
        os.fsync(file.fileno())
