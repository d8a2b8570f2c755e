"""The format of a file, and a batch of its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["csv", "jsonl", "json", "parquet", "excel"]
Compression = Literal["gzip", "zip"]
NATIVE_SUFFIX = "E0"
"""Suffix of a number cell in a column with texts: its decimal mark is the point, whatever the texts use."""
WHITESPACE = "whitespace"
"""The delimiter of files with columns separated by runs of spaces."""

NO_VALUES, TOTAL, NOTE, FOOTER = "no values", "total row", "note below the table", "footer line"
NO_DATA = frozenset({NO_VALUES, TOTAL, NOTE, FOOTER})
"""Rejection reasons of lines that are not records, so that no data is lost."""

REJECTED_SCHEMA: dict[str, pl.DataType] = {"line": pl.Int64(), "reason": pl.String(), "raw": pl.String()}


@dataclass(frozen=True)
class FileFormat:
    r"""Format of a file, detected or given by hints.

    Attributes
    ----------
    kind
        The kind of file.
    columns
        The unique column names; empty for an empty file.
    compression
        The compression.
    encoding
        The encoding; None for binary files.
    delimiter
        One character, ``"whitespace"``, or None for a file of a single column.
    padded
        Whether a space follows each delimiter and is not part of the value.
    quote, escape
        The quote character, and the character that makes a quote inside quotes literal
        (the quote itself when it is doubled).
    line_end
        ``"\n"`` (which includes CR LF), or ``"\r"`` where a lone CR ends a line too.
    header_line, header_rows
        The 1-based line of the first header row, None without header; how many rows the header has.
    first_line
        The 1-based first line of the data.
    sheet
        The sheet of a workbook that is read.
    other_sheets
        Sheets with data that are not read; empty if the user named the sheet.
    nested
        The columns of lists or records, which are read as JSON text.
    numeric
        The text columns whose cells are numbers in the file (Excel, JSON): their decimal mark is the point.
    shown
        Signs and words of number formats by column, ``%`` for percentages.
    from_1904
        Whether plain day numbers count from 1904.
    repeated
        Groups of columns with equal names in the file.
    named
        Whether the header is certain. In a file with only texts the first row is read as the header, but may be a
        record: then messages must not show it.
    """

    kind: Kind
    columns: tuple[str, ...] = ()
    compression: Compression | None = None
    encoding: str | None = None
    delimiter: str | None = None
    padded: bool = False
    quote: str | None = None
    escape: str | None = None
    line_end: str | None = None
    header_line: int | None = None
    header_rows: int = 0
    first_line: int = 1
    sheet: str | None = None
    other_sheets: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    shown: tuple[tuple[str, tuple[str, ...]], ...] = ()
    from_1904: bool = False
    repeated: tuple[tuple[str, ...], ...] = ()
    named: bool = True


class Batch(NamedTuple):
    """Some records of a file, in the file's order.

    Attributes
    ----------
    records
        One row per record. Text files and Excel: every column ``String`` exactly as written, null for an
        empty cell. Parquet: the types of the file; columns of types that polars does not have are text.
    lines
        ``Int64``; the 1-based line where each record starts; for Parquet and Excel the row number.
    rejected
        Records that could not be parsed: ``line``, ``reason``, and ``raw`` text.
    """

    records: pl.DataFrame
    lines: pl.Series
    rejected: pl.DataFrame


def rejected_frame(rows: Iterable[tuple[int, str, str]] = ()) -> pl.DataFrame:
    """Return ``(line, reason, raw)`` rows as a frame, as :class:`Batch` has it."""
    return pl.DataFrame(list(rows), schema=REJECTED_SCHEMA, orient="row")


def text_schema(columns: Iterable[str]) -> dict[str, pl.DataType]:
    """Return the schema of records with text columns."""
    return dict.fromkeys(columns, pl.String())
