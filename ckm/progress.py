"""A line on a terminal that shows how far long work is, and in which stage."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, TextIO

from ckm.render.line_breaks import width

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
REDRAWN_EVERY = 0.1
"""Seconds between two drawings: the line moves while the work is in one long call."""
BAR_CELLS = 10
NARROWEST = 20
"""Columns of the narrowest line; of a terminal that says nothing of its width, :data:`USUAL`."""
USUAL = 80


class ProgressLine:
    """The line, from ``with`` to its end; call it with the amount that is done since the last call.

    Parameters
    ----------
    stream
        A terminal.
    label
        What is done, in one line without control characters.
    total
        Size of the whole; None if it is not known.
    """

    def __init__(self, stream: TextIO, label: str, total: float | None = None) -> None:
        self._stream, self._label, self._total = stream, label, total
        self._stage, self._done, self._drawn = "", 0.0, 0
        self._began = time.monotonic()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._redraw, daemon=True)

    def __enter__(self) -> Self:
        self._draw()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.clear()

    def __call__(self, amount: float) -> None:
        """Add to what is done, in the unit of ``total``."""
        self._done += amount

    def stage(self, name: str) -> None:
        """Name the stage that begins; one more of ``total`` is done."""
        self._stage = name
        self._done += 1

    def clear(self) -> None:
        """Take the line away, so that something else can be printed; the next drawing brings it back."""
        with self._lock:
            self._stream.write(f"\r{' ' * (_columns(self._stream) - 1)}\r")
            self._stream.flush()

    def _redraw(self) -> None:
        while not self._over.wait(REDRAWN_EVERY):
            self._draw()

    def _draw(self) -> None:
        with self._lock:
            room = _columns(self._stream) - 1  # a line that reaches the last column begins another one
            self._drawn += 1
            text = progress_text(
                self._label,
                self._stage,
                None if not self._total else min(self._done / self._total, 1.0),
                int(time.monotonic() - self._began),
                room,
                mark=SPINNER[self._drawn % len(SPINNER)],
            )
            self._stream.write(f"\r{text}{' ' * (room - width(text))}")
            self._stream.flush()


def progress_text(label: str, stage: str, share: float | None, seconds: int, room: int, *, mark: str) -> str:
    """Return the line of at most ``room`` columns: the label gives way first, then the stage, never the numbers."""
    clock = f"{seconds // 60}:{seconds % 60:02}"
    if share is None:
        numbers = clock
    else:
        filled = round(BAR_CELLS * share)
        bar = f"{'━' * filled}{'─' * (BAR_CELLS - filled)} " if room >= 3 * NARROWEST - 1 else ""
        numbers = f"{bar}{share:4.0%} {clock}"
    left = room - width(numbers) - 2 - width(mark)
    said = shortened(stage, left)
    if (rest := left - width(said) - 2) >= width(label.partition(" ")[0]) + 2 or not stage:
        before = shortened(label, rest if stage else left)
        said = f"{before}: {said}" if stage else before
    return f"{mark} {said} {numbers}"


def shortened(text: str, room: int) -> str:
    """Return a text of at most ``room`` columns: its first word and its end, where a path has the name of its file."""
    if width(text) <= room:
        return text
    first, space, rest = text.partition(" ")
    head = f"{first}{space}…" if space and width(first) + 4 <= room else "…"
    rest = rest if head != "…" else text
    while rest and width(head) + width(rest) > room:
        rest = rest[1:]
    return (head + rest)[: max(room, 0)]


def _columns(stream: TextIO) -> int:
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, NARROWEST)
    except (OSError, ValueError):
        return USUAL
