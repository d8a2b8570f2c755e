"""Progress line of a terminal: label, stage, and share of the work that is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.spinner import Spinner
from rich.text import Text

from ckm.render.line_breaks import width

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.progress import Task

BAR_CELLS = 10
NARROWEST = 20
"""Minimum width of the line in columns."""


class _Line(ProgressColumn):
    """The line as a single column of rich, whose own columns would wrap a long path."""

    max_refresh = None

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console, self._spinner = console, Spinner("dots")

    def render(self, task: Task) -> Text:
        share = None if not task.total else min(task.completed / task.total, 1.0)
        mark = self._spinner.render(task.get_time())
        columns = max(self._console.width, NARROWEST) - 1  # the last column would begin another line
        label, stage, seconds = task.description, task.fields["stage"], int(task.elapsed or 0)
        return Text(progress_text(label, stage, share, seconds, columns, mark=str(mark)), no_wrap=True)


class ProgressLine:
    """Context manager that shows the line; call it with the amount of work finished since the last call.

    Messages that are printed to stderr meanwhile appear above the line.

    Parameters
    ----------
    stream
        A terminal.
    label
        The work in a few words, in one line without control characters.
    total
        Total amount of work; None if it is unknown.
    """

    def __init__(self, stream: TextIO, label: str, total: float | None = None) -> None:
        console = Console(file=stream)
        self._progress = Progress(_Line(console), console=console, transient=True, redirect_stdout=False)
        self._task = self._progress.add_task(label, total=total, stage="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, amount: float) -> None:
        """Add an amount of finished work, in the unit of ``total``."""
        self._progress.advance(self._task, amount)

    def stage(self, name: str) -> None:
        """Name the stage that begins, and add 1 to the finished work."""
        self._progress.update(self._task, stage=name, advance=1)


def progress_text(label: str, stage: str, share: float | None, seconds: int, columns: int, *, mark: str) -> str:
    """Return the line in at most ``columns``: the label is shortened first, then the stage, never the numbers."""
    clock = f"{seconds // 60}:{seconds % 60:02}"
    if share is None:
        numbers = clock
    else:
        filled = round(BAR_CELLS * share)
        bar = f"{'━' * filled}{'─' * (BAR_CELLS - filled)} " if columns >= 3 * NARROWEST - 1 else ""
        numbers = f"{bar}{share:4.0%} {clock}"
    left = columns - width(numbers) - 2 - width(mark)
    shown_stage = shortened(stage, left)
    if (rest := left - width(shown_stage) - 2) >= width(label.partition(" ")[0]) + 2 or not stage:
        before = shortened(label, rest if stage else left)
        shown_stage = f"{before}: {shown_stage}" if stage else before
    return f"{mark} {shown_stage} {numbers}"


def shortened(text: str, columns: int) -> str:
    """Return a text in at most ``columns``: its first word and its end, which has the file name of a path."""
    if width(text) <= columns:
        return text
    first, space, rest = text.partition(" ")
    head = f"{first}{space}…" if space and width(first) + 4 <= columns else "…"
    rest = rest if head != "…" else text
    while rest and width(head) + width(rest) > columns:
        rest = rest[1:]
    return (head + rest)[: max(columns, 0)]
