"""Files read and analysed for the index, by several processes where forking is safe: that is nearly all of a build.

Each process takes every n-th file and writes what it made of it to a pipe; one that dies has its files read here.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ckm.knowledge.entry_files import read_file
from ckm.knowledge.fingerprint import workers
from ckm.knowledge.records import record_of
from ckm.search.index_documents import IndexDocument, index_documents
from ckm.search.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedReader
    from pathlib import Path

WORTH_SHARING = 200
"""Files from which other processes save more than they cost."""
AHEAD = 1 << 20
"""Bytes that a process may be ahead of the index: as much as Linux lets a pipe hold."""


class File(NamedTuple):
    """What the index gets of a file: how many entries could not be read, and the documents of the others."""

    left_out: int
    records: list[list[IndexDocument]]


@contextmanager
def reading(folder: Path, names: Sequence[str], processes: int | None = None) -> Iterator[Iterator[File]]:
    """Give what the index gets of files, in their order.

    Parameters
    ----------
    folder
        Of the knowledge base.
    names
        Of the files, relative to it.
    processes
        How many read; None: as many as is safe and worth it. To be entered before anything starts a thread.
    """
    if processes is None:
        processes = workers() if len(names) >= WORTH_SHARING else 1
    if processes < 2:
        yield (_read(folder, name) for name in names)
        return
    started: list[tuple[int, BufferedReader]] = []
    try:
        for number in range(processes):
            started.append(_start(folder, names[number::processes], [pipe for _, pipe in started]))
        yield _told(folder, names, [pipe for _, pipe in started])
    finally:
        for pid, pipe in started:
            pipe.close()  # who still writes to it ends
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _read(folder: Path, name: str) -> File:
    entries, mistakes = read_file(folder / name, folder)
    group = group_of(name)
    records = [index_documents(replace(record_of(entry), group=group), WEIGHTS) for entry in entries]
    return File(sum(mistake.left_out for mistake in mistakes), records)


def group_of(name: str) -> str:
    """Return what the records of a file are replaced by: its name, whatever bytes that has."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _start(folder: Path, names: Sequence[str], others: Sequence[BufferedReader]) -> tuple[int, BufferedReader]:
    """Start a process that reads files; return it and the pipe that it writes to."""
    answer, say = os.pipe()
    pid = os.fork()
    if pid == 0:  # nothing of the parent's is flushed or handled from here on
        code = 1
        try:
            for each in (answer, *(other.fileno() for other in others)):
                os.close(each)
            _work(folder, names, say)
            code = 0
        finally:
            os._exit(code)
    os.close(say)
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # more than this user may have
            fcntl.fcntl(answer, fcntl.F_SETPIPE_SZ, AHEAD)
    return pid, os.fdopen(answer, "rb")


def _work(folder: Path, names: Sequence[str], say: int) -> None:
    with suppress(Exception):  # whatever it is, it is met again where somebody can be told
        for name in names:
            file = _read(folder, name)
            data = marshal.dumps((file.left_out, [[tuple(one) for one in record] for record in file.records]))
            message = memoryview(len(data).to_bytes(4, "big") + data)
            while message:
                message = message[os.write(say, message) :]


def _told(folder: Path, names: Sequence[str], pipes: Sequence[BufferedReader]) -> Iterator[File]:
    for number, name in enumerate(names):
        pipe = pipes[number % len(pipes)]
        size = pipe.read(4)
        data = pipe.read(int.from_bytes(size, "big")) if len(size) == 4 else b""
        if len(data) and len(data) == int.from_bytes(size, "big"):
            left_out, records = marshal.loads(data)  # from a process of our own
            yield File(left_out, [[IndexDocument(*one) for one in record] for record in records])
        else:
            yield _read(folder, name)
