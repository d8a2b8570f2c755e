"""Messages to the user on stderr: notes, details, progress and errors.

Messages are never part of a result, so they may go to a terminal, a log, or nowhere.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

from ckm.plaintext import harmless, harmless_json, one_line, unicode_text
from ckm.remark import Importance, importance_of
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.errors import CkmError


FURTHER_LINES = "  "
"""Indentation of the second and later lines of a message that is wider than the terminal."""

MOST_LINES = 3
"""Maximum number of lines of remarks after a result; ``--verbose`` prints all remarks."""

__all__ = [
    "Verbosity",
    "detail",
    "listen",
    "note",
    "progress",
    "remark",
    "say_remarks",
    "set_verbosity",
    "show_error",
    "start_run",
    "verbosity",
]


class Verbosity(IntEnum):
    """Amount of messages besides results and errors."""

    quiet = 0
    normal = 1
    verbose = 2


class _RunMessages:
    """Verbosity and remarks of the current run; a process runs one command at a time."""

    level = Verbosity.normal
    notes = 0
    has_line = False
    """Whether a progress line is shown; then a nested :func:`progress` shows none."""
    remarks: ClassVar[list[str]] = []


def set_verbosity(level: Verbosity) -> None:
    """Set the verbosity of the run, which :func:`note`, :func:`detail` and :func:`say_remarks` obey."""
    _RunMessages.level = level


def start_run() -> None:
    """Reset verbosity and remarks, so that a run in the same process does not inherit those of the last run."""
    _RunMessages.level, _RunMessages.notes, _RunMessages.remarks = Verbosity.normal, 0, []


def verbosity() -> Verbosity:
    """Return the verbosity of the run."""
    return _RunMessages.level


def note(message: str) -> None:
    """Print a message on stderr; nothing under ``--quiet``."""
    if _RunMessages.level >= Verbosity.normal:
        _RunMessages.notes += 1
        _say(message)


def remark(*texts: str) -> None:
    """Add remarks on the result, which :func:`say_remarks` prints after it."""
    _RunMessages.remarks += texts


def say_remarks() -> None:
    """Print the remarks of this run: all under ``--verbose``, else the most important in :data:`MOST_LINES` lines.

    The most important are those of the smallest :class:`ckm.remark.Importance`. If not all of them fit, the last line
    counts the hidden ones, and the doubts among them. Lines that :func:`note` printed before count as lines too.
    """
    remarks = sorted(dict.fromkeys(_RunMessages.remarks), key=importance_of)
    _RunMessages.remarks = []
    if _RunMessages.level is Verbosity.quiet or not remarks:
        return
    texts = [_shown(each) for each in remarks]
    shown = len(texts)
    if _RunMessages.level is Verbosity.normal:
        shown = _number_shown([text.count("\n") + 1 for text in texts], MOST_LINES - _RunMessages.notes)
    for text in texts[:shown]:
        print(text, file=sys.stderr)
    if hidden := remarks[shown:]:
        _say(_count_of(hidden))


def _number_shown(heights: list[int], lines: int) -> int:
    """Return how many of the first remarks fit into ``lines``, with a line that counts the hidden ones.

    Parameters
    ----------
    heights
        Number of lines of each remark.
    lines
        Number of lines that are left.
    """
    if sum(heights) <= lines:
        return len(heights)
    # The first is shown if a line is left for the count, or if it alone is longer than all lines.
    shown = 1 if lines > 1 else 0
    while sum(heights[: shown + 1]) < lines:
        shown += 1
    return shown


def _count_of(hidden: list[str]) -> str:
    """Return the line that counts the hidden remarks and, if it is wide enough, the doubts among them."""
    doubts = sum(importance_of(each) <= Importance.doubt for each in hidden)
    count, shows = counted(len(hidden), "more remark"), f"-v shows {'it' if len(hidden) == 1 else 'them'}"
    if doubts:
        which = "a doubt" if len(hidden) == 1 else f"{doubts} of them {'a doubt' if doubts == 1 else 'doubts'}"
        line = _shown(f"{count}, {which}: {shows}")
        if "\n" not in line:
            return line
    return f"{count}: {shows}"


def listen() -> None:
    """Print the log records of the library as notes, such as that it waits for another writer of the store."""
    import logging

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            note(record.getMessage())

    logger = logging.getLogger("ckm")
    logger.handlers = [Notes()]
    logger.propagate = False


def detail(message: str) -> None:
    """Print a message on stderr under ``--verbose`` only."""
    if _RunMessages.level >= Verbosity.verbose:
        _say(message)


def show_error(error: CkmError, *, as_json: bool) -> None:
    """Print ``error`` on stderr, also under ``--quiet``; with ``as_json`` as one line of JSON."""
    if as_json:
        import json

        facts = {name: unicode_text(each) if isinstance(each, str) else each for name, each in error.to_dict().items()}
        text = json.dumps({"error": facts}, ensure_ascii=False, default=lambda each: unicode_text(str(each)))
        print(harmless_json(text), file=sys.stderr)
        return
    _say(f"error: {error}")
    if error.hint:
        _say(f"hint: {error.hint}")


class Advance(Protocol):
    """Callback that :func:`progress` yields, to report finished work."""

    def __call__(self, amount: float) -> None:
        """Add an amount of finished work, in the unit of ``total``."""

    def stage(self, name: str) -> None:
        """Name the stage that begins, and add 1 to the finished work."""


class _Silent:
    """Progress that is not shown."""

    def __call__(self, amount: float) -> None:
        pass

    def stage(self, name: str) -> None:
        pass


@contextmanager
def progress(label: str, total: float | None = None) -> Iterator[Advance]:
    """Show a progress line on stderr while the body runs, if stderr is a terminal and not under ``--quiet``.

    Parameters
    ----------
    label
        The work in a few words, such as ``reading orders.csv``.
    total
        Total amount of work in any unit (bytes, rows, stages); None if it is unknown.

    Yields
    ------
    Advance
        ``advance(amount)`` adds an amount of finished work; ``advance.stage(name)`` names the stage that begins.

    Examples
    --------
    >>> with progress("reading orders.csv", total=1_000) as advance:
    ...     advance(250)
    """
    if _RunMessages.level is Verbosity.quiet or _RunMessages.has_line or not sys.stderr.isatty():
        yield _Silent()
        return
    from ckm.progress import ProgressLine

    _RunMessages.has_line = True
    try:
        with ProgressLine(sys.stderr, harmless(one_line(label)), total) as line:
            yield line
    finally:
        _RunMessages.has_line = False


def _say(message: str) -> None:
    print(_shown(message), file=sys.stderr)


def _shown(message: str) -> str:
    text = harmless(one_line(message))  # a line break in a file name must not look like the start of another message
    return _in_lines(text) if sys.stderr.isatty() else text


def _in_lines(text: str) -> str:
    """Return a message in lines of the terminal's width, broken between words."""
    from ckm.render.line_breaks import width, wrapped

    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return text
    if columns <= 0 or width(text) <= columns:
        return text
    first, *rest = wrapped(text, columns - len(FURTHER_LINES))
    return "\n".join([first, *(FURTHER_LINES + each for each in rest)])
