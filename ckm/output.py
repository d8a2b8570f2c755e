"""Write results to stdout or a file; messages go to stderr (:mod:`ckm.messages`).

:mod:`ckm.render.writers` formats tables for machines, :mod:`ckm.render.screen` for the terminal.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.files import replacing
from ckm.messages import (
    Verbosity,
    detail,
    listen,
    note,
    progress,
    remark,
    say_remarks,
    set_verbosity,
    show_error,
    start_run,
    verbosity,
)
from ckm.plaintext import harmless, harmless_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from ckm.render.rows import ResultTable

__all__ = [
    "Format",
    "Verbosity",
    "default_format",
    "detail",
    "emit",
    "emit_rows",
    "emit_text",
    "file_alone",
    "listen",
    "note",
    "progress",
    "remark",
    "say_remarks",
    "set_verbosity",
    "show_error",
    "start_run",
    "verbosity",
    "write",
]


class Format(StrEnum):
    """How a table leaves the program."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    md = "md"


FORMAT_OF_SUFFIX = {".csv": Format.csv, ".json": Format.json, ".ndjson": Format.ndjson, ".md": Format.md}
"""File suffixes of ``--output`` that have an equivalent ``--format``."""
FILE_ONLY = (".tsv", ".parquet", ".xlsx")
"""File suffixes of formats that stdout cannot have."""


MOST_LISTED = 20
"""Rows that :func:`emit_first_rows` prints on a screen."""


def emit(
    table: pl.DataFrame,
    fmt: Format | None = None,
    *,
    output: Path | None = None,
    title: str | None = None,
    bars: str | None = None,
    formats: Mapping[str, str] | None = None,
    by_use: Sequence[str] = (),
    elsewhere: str = "-o FILE",
    protect: bool = True,
) -> None:
    """Print ``table`` to stdout, or write it to ``output``.

    Parameters
    ----------
    table
        The result.
    fmt
        ``--format``. None means: the suffix of ``output``; else the environment's ``CKM_FORMAT``; else a table on a
        terminal and CSV in a pipe.
    output
        ``--output``: a file instead of stdout. ``-`` is stdout.
    title
        A line above the table that a person sees; no machine format has it.
    bars
        Name of a numeric column to draw as bars beside its numbers, for a person only.
    formats
        How a person sees a column, as ``str.format`` templates: ``{"share": "{:.1%}", "year": "{}"}``. Machine
        formats keep the plain numbers.
    by_use
        Names of the columns, the most used first: a window that is too narrow drops the last ones, and says how many.
    elsewhere
        The option that gives the dropped columns.
    protect
        Keep text in CSV and TSV from running as a formula in a spreadsheet (see :mod:`ckm.render.writers`).

    Raises
    ------
    UsageError
        The format contradicts the suffix, the suffix is unknown, or the file cannot be written.
    """
    if output is not None and str(output) != "-":
        write(table, output, fmt, title=title, formats=formats, protect=protect)
        note(f"wrote {output} ({table.height:,} {'row' if table.height == 1 else 'rows'})")
        return
    chosen = fmt or default_format()
    if chosen is Format.table:
        from ckm.render.screen import MAX_ROWS, draw
        from ckm.render.writers import as_rows

        first = as_rows(table.head(MAX_ROWS))
        draw(first, title=title, bars=bars, formats=formats, by_use=by_use, rows=table.height, elsewhere=elsewhere)
    else:
        from ckm.render.writers import render

        _print(render(table, f".{chosen}", formats=formats, protect=protect), chosen)
    sys.stdout.flush()


def emit_first_rows(
    table: pl.DataFrame,
    fmt: Format | None = None,
    *,
    output: Path | None = None,
    formats: Mapping[str, str] | None = None,
    by_use: Sequence[str] = (),
) -> None:
    """Print the first rows on a screen, and the number of all others; machine formats and files have all rows.

    Parameters and errors are those of :func:`emit`.
    """
    on_screen = output is None and (fmt or default_format()) is Format.table
    emit(table.head(MOST_LISTED) if on_screen else table, fmt, output=output, formats=formats, by_use=by_use)
    if on_screen and table.height > MOST_LISTED:
        remark(f"{table.height - MOST_LISTED:,} more rows: -o FILE")


