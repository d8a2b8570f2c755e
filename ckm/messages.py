"""What ckm says to the person on stderr: notes, details, progress and errors.

Nothing here is ever part of a result, so all of it may go to a terminal, a log or nowhere.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from ckm.plaintext import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.errors import CkmError


__all__ = ["Verbosity", "detail", "listen", "note", "printable", "progress", "set_verbosity", "show_error", "verbosity"]


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

        _say(json.dumps({"error": error.to_dict()}, ensure_ascii=False, default=str))
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
        task = bar.add_task(escape(printable(label)), total=total)
        yield lambda amount: bar.advance(task, amount)


def _say(message: str) -> None:
    print(printable(message), file=sys.stderr)
