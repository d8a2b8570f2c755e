"""The process of the command line: its three streams, and the signals that end it."""

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
"""Seconds that a command has to end by itself after a signal; a long query of the engine does not look at signals."""
SIGNALS = {"SIGTERM": "terminated", "SIGHUP": "hung up"}
FIRST_OF_SIGNALS = 128
"""A shell reports a process that ended by signal n as 128 + n."""


class Ended(BaseException):  # as KeyboardInterrupt: no error, and nothing must catch it as one
    """A signal asked the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(SIGNALS[signal.Signals(number).name])
        self.exit_code = FIRST_OF_SIGNALS + number


def open_streams() -> None:
    """Put something in the place of a stream that is closed: else the next file that is opened would become it.

    Writing to a stdout that was closed fails as it should; a stderr that was closed takes everything and shows nothing.
    """
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            opened = os.open(os.devnull, flags)  # the lowest number that is free, hence this one
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def forget_stdout() -> None:
    """Point stdout to nowhere, or Python complains of what it could not write once more when it exits."""
    with suppress(OSError):  # io.UnsupportedOperation, which is one: a stdout in memory has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def spare_full_disk() -> None:
    """Let Python not complain, when it clears away a file of a library, of the full disk that was reported before."""

    def complain(about: sys.UnraisableHookArgs) -> None:
        if about.exc_value is None or not full_disk(about.exc_value):
            sys.__unraisablehook__(about)

    sys.unraisablehook = complain


def end_by_signal(*, watched: bool = True) -> None:
    """Let SIGTERM and SIGHUP end the process as Ctrl-C does, with temporary files removed.

    The main thread gets :class:`Ended` where it stands. Where it does not come back from a library within
    :data:`GRACE`, a thread ends the process without it, if it is ``watched``: a command that forks must not have
    another thread. A signal that is ignored (``nohup``) stays so.
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
    """Let a forked child die of a signal at once; its parent must not hear of it."""
    signal.set_wakeup_fd(-1)
    for number in _watched:
        signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    for watched in _watched:  # once is enough: the clearing up must not be interrupted
        signal.signal(watched, signal.SIG_IGN)
    raise Ended(number)


def _end_after_grace(reading: int) -> None:
    """Wait for a signal's number in the pipe, then for the main thread, and end the process where that hangs."""
    while number := os.read(reading, 1):
        if number[0] in _watched:
            threading.main_thread().join(GRACE)
            clean_up()
            os._exit(FIRST_OF_SIGNALS + number[0])
