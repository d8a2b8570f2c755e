"""Fingerprint of a knowledge folder: a digest of names, sizes and times of all its files.

Besides the modification time, which archives and copies restore, the change time (ctime) counts, which programs cannot
set. On Windows ctime is the creation time.

Every search reads the times of all files: writing a file in place changes nothing else. For 100,000 files this takes
0.4 s in one process, nearly all of it in system calls. On Linux several processes share the work (two threads take
0.34 s, two processes 0.18 s). See ``bench/kb_start.py``.
"""

from __future__ import annotations

import os
import stat
import sys
from array import array
from contextlib import suppress

try:
    from _blake2 import blake2b  # hashlib.blake2b without hashlib, which loads OpenSSL: a tenth of a search
except ImportError:  # not CPython
    from hashlib import blake2b

TYPE_CHECKING = False  # without the import of typing, which takes time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Part = tuple[str, list[str]]
    Mark = tuple[int, int, int]

SUFFIXES = (".yaml", ".yml")
"""Suffixes of files with entries."""
PARTS = 64
"""Number of parts of the work, if the folder has so many: enough that no process waits for a slow one."""
MOST_WORKERS = 4
MIN_PARALLEL = 5_000
"""Number of files from which several processes are faster."""
SIZE = 16
"""Bytes of a digest."""
_MISSING = (-1, -1, -1)
"""Mark of a file that was deleted after its folder was listed."""
_BY_DESCRIPTOR = os.stat in os.supports_dir_fd and os.listdir in os.supports_fd


def fingerprint(folder: Path, expected: int = 0) -> str:
    """Return the digest of names and marks (:func:`mark_of`) of the files of a knowledge folder.

    Parameters
    ----------
    folder
        The knowledge folder. A missing folder is empty.
    expected
        Number of files at the last search, to choose the number of processes.

    Notes
    -----
    A file with the same mark counts as unchanged. Links and folders count by their names; other files do not count.
    """
    root = os.path.realpath(folder)
    parts = list(_parts(root))
    processes = workers() if expected >= MIN_PARALLEL else 1
    found = _shared(root, parts, processes) if processes > 1 and len(parts) > 1 else {}
    whole = blake2b(digest_size=SIZE)
    for number, part in enumerate(parts):
        whole.update(found.get(number) or _digest(root, part))
    return whole.hexdigest()


def digest(data: bytes) -> str:
    """Return the BLAKE2b digest of bytes in hexadecimal digits."""
    return blake2b(data, digest_size=SIZE).hexdigest()


def mark_of(about: os.stat_result) -> Mark:
    """Return the mark of a file: size, modification time and change time.

    If the mark is equal, the content counts as unchanged. Times are in nanoseconds of the file system's clock.
    """
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _parts(root: str) -> Iterator[Part]:
    """Yield parts of a folder: some names of one of its folders, with everything below them."""
    level = [("", _names(root))]
    for _ in range(8):  # folders that contain little but one folder
        if sum(len(names) for _, names in level) >= PARTS:
            break
        below = [
            (inner, _names(os.path.join(root, inner)))  # noqa: PTH118
            for inside, names in level
            for name in names
            if not name.endswith(SUFFIXES) and _is_folder(os.path.join(root, inner := _join(inside, name)))  # noqa: PTH118
        ]
        if not below:
            break
        # The digests of parts above these folders contain their names, but not their content.
        yield from ((inside, [name for name in names if name.endswith(SUFFIXES)]) for inside, names in level)
        level = below
    step = max(1, -(-sum(len(names) for _, names in level) // PARTS))
    for inside, names in level:
        yield from ((inside, names[start : start + step]) for start in range(0, len(names), step))


def _digest(root: str, part: Part) -> bytes:
    """Return the digest of a part: names and marks of its files, folder by folder.

    Instead of a mark, a name that has disappeared meanwhile has :data:`_MISSING`, and a link or another special file
    with the suffix of an entry has its kind and zeros.
    """
    hasher = blake2b(digest_size=SIZE)
    waiting: list[tuple[str, list[str] | None]] = [part]
    look = os.stat
    while waiting:
        inside, names = waiting.pop()
        path = os.path.join(root, inside)  # noqa: PTH118  # Path would cost more than the work
        folder = os.open(path, os.O_RDONLY) if _BY_DESCRIPTOR and _is_folder(path) else None
        try:
            if names is None:
                names = _names(path if folder is None else folder)
            counted: list[str] = []
            marks = array("q")  # three numbers per counted name
            for name in names:
                try:
                    if folder is None:
                        about = os.lstat(os.path.join(path, name))  # noqa: PTH118
                    else:
                        about = look(name, dir_fd=folder, follow_symlinks=False)
                except OSError:
                    counted.append(name)
                    marks.extend(_MISSING)
                    continue
                kind = about.st_mode & 0o170000
                if kind == stat.S_IFDIR:
                    waiting.append((_join(inside, name), None))
                elif not name.endswith(SUFFIXES) and not name.lower().endswith(SUFFIXES):
                    continue
                elif kind == stat.S_IFREG:
                    counted.append(name)
                    marks.extend(mark_of(about))
                else:
                    counted.append(name)
                    marks.extend((kind, 0, 0))
        finally:
            if folder is not None:
                os.close(folder)
        hasher.update(os.fsencode("\0".join((inside, *counted))) + b"\0\0")
        hasher.update(marks)
    return hasher.digest()


def _shared(root: str, parts: list[Part], processes: int) -> dict[int, bytes]:
    """Return the digests by part, without those of failed processes. Each process takes its next part from a pipe."""
    jobs, job_input = os.pipe()
    os.write(job_input, b"".join(number.to_bytes(2, "big") for number in range(len(parts)))[:8192])
    os.close(job_input)
    receivers = []
    for _ in range(processes - 1):
        receive, send = os.pipe()
        pid = os.fork()
        if pid == 0:  # only system calls from here on: no flush, no handler, no exception
            code = 1
            try:
                os.write(send, b"".join(_work(root, parts, jobs)))
                code = 0
            finally:
                os._exit(code)
        os.close(send)
        receivers.append((pid, receive))
    received = b"".join(_work(root, parts, jobs))
    os.close(jobs)
    for pid, receive in receivers:
        with os.fdopen(receive, "rb") as pipe:
            data = pipe.read()
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
        received += data[: len(data) - len(data) % (2 + SIZE)]
    pieces = (received[at : at + 2 + SIZE] for at in range(0, len(received), 2 + SIZE))
    return {int.from_bytes(piece[:2], "big"): piece[2:] for piece in pieces}


def _work(root: str, parts: list[Part], jobs: int) -> Iterator[bytes]:
    while number := os.read(jobs, 2):
        yield number + _digest(root, parts[int.from_bytes(number, "big")])


def workers() -> int:
    """Return the number of processes to use: forking is safe only while the process has one thread."""
    if sys.platform != "linux":
        return 1
    try:
        alone = len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    except OSError:
        return 1
    return min(MOST_WORKERS, len(os.sched_getaffinity(0))) if alone else 1


def _names(folder: str | int) -> list[str]:
    """Return the sorted names in a folder that do not start with a dot; none if it cannot be read."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208
    except OSError:
        return []


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _join(inside: str, name: str) -> str:
    return f"{inside}/{name}" if inside else name
