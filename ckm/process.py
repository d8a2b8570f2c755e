"""Process of the command line: standard streams, and signals that end it."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ckm.files import clean_up, full_disk

if TYPE_CHECKING:
    from types import FrameType

GRACE = 3.0
"""Seconds that a command has to end after a signal; a long query of polars ignores signals."""
SIGNALS = {"SIGTERM": "terminated", "SIGHUP": "hung up"}
FIRST_OF_SIGNALS = 128
"""Exit code of a process that ended by signal n, minus n."""


class Ended(BaseException):  # like KeyboardInterrupt: not an error, so that no handler of errors catches it
    """A signal requested the end of the process."""

    def __init__(self, number: int) -> None:
        super().__init__(SIGNALS[signal.Signals(number).name])
        self.exit_code = FIRST_OF_SIGNALS + number


def open_streams() -> None:
    """Replace closed streams; otherwise the next opened file would become one of them.

    Writing to a closed stdout still fails; a closed stderr discards everything.
    """
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            opened = os.open(os.devnull, flags)  # the lowest free number, which is this one
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def forget_stdout() -> None:
    """Redirect stdout to the null device, because Python would write the remaining output again at exit."""
    with suppress(OSError):  # io.UnsupportedOperation is an OSError: a stdout in memory has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def spare_full_disk() -> None:
    """Suppress Python's errors about a full disk, already reported, when it closes files of libraries at exit."""

    def complain(about: sys.UnraisableHookArgs) -> None:
        if about.exc_value is None or not full_disk(about.exc_value):
            sys.__unraisablehook__(about)

    sys.unraisablehook = complain


def end_by_signal(*, watched: bool = True) -> None:
    """End the process on SIGTERM and SIGHUP as on Ctrl-C, with temporary files removed.

    The signal raises :class:`Ended` in the main thread. If the main thread does not return from a library within
    :data:`GRACE`, another thread ends the process; only if ``watched``, because a command that forks must not have
    another thread. An ignored signal (``nohup``) stays ignored.
    """
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)
            _watched.add(int(number))
    if not _watched or not watched or os.name == "nt":
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_as_before)
    threading.Thread(target=_end_after_grace, args=(reading,), daemon=True, name="ckm-signals").start()


_watched: set[int] = set()


def _as_before() -> None:
    """End a forked child at once on a signal, without notifying its parent."""
    signal.set_wakeup_fd(-1)
    for number in _watched:
        signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    for watched in _watched:  # only once: the cleanup must not be interrupted
        signal.signal(watched, signal.SIG_IGN)
    raise Ended(number)


def _end_after_grace(reading: int) -> None:
    """Wait for a signal's number in the pipe, then for the main thread, and end the process if that hangs."""
    while number := os.read(reading, 1):
        if number[0] in _watched:
            threading.main_thread().join(GRACE)
            clean_up()
            os._exit(FIRST_OF_SIGNALS + number[0])
