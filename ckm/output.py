"""Write results to stdout or a file, and messages to stderr."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from ckm.errors import CkmError


class Format(StrEnum):
    """How a table leaves the program."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    md = "md"


def emit(table: pl.DataFrame, fmt: Format | None = None, *, title: str | None = None) -> None:
    """Print ``table`` to stdout: a table on a terminal, CSV in a pipe."""
    chosen = fmt or (Format.table if sys.stdout.isatty() else Format.csv)
    if chosen is Format.csv:
        sys.stdout.write(table.write_csv())
    elif chosen is Format.ndjson:
        sys.stdout.write(table.write_ndjson())
    elif chosen is Format.json:
        json.dump(table.to_dicts(), sys.stdout, default=str, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        print(table)


def write(table: pl.DataFrame, path: Path) -> None:
    """Write ``table`` to ``path`` in the format of its suffix, whole or not at all."""
    raise NotImplementedError


def note(message: str) -> None:
    """Tell the person something on stderr; never part of the result."""
    print(message, file=sys.stderr)


def show_error(error: CkmError, *, as_json: bool) -> None:
    """Print ``error`` on stderr, as one JSON line when a program is reading."""
    if as_json:
        note(json.dumps({"error": error.to_dict()}, ensure_ascii=False, default=str))
        return
    note(f"error: {error}")
    if error.hint:
        note(f"hint: {error.hint}")
