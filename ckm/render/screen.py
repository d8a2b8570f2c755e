"""A table as a person sees it on a terminal."""

from __future__ import annotations

import io
import re
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ckm.plaintext import harmless
from ckm.render.cells import shown
from ckm.render.writers import flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

MAX_ROWS = 500
"""Nobody reads more on a screen; the caption says how many there are."""
UNWRAPPED_WIDTH = 10_000
"""Columns of a table that goes to a file or a pipe, where nothing has to fit."""
PADDING = 3
"""Blanks between two columns."""
PART = re.compile(r"[^\s_.,/\\-]+[_.,/\\-]*|[_.,/\\-]+")
"""A part of a name: up to a mark after which it may be broken."""
BAR_CELLS = 16
EIGHTHS = " ▏▎▍▌▋▊▉"


def draw(table: pl.DataFrame, *, title: str | None, bars: str | None, formats: Mapping[str, str]) -> None:
    """Print ``table`` to stdout; at most :data:`MAX_ROWS` rows, and a caption when there are more."""
    view = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, dtype in table.schema.items():
        view.add_column(Text(_one_line(name)), justify="right" if dtype.is_numeric() else "left", overflow="fold")
        if name == bars:
            view.add_column()
    shown_rows = table.head(MAX_ROWS)
    hidden = table.height > MAX_ROWS
    templates = [formats.get(name) for name in table.columns]
    longest = _longest(shown_rows, bars)
    for row in flatten(shown_rows).iter_rows():
        cells = []
        for name, cell, template in zip(table.columns, row, templates, strict=True):
            # Text, not str: rich reads "[VIP]" in a str as markup and drops it.
            cells.append(Text(_one_line(shown(cell, template) if template else plain(cell))))
            if name == bars:
                cells.append(Text(bar(cell, longest)))
        view.add_row(*cells)
    _print(view, title, f"{MAX_ROWS:,} of {table.height:,} rows; -o FILE or -f csv gives all" if hidden else None)


def _keep_words_whole(view: Table, terminal: int) -> None:
    """Give columns that are too wide together widths in which words stay whole; the widest are folded if they must.

    Names of files and columns are broken after a mark in them, before any word is broken anywhere.
    """
    texts = [[str(cell) for cell in (column.header, *column.cells)] for column in view.columns]
    wanted = [max(map(cell_len, cells), default=0) for cells in texts]
    words = [_longest_part(cells, str.split) for cells in texts]
    room = terminal - PADDING * (len(texts) - 1)
    if sum(wanted) <= room:
        return
    names = [column.justify != "right" for column in view.columns]
    if sum(words) > room:
        words = [
            _longest_part(cells, PART.findall) if is_name else _longest_part(cells, str.split)
            for cells, is_name in zip(texts, names, strict=True)
        ]
    if sum(words) > room:
        view.padding = (0, 0, 0, 0)
        room = terminal - (len(texts) - 1)
    widths = dict.fromkeys(range(len(texts)), 0)
    for left, at in zip(range(len(texts), 0, -1), sorted(widths, key=lambda at: words[at]), strict=True):
        widths[at] = max(1, min(words[at], (room - sum(widths.values())) // left))
    while sum(widths.values()) < room:
        most = max(widths, key=lambda at: wanted[at] - widths[at])
        widths[most] += 1
    for at, width in widths.items():
        column = view.columns[at]
        column.width = width
        if not names[at]:
            continue
        column.header = _broken(str(column.header), width)
        column._cells = [_broken(str(cell), width) for cell in column.cells]  # rich has no other way


def _longest_part(cells: list[str], parted: Callable[[str], list[str]]) -> int:
    return max((cell_len(part) for cell in cells for part in parted(cell)), default=0)


def _broken(text: str, width: int) -> Text:
    """Return a text in which words that are too long for a column are broken after marks in them."""
    lines: list[str] = []
    for word in text.split(" "):
        parts = [word] if cell_len(word) <= width else PART.findall(word)
        for at, part in enumerate(parts):
            glue = "" if at or not lines else " "
            if lines and cell_len(lines[-1] + glue + part) <= width:
                lines[-1] += glue + part
            else:
                lines.append(part)
    return Text("\n".join(lines))


def _print(view: Table, title: str | None, remark: str | None) -> None:
    """Print as wide as the terminal, or as wide as it needs and without padding where nothing has to fit."""
    terminal = sys.stdout.isatty()
    page = sys.stdout if terminal else io.StringIO()
    console = Console(file=page, width=None if terminal else UNWRAPPED_WIDTH, highlight=False)
    if terminal:
        _keep_words_whole(view, console.width)
    for part in (title, view, remark):
        if part is not None:
            console.print(Text(harmless(part), style="bold") if isinstance(part, str) else part)
    if isinstance(page, io.StringIO) and not terminal:
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in page.getvalue().rstrip().split("\n"))


def filled(text: str, *, width: int, mark: str = "") -> str:
    """Return a text in lines of at most ``width``, broken between words; the first begins with ``mark``."""
    # rich knows how wide a character is: two columns for a Chinese one, none for a mark above a Thai one
    lines = Text(harmless(text)).wrap(Console(file=io.StringIO(), width=width), width - len(mark))
    indents = (mark, *(" " * len(mark) for _ in lines[1:]))
    return "\n".join(indent + line.plain.rstrip() for indent, line in zip(indents, lines, strict=True))


def plain(cell: object) -> str:
    """Return a cell as it is shown unless the caller says otherwise: ``1,234``, ``1,234.56`` and ``0.00123``."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    if isinstance(cell, float | Decimal):
        return f"{cell:.3g}" if 0 < abs(float(cell)) < 1 else f"{cell:,.2f}"
    return shown(cell, "{}")


def bar(value: float | None, longest: float) -> str:
    """Return ``value`` as a bar, ``longest`` filling :data:`BAR_CELLS`; nothing for null, zero and below."""
    if value is None or not value > 0 or not longest > 0:
        return ""
    whole, rest = divmod(round(8 * BAR_CELLS * min(value / longest, 1)), 8)
    return "█" * whole + EIGHTHS[rest].strip()


def _longest(table: pl.DataFrame, bars: str | None) -> float:
    longest = table[bars].max() if bars is not None and table.height else None
    return float(longest) if isinstance(longest, int | float) else 0.0


def _one_line(text: str) -> str:
    return harmless(text.replace("\r\n", "↵").replace("\n", "↵").replace("\t", " "))
