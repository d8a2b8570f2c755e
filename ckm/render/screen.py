"""Draw tables on a terminal: words are not broken, and columns that do not fit are dropped."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ckm.plaintext import harmless
from ckm.render.line_breaks import longest_word, width, wrapped
from ckm.render.rows import plain, safe
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckm.render.rows import ResultTable

MAX_ROWS = 500
"""Maximum number of rows on a screen; the caption has the number of all rows."""
GAPS = (3, 2)
"""Spaces between two columns: by default, and in a narrow window."""
READABLE = 20
"""Minimum width of a text; if it would be narrower, a column is dropped."""
MOST_LINES = 4
"""Maximum lines of a cell narrower than :data:`SENTENCE`; if it needed more, a column is dropped."""
SENTENCE = 40
"""Width from which a sentence is easy to read."""
BAR_CELLS = 16
EIGHTHS = " ▏▎▍▌▋▊▉"


class _Window:
    """Width of screens that :func:`as_wide_as` sets; None for the width of the terminal."""

    columns: int | None = None


def window() -> int | None:
    """Return the width of the terminal on stdout in columns; None for a pipe or a file, which have no width."""
    if _Window.columns is not None:
        return _Window.columns
    return get_terminal_size().columns if sys.stdout.isatty() else None


@contextmanager
def as_wide_as(columns: int | None) -> Iterator[None]:
    """Set the width of all screens in the body of the context, also in a pipe."""
    before, _Window.columns = _Window.columns, columns
    try:
        yield
    finally:
        _Window.columns = before


@dataclass
class _Column:
    """A column of a screen: its cells as texts, and its rank by use (0 is the most used)."""

    name: str
    cells: list[str]
    right: bool
    place: int
    bars: bool = False

    @property
    def natural(self) -> int:
        return max(map(width, (self.name, *self.cells)))

    def least(self, terminal: int) -> int:
        """Return the minimum width, at which no word or number is broken and texts are readable."""
        if self.right or self.bars:
            return max(longest_word([self.name], terminal, terminal), *map(width, self.cells), 1)
        natural = self.natural
        if self.place == 0 and natural <= SENTENCE:  # the most used column names the rows
            return natural
        readable = min(SENTENCE, max(READABLE, -(-natural // MOST_LINES)), terminal)
        return min(natural, max(readable, longest_word((self.name, *self.cells), max(readable, SENTENCE), terminal)))


def draw(
    table: ResultTable,
    *,
    title: str | None = None,
    bars: str | None = None,
    formats: Mapping[str, str] | None = None,
    by_use: Sequence[str] = (),
    rows: int | None = None,
    elsewhere: str = "-o FILE",
) -> None:
    """Print ``table`` to stdout: at most :data:`MAX_ROWS` rows, and as many columns as fit the window.

    Parameters
    ----------
    table
        The rows.
    title
        A line above the table.
    bars
        A numeric column that is also drawn as bars.
    formats
        ``str.format`` templates per column.
    by_use
        Names of the columns, the most used first. A narrow window drops the last ones, and a line has their number.
        Other columns follow in the order of the table.
    rows
        Number of rows of the whole table, if ``table`` has only its first :data:`MAX_ROWS` rows.
    elsewhere
        Option that prints all columns, for the line about dropped columns.
    """
    total = len(table.rows) if rows is None else rows
    columns = _columns(table, bars, formats or {}, by_use)
    terminal = window()
    shown = columns if terminal is None else fitting(columns, terminal)
    hidden = sum(not each.bars for each in columns) - sum(not each.bars for each in shown)
    lines = [*_lines(shown, terminal)]
    if title:
        texts = wrapped(harmless(title), terminal) if terminal else [harmless(title)]
        lines[:0] = [bold(each) for each in texts]
    remarks = []
    if hidden:
        remarks.append(f"+{counted(hidden, 'column')}: {elsewhere} or a wider window")
    if total > MAX_ROWS:
        remarks.append(f"{MAX_ROWS:,} of {total:,} rows; -o FILE or -f csv gives all")
    for remark in remarks:
        lines += [bold(each) for each in (wrapped(remark, terminal) if terminal else [remark])]
    sys.stdout.writelines(f"{line}\n" for line in lines)


def bold(text: str) -> str:
    """Return a line in bold if stdout is a terminal that supports it."""
    plain_text = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "dumb")
    return text if plain_text else f"\x1b[1m{text}\x1b[0m"


def _columns(table: ResultTable, bars: str | None, formats: Mapping[str, str], by_use: Sequence[str]) -> list[_Column]:
    places = {name: place for place, name in enumerate(dict.fromkeys((*by_use, *table.columns)))}
    columns = []
    for at, (name, kind) in enumerate(table.columns.items()):
        values = [row[at] for row in table.rows[:MAX_ROWS]]
        cells = [safe(plain(value, formats.get(name))) for value in values]
        columns.append(_Column(safe(name), cells, kind in (int, float), places[name]))
        if name == bars:
            longest = max((float(value) for value in values if value is not None), default=0.0)
            # Bars are dropped first, because they repeat the numbers beside them.
            columns.append(_Column("", [bar(value, longest) for value in values], False, len(places), bars=True))
    return columns


def fitting(columns: list[_Column], terminal: int) -> list[_Column]:
    """Return the columns that fit the terminal without broken words; the least used ones are dropped."""
    shown = list(columns)
    while len(shown) > 1 and not _fit(shown, terminal):
        shown.remove(max(shown, key=lambda each: each.place))
    return shown


def _fit(columns: list[_Column], terminal: int) -> bool:
    return sum(each.least(terminal) for each in columns) + GAPS[-1] * (len(columns) - 1) <= terminal


def _lines(columns: list[_Column], terminal: int | None) -> Iterator[str]:
    gap, widths = _layout(columns, terminal)
    yield from _row([each.name for each in columns], columns, widths, gap, at_end=True)
    yield "─" * (sum(widths) + gap * (len(columns) - 1))
    for at in range(len(columns[0].cells) if columns else 0):
        yield from _row([each.cells[at] for each in columns], columns, widths, gap)


def _layout(columns: list[_Column], terminal: int | None) -> tuple[int, list[int]]:
    """Return the spaces between columns and the width of each: the full width, else one that breaks no word."""
    wanted = [each.natural for each in columns]
    gaps = len(columns) - 1
    if terminal is None or sum(wanted) + GAPS[0] * gaps <= terminal:
        return GAPS[0], wanted
    widths = [min(each.least(terminal), terminal) for each in columns]
    gap = next((gap for gap in GAPS if sum(widths) + gap * gaps <= terminal), GAPS[-1])
    for _ in range(terminal - sum(widths) - gap * gaps):
        widths[max(range(len(widths)), key=lambda at: wanted[at] - widths[at])] += 1
    return gap, [min(pair) for pair in zip(widths, wanted, strict=True)]


def _row(
    cells: list[str], columns: list[_Column], widths: list[int], gap: int, *, at_end: bool = False
) -> Iterator[str]:
    """Yield the lines of a row; cells of a header are aligned to the bottom."""
    parts = [wrapped(cell, wide) if width(cell) > wide else [cell] for cell, wide in zip(cells, widths, strict=True)]
    height = max(map(len, parts), default=1)
    parts = [[""] * (height - len(part)) + part if at_end else part + [""] * (height - len(part)) for part in parts]
    for line in zip(*parts, strict=True):
        padded = (
            " " * (wide - width(text)) + text if column.right else text + " " * (wide - width(text))
            for text, column, wide in zip(line, columns, widths, strict=True)
        )
        yield (" " * gap).join(padded).rstrip()


def filled(text: str, *, width: int, mark: str = "") -> str:
    """Return a text in lines of at most ``width`` columns, broken between words; ``mark`` begins the first line."""
    first, *others = harmless(text).split("\n")
    lines = wrapped(first, width, mark=mark)
    for other in others:
        lines += wrapped(other, width, mark=" " * len(mark))
    return "\n".join(lines)


def bar(value: float | None, longest: float) -> str:
    """Return ``value`` as a bar; ``longest`` has :data:`BAR_CELLS` cells; "" for null, zero and negative values."""
    if value is None or not value > 0 or not longest > 0:
        return ""
    whole, rest = divmod(round(8 * BAR_CELLS * min(value / longest, 1)), 8)
    return "█" * whole + EIGHTHS[rest].strip()
