"""What ckm says to the person on stderr: notes, details, progress and errors.

Nothing here is ever part of a result, so all of it may go to a terminal, a log or nowhere.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from ckm.plaintext import harmless, harmless_json, one_line, unicode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.errors import CkmError


FURTHER_LINES = "  "
"""What the lines after the first begin with, of a sentence that is longer than a terminal is wide."""

__all__ = ["Verbosity", "detail", "listen", "note", "progress", "set_verbosity", "show_error", "verbosity"]


class Verbosity(IntEnum):
    """How much is said besides results and errors."""

    quiet = 0
    normal = 1
    verbose = 2


class _Voice:
    """The level of this run; one process runs one command."""

    level = Verbosity.normal


def set_verbosity(level: Verbosity) -> None:
    """Set how much :func:`note` and :func:`detail` say from now on."""
    _Voice.level = level


def verbosity() -> Verbosity:
    """Return how much is said at present."""
    return _Voice.level


def note(message: str) -> None:
    """Tell the person something on stderr; silent under ``--quiet``."""
    if _Voice.level >= Verbosity.normal:
        _say(message)


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


@contextmanager
def progress(label: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show a bar on stderr while the body runs; nothing when stderr is no terminal or under ``--quiet``.

    Parameters
    ----------
    label
        What is being done, such as ``reading orders.csv``.
    total
        Size of the whole in any unit (bytes, rows); None when it is unknown.

    Yields
    ------
    Callable[[float], None]
        ``advance(amount)``: so much more is done, in the unit of ``total``.

    Examples
    --------
    >>> with progress("reading orders.csv", total=1_000) as advance:
    ...     advance(250)
    """
    if _Voice.level is Verbosity.quiet or not sys.stderr.isatty():
        yield lambda amount: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(escape(harmless(one_line(label))), total=total)
        yield lambda amount: bar.advance(task, amount)


def _say(message: str) -> None:
    text = harmless(one_line(message))  # a line break in a file's name begins no message of its own
    print(_in_lines(text) if sys.stderr.isatty() else text, file=sys.stderr)


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
