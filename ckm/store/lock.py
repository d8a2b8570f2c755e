"""The write lock of the store, and its owner."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import RefusedError, UsageError
from ckm.files import OWNER_ONLY_FOLDER, created_for_owner
from ckm.store.log import DamagedStoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from filelock import FileLock

LOCK_FILE = ".lock"
OWNER_FILE = ".lock.owner"
PATIENCE = 1.0
"""Seconds of waiting before a remark about the other writer; most loads are shorter."""
POLL = 0.05
PROGRAMS = ("ckm", "__main__.py")

logger = logging.getLogger("ckm.store")


class _Held(threading.local):
    """Folders of the stores whose lock this thread holds for several steps; see :func:`held`."""

    def __init__(self) -> None:
        self.roots: set[Path] = set()


_held = _Held()


class BusyError(RefusedError):
    """Another writer holds the lock for longer than the caller waits."""

    code = "busy"


@dataclass(frozen=True)
class Owner:
    """Owner of the lock: process id, machine, command and start time (UTC, in seconds)."""

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        """Return the owner as a phrase for a message."""
        elsewhere = "" if self.host == socket.gethostname() else f" on {self.host}"
        return f"{self.command} (process {self.pid}{elsewhere}, since {self.since})"


@contextmanager
def exclusive(root: Path, wait: float | None = None) -> Iterator[None]:
    """Hold the store's lock; wait for another writer to finish. The system releases the lock of a dead process.

    While it is held, files are created for their owner only, unless the folder has permissions for others.

    A thread that already holds the lock by :func:`held` enters without waiting.

    Parameters
    ----------
    root
        Folder of the store; created if missing.
    wait
        Maximum waiting time in seconds; None waits without limit.

    Raises
    ------
    BusyError
        The lock was not released in time.
    DamagedStoreError
        The store is not a folder.
    UsageError
        The store is read-only.
    """
    try:
        root.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    except FileExistsError:
        raise DamagedStoreError(root, "the store is not a folder", hint="move it to another place") from None
    except OSError as error:
        raise UsageError(
            f"{root} cannot be created: {error.strerror}", hint="check its permissions and the free space"
        ) from None
    if root.resolve() in _held.roots:
        yield
        return
    from filelock import FileLock  # imported late: readers take no lock

    lock = FileLock(root / LOCK_FILE)
    with created_for_owner(root), _acquired(lock, root, wait):
        try:
            _sign(root)
            yield
        finally:
            with suppress(OSError):
                (root / OWNER_FILE).unlink(missing_ok=True)


@contextmanager
def held(root: Path, wait: float | None = None) -> Iterator[None]:
    """Hold the store's lock for several steps of this thread, each of which may enter :func:`exclusive`.

    Parameters and errors are those of :func:`exclusive`.
    """
    with exclusive(root, wait):
        place = root.resolve()
        is_outermost = place not in _held.roots
        _held.roots.add(place)
        try:
            yield
        finally:
            if is_outermost:
                _held.roots.discard(place)


def _acquired(lock: FileLock, root: Path, wait: float | None) -> AbstractContextManager[object]:
    """Return the acquired lock; the caller releases it."""
    from filelock import Timeout

    patience = PATIENCE if wait is None else min(wait, PATIENCE)
    began = time.monotonic()
    try:
        with suppress(Timeout):
            return lock.acquire(timeout=patience, poll_interval=POLL)
    except OSError as error:
        raise UsageError(
            f"{lock.lock_file} cannot be locked: {error.strerror}", hint="check its permissions and the file system"
        ) from error
    if wait is None or wait > patience:
        ends = "" if wait is None else f", for {wait:g} seconds at most"
        logger.warning("waiting for %s, which holds %s%s", owner(root) or "another writer", root, ends)
        with suppress(Timeout):
            left = -1 if wait is None else max(0.0, wait - (time.monotonic() - began))
            return lock.acquire(timeout=left, poll_interval=POLL)
    raise BusyError(
        f"{root} is held by {owner(root) or 'another writer'}",
        hint=f"nothing was changed; the limit was --wait {wait:g} (seconds), and without --wait there is none",
    )


def _sign(root: Path) -> None:
    """Record the owner of the lock, as information for waiting processes."""
    words = [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv else []
    command = words[0] if words else "a program"
    if command in PROGRAMS:
        command = " ".join(["ckm", *[word for word in words[1:] if not word.startswith("-")][:1]])
    signed = Owner(os.getpid(), socket.gethostname(), command, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    with suppress(OSError):
        (root / OWNER_FILE).write_text(json.dumps(asdict(signed)), encoding="utf-8")


def owner(root: Path) -> Owner | None:
    """Return the owner of the store's lock; None if the lock is free or the owner is not recorded yet."""
    with suppress(OSError, ValueError, TypeError):
        return Owner(**json.loads((root / OWNER_FILE).read_text(encoding="utf-8")))
    return None
