"""Read and analyse files for the index in several processes, where forking is safe. This is most of the build time.

Each process handles every n-th file and writes the result to a pipe. The files of a failed process are read here.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ckm._kb.entry_files import read_file
from ckm._kb.entry_record import record_of
from ckm._kb.fingerprint import workers
from ckm.search.index_documents import IndexDocument, index_documents
from ckm.search.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedReader
    from pathlib import Path

MIN_PARALLEL = 200
"""Number of files from which several processes are faster."""
AHEAD = 1 << 20
"""Bytes of a pipe, by which a process may be ahead of the index; the maximum of Linux."""


class FileDocuments(NamedTuple):
    """The number of entries of a file that could not be read, and the index documents of the others."""

    left_out: int
    records: list[list[IndexDocument]]


@contextmanager
def reading(folder: Path, names: Sequence[str], processes: int | None = None) -> Iterator[Iterator[FileDocuments]]:
    """Yield an iterator over the index documents of files, in their order.

    Parameters
    ----------
    folder
        The knowledge folder.
    names
        Files relative to it.
    processes
        Number of processes; None: as many as are safe and useful. Enter the context before any thread starts.
    """
    if processes is None:
        processes = workers() if len(names) >= MIN_PARALLEL else 1
    if processes < 2:
        yield (_read(folder, name) for name in names)
        return
    started: list[tuple[int, BufferedReader]] = []
    try:
        for number in range(processes):
            started.append(_start(folder, names[number::processes], [pipe for _, pipe in started]))
        yield _received(folder, names, [pipe for _, pipe in started])
    finally:
        for pid, pipe in started:
            pipe.close()  # ends a process that still writes
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _read(folder: Path, name: str) -> FileDocuments:
    entries, mistakes = read_file(folder / name, folder)
    group = group_of(name)
    records = [index_documents(replace(record_of(entry), group=group), WEIGHTS) for entry in entries]
    return FileDocuments(sum(mistake.left_out for mistake in mistakes), records)


def group_of(name: str) -> str:
    """Return the index group of a file: its name with bytes that are not UTF-8 escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _start(folder: Path, names: Sequence[str], others: Sequence[BufferedReader]) -> tuple[int, BufferedReader]:
    """Start a process that reads files; return its id and the pipe that it writes to."""
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:  # must not flush buffers or run handlers of the parent
        code = 1
        try:
            for each in (receive, *(other.fileno() for other in others)):
                os.close(each)
            _work(folder, names, send)
            code = 0
        finally:
            os._exit(code)
    os.close(send)
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # above the limit of this user
            fcntl.fcntl(receive, fcntl.F_SETPIPE_SZ, AHEAD)
    return pid, os.fdopen(receive, "rb")


def _work(folder: Path, names: Sequence[str], send: int) -> None:
    with suppress(Exception):  # the parent reads these files again and reports the error
        for name in names:
            file = _read(folder, name)
            data = marshal.dumps((file.left_out, [[tuple(one) for one in record] for record in file.records]))
            message = memoryview(len(data).to_bytes(4, "big") + data)
            while message:
                message = message[os.write(send, message) :]


def _received(folder: Path, names: Sequence[str], pipes: Sequence[BufferedReader]) -> Iterator[FileDocuments]:
    for number, name in enumerate(names):
        pipe = pipes[number % len(pipes)]
        size = pipe.read(4)
        data = pipe.read(int.from_bytes(size, "big")) if len(size) == 4 else b""
        if len(data) and len(data) == int.from_bytes(size, "big"):
            left_out, records = marshal.loads(data)  # written by our own process
            yield FileDocuments(left_out, [[IndexDocument(*one) for one in record] for record in records])
        else:
            yield _read(folder, name)
