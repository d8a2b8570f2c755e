"""A line on a terminal that shows how far long work is, and in which stage."""

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
"""Columns of the narrowest line."""


class _Line(ProgressColumn):
    """The whole line as one column of rich, which would wrap a long path."""

    max_refresh = None

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console, self._spinner = console, Spinner("dots")

    def render(self, task: Task) -> Text:
        share = None if not task.total else min(task.completed / task.total, 1.0)
        mark = self._spinner.render(task.get_time())
        room = max(self._console.width, NARROWEST) - 1  # a line that reaches the last column begins another one
        label, stage, seconds = task.description, task.fields["stage"], int(task.elapsed or 0)
        return Text(progress_text(label, stage, share, seconds, room, mark=str(mark)), no_wrap=True)


class ProgressLine:
    """The line, from ``with`` to its end; call it with the amount that is done since the last call.

    What is printed to stderr meanwhile appears above the line.

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
        """Add to what is done, in the unit of ``total``."""
        self._progress.advance(self._task, amount)

    def stage(self, name: str) -> None:
        """Name the stage that begins; one more of ``total`` is done."""
        self._progress.update(self._task, stage=name, advance=1)


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
