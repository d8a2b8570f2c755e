"""What ckm says to the person on stderr: notes, details, progress and errors.

Nothing here is ever part of a result, so all of it may go to a terminal, a log or nowhere.
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
"""What the lines after the first begin with, of a sentence that is longer than a terminal is wide."""

MOST_LINES = 3
"""Lines of remarks after a result, unless ``--verbose`` asks for all."""

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
    """How much is said besides results and errors."""

    quiet = 0
    normal = 1
    verbose = 2


class _Voice:
    """The level of this run and its remarks so far; one process runs one command at a time."""

    level = Verbosity.normal
    notes = 0
    has_line = False
    """Whether a line of progress is shown: work inside other work shows none of its own."""
    remarks: ClassVar[list[str]] = []


def set_verbosity(level: Verbosity) -> None:
    """Set how much :func:`note` and :func:`detail` say from now on."""
    _Voice.level = level


def start_run() -> None:
    """Forget what a run before this one set and said."""
    _Voice.level, _Voice.notes, _Voice.remarks = Verbosity.normal, 0, []


def verbosity() -> Verbosity:
    """Return how much is said at present."""
    return _Voice.level


def note(message: str) -> None:
    """Tell the person something on stderr; silent under ``--quiet``."""
    if _Voice.level >= Verbosity.normal:
        _Voice.notes += 1
        _say(message)


def remark(*texts: str) -> None:
    """Tell the person something about the result, after it; see :func:`say_remarks`."""
    _Voice.remarks += texts


def say_remarks() -> None:
    """Print the remarks of this run: all under ``--verbose``, else the most important in :data:`MOST_LINES` lines.

    The most important are those of the smallest :class:`ckm.remark.Importance`. If not all of them fit, the last line
    counts the hidden ones, and the doubts among them. Lines that :func:`note` printed before count as lines too.
    """
    remarks = sorted(dict.fromkeys(_Voice.remarks), key=importance_of)
    _Voice.remarks = []
    if _Voice.level is Verbosity.quiet or not remarks:
        return
    texts = [_shown(each) for each in remarks]
    shown = len(texts)
    if _Voice.level is Verbosity.normal:
        shown = _fitting([text.count("\n") + 1 for text in texts], MOST_LINES - _Voice.notes)
    for text in texts[:shown]:
        print(text, file=sys.stderr)
    if hidden := remarks[shown:]:
        _say(_count_of(hidden))


def _fitting(heights: list[int], lines: int) -> int:
    """Return the number of first remarks, of so many lines each, that fit with a line for the count of the others."""
    if sum(heights) <= lines:
        return len(heights)
    # The first is shown if a line is left for the count, or if it alone is longer than all lines.
    shown = 1 if lines > 1 else 0
    while sum(heights[: shown + 1]) < lines:
        shown += 1
    return shown


def _count_of(hidden: list[str]) -> str:
    """Return the line that counts the remarks that are not shown, and the doubts among them."""
    doubts = sum(importance_of(each) <= Importance.doubt for each in hidden)
    which = f", {doubts} of them {'a doubt' if doubts == 1 else 'doubts'} about the result" if doubts else ""
    return f"{counted(len(hidden), 'more remark')}{which}: -v shows {'it' if len(hidden) == 1 else 'them'}"


def listen() -> None:
    """Show what the library logs as notes: that it waits for another writer, that it set a broken journal aside."""
    import logging

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            note(record.getMessage())

    logger = logging.getLogger("ckm")
    logger.handlers = [Notes()]
    logger.propagate = False


def detail(message: str) -> None:
    """Tell the person something that only ``--verbose`` asks for."""
    if _Voice.level >= Verbosity.verbose:
        _say(message)


def show_error(error: CkmError, *, as_json: bool) -> None:
    """Print ``error`` on stderr, as one JSON line when a program is reading; never silent."""
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
    """What :func:`progress` yields."""

    def __call__(self, amount: float) -> None:
        """Say that so much more is done, in the unit of ``total``."""

    def stage(self, name: str) -> None:
        """Name the stage that begins; one more of ``total`` is done."""


class _Silent:
    """Progress that nobody sees."""

    def __call__(self, amount: float) -> None:
        pass

    def stage(self, name: str) -> None:
        pass


@contextmanager
def progress(label: str, total: float | None = None) -> Iterator[Advance]:
    """Show a line on stderr while the body runs; nothing when stderr is no terminal or under ``--quiet``.

    Parameters
    ----------
    label
        What is being done, such as ``reading orders.csv``.
    total
        Size of the whole in any unit (bytes, rows, stages); None when it is unknown.

    Yields
    ------
    Advance
        ``advance(amount)``: so much more is done. ``advance.stage(name)``: a stage begins.

    Examples
    --------
    >>> with progress("reading orders.csv", total=1_000) as advance:
    ...     advance(250)
    """
    if _Voice.level is Verbosity.quiet or _Voice.has_line or not sys.stderr.isatty():
        yield _Silent()
        return
    from ckm.progress import ProgressLine

    _Voice.has_line = True
    try:
        with ProgressLine(sys.stderr, harmless(one_line(label)), total) as line:
            yield line
    finally:
        _Voice.has_line = False


def _say(message: str) -> None:
    print(_shown(message), file=sys.stderr)


def _shown(message: str) -> str:
    text = harmless(one_line(message))  # a line break in a file's name begins no message of its own
    return _in_lines(text) if sys.stderr.isatty() else text


def _in_lines(text: str) -> str:
    """Break a sentence between words where the terminal would break it anywhere."""
    from ckm.render.line_breaks import width, wrapped

    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return text
    if columns <= 0 or width(text) <= columns:
        return text
    first, *rest = wrapped(text, columns - len(FURTHER_LINES))
    return "\n".join([first, *(FURTHER_LINES + each for each in rest)])
