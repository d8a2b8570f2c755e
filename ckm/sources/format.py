"""What a file turned out to be, and the pieces in which it is handed on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["csv", "jsonl", "json", "parquet", "excel"]
Compression = Literal["gzip", "zip"]
NATIVE_SUFFIX = "E0"
"""After a number that was none of text in its file and stands beside texts: its point is a point whatever they use."""
WHITESPACE = "whitespace"
"""The delimiter of files whose columns are set apart by runs of blanks."""

NO_VALUES, TOTAL, NOTE, FOOTER = "no values", "total row", "note below the table", "footer line"
NO_DATA = frozenset({NO_VALUES, TOTAL, NOTE, FOOTER})
"""Why a line is rejected that is evidently no record: nothing of the data is lost with it."""

REJECTED_SCHEMA: dict[str, pl.DataType] = {"line": pl.Int64(), "reason": pl.String(), "raw": pl.String()}


@dataclass(frozen=True)
class FileFormat:
    r"""How a file is to be read; every part was detected or given, and all of it is reported.

    Attributes
    ----------
    kind
        What sort of file it is.
    columns
        The names of the columns, made unique; empty for a file with nothing in it.
    compression
        What the file is wrapped in.
    encoding
        Name of the character set; null for binary files.
    delimiter
        One character, ``"whitespace"``, or null for a file of a single column.
    padded
        Whether a blank follows each delimiter and is no part of the value.
    quote, escape
        The quote character, and the character that makes a quote inside quotes literal
        (the quote itself when it is doubled).
    line_end
        ``"\n"`` (which includes CR LF), or ``"\r"`` where a lone CR ends a line too.
    header_line, header_rows
        The 1-based line of the first header row, null without header; how many rows the header has.
    first_line
        The 1-based line where data start.
    sheet
        The sheet of an Excel file.
    nested
        The columns whose values are lists or records; they come as JSON text, and none is a single value.
    numeric
        The columns that come as text, though the file holds numbers in all their cells: their mark is the point.
    shown
        What number formats show beside the numbers of columns: signs and words, ``%`` for percentages.
    from_1904
        Whether plain numbers that are days count from 1904.
    repeated
        Groups of columns that have one name in the file.
    named
        Whether the names are surely names. Of a file all of texts the first row is taken for its header, and may be a
        record: then no message may show it.
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
        One row per record. Text files and Excel: every column ``String`` exactly as written, null where
        nothing stands; Parquet: the types of the file, those that polars cannot hold as text.
    lines
        ``Int64``; the 1-based line where each record starts; for Parquet and Excel the row number.
    rejected
        Records that could not be read: ``line``, ``reason``, and ``raw``, their text.
    """

    records: pl.DataFrame
    lines: pl.Series
    rejected: pl.DataFrame


def rejected_frame(rows: Iterable[tuple[int, str, str]] = ()) -> pl.DataFrame:
    """Return ``(line, reason, raw)`` rows as the frame that :class:`Batch` promises."""
    return pl.DataFrame(list(rows), schema=REJECTED_SCHEMA, orient="row")


def text_schema(columns: Iterable[str]) -> dict[str, pl.DataType]:
    """Return the schema of records that are read as written."""
    return dict.fromkeys(columns, pl.String())