def emit_rows(
    table: ResultTable,
    fmt: Format | None = None,
    *,
    output: Path | None = None,
    title: str | None = None,
    formats: Mapping[str, str] | None = None,
    by_use: Sequence[str] = (),
) -> None:
    """Print a small table, or write it, as :func:`emit` does with a frame; polars is not imported unless a file asks.

    Parameters and errors are those of :func:`emit`.
    """
    from ckm.render import rows

    if output is not None and str(output) != "-":
        suffix = _suffix(output, fmt)
        with replacing(output) as draft:
            rows.save(table, draft, suffix, formats=formats)
        note(f"wrote {output} ({len(table.rows):,} {'row' if len(table.rows) == 1 else 'rows'})")
        return
    chosen = fmt or default_format()
    if chosen is Format.table:
        from ckm.render.screen import draw

        draw(table, title=title, formats=formats, by_use=by_use)
    else:
        _print(rows.render(table, f".{chosen}", formats=formats), chosen)
    sys.stdout.flush()


def write(
    table: pl.DataFrame,
    path: Path,
    fmt: Format | None = None,
    *,
    title: str | None = None,
    formats: Mapping[str, str] | None = None,
    protect: bool = True,
) -> None:
    """Write ``table`` to ``path`` in the format of its suffix, whole or not at all.

    Suffixes: ``.csv .tsv .json .ndjson .md .parquet .xlsx``. A ``fmt`` decides only where the suffix is none of these.

    Raises
    ------
    UsageError
        ``fmt`` contradicts the suffix, the suffix is unknown and no ``fmt`` is given, or the file cannot be written.
    """
    from ckm.render.writers import save

    suffix = _suffix(path, fmt)
    with replacing(path) as draft:
        save(table, draft, suffix, title=title, formats=formats, protect=protect)


def file_alone(output: Path | None) -> bool:
    """Return whether ``--quiet`` and ``--output FILE`` ask for the file and for nothing on stdout."""
    return verbosity() is Verbosity.quiet and output is not None and str(output) != "-"


def emit_text(text: str, *, output: Path | None = None, owner_only: bool = False) -> None:
    """Print ``text`` that is a result but no table (a mapping, a JUnit file) to stdout, or write it to ``output``.

    ``owner_only``: only the owner may read the file (0600).
    """
    if output is not None and str(output) != "-":
        with replacing(output, owner_only=owner_only, shared=not owner_only) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")
        note(f"wrote {output}")
        return
    sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def _print(text: str, fmt: Format) -> None:
    """Print a table in full.

    On a terminal, characters that move the cursor or reverse the writing direction are made harmless.
    """
    if sys.stdout.isatty():
        text = harmless_json(text) if fmt in (Format.json, Format.ndjson) else harmless(text)
    sys.stdout.write(text)


def default_format() -> Format:
    """Return the format of stdout when the call names none: ``CKM_FORMAT``, else by who is reading."""
    named = os.environ.get("CKM_FORMAT")
    if named:
        if named not in set(Format):
            raise UnknownNameError("format", named, list(Format), where="CKM_FORMAT")
        return Format(named)
    return Format.table if sys.stdout.isatty() else Format.csv


def _suffix(path: Path, fmt: Format | None) -> str:
    """Return the suffix that decides how ``path`` is written."""
    suffix = path.suffix.lower()
    known = suffix in FORMAT_OF_SUFFIX or suffix in FILE_ONLY
    if fmt is None:
        if not known:
            raise UnknownNameError("file format", suffix, [*FORMAT_OF_SUFFIX, *FILE_ONLY], where=f"-o {path}")
        return suffix
    if known and FORMAT_OF_SUFFIX.get(suffix) is not fmt:
        raise UsageError(
            f"--format {fmt} contradicts -o {path}", hint="leave out --format: the suffix of the file sets the format"
        )
    if fmt is Format.table:
        raise UsageError("--format table is for the screen", hint="choose csv, json, ndjson or md for a file")
    return f".{fmt}"
