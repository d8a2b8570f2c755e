"""Detect the format of a CSV file, and read its records block by block."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckm.io.readers.csv_blocks import BlockReader, line_blocks
from ckm.io.readers.csv_records import RecordReader
from ckm.io.readers.dialect import Dialect, detect_dialect, regularity
from ckm.io.readers.encoding import TextEncoding, detect_encoding, utf8_pieces
from ckm.io.readers.format import Batch, FileFormat
from ckm.io.readers.header import TableStart, find_table
from ckm.io.readers.totals import without_totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.io.readers.archive import Archive
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.remarks import Remarks

BLOCK = 10 << 20
"""Block size in bytes: large enough for full speed of numpy and polars, small enough for several in memory."""
SAMPLE_BLOCK = 2 << 20
DETECTION_SAMPLE = 1 << 20
"""Bytes at the start of a file from which dialect and header are detected."""


@dataclass(frozen=True)
class CsvTable:
    """A CSV file with detected format, which can be read repeatedly."""

    archive: Archive
    encoding: TextEncoding
    dialect: Dialect
    start: TableStart
    line_end: str
    header: tuple[str, ...] | None

    @property
    def format(self) -> FileFormat:
        """Return the detected format."""
        return FileFormat(
            kind="csv",
            columns=self.start.columns,
            compression=self.archive.compression,
            encoding=self.encoding.name,
            delimiter=self.dialect.delimiter,
            padded=self.dialect.padded,
            quote=self.dialect.quote,
            escape=self.dialect.escape,
            line_end=self.line_end,
            header_line=self.start.header_line,
            header_rows=self.start.header_rows,
            first_line=self.start.first_line,
            named=self.start.named,
            repeated=self.start.repeated,
        )

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield the records of the file in its order, in blocks of :data:`BLOCK` bytes (``small``: for a sample)."""
        for line, text in self.start.remarks:
            remarks.add(text, line)
        if self.encoding.remark:
            remarks.add(self.encoding.remark[1], self.encoding.remark[0])
        reader = BlockReader(
            self.dialect, self.start.columns, self.start.first_line, self.header, remarks, clean=self.encoding.clean
        )
        pieces = utf8_pieces(self.archive, self.encoding, SAMPLE_BLOCK if small else BLOCK)
        rest = b""
        for block, final in line_blocks(pieces, self.archive.name, self.line_end):
            batch, rest = reader.read(rest + block if rest else block, final=final)
            if final:
                batch = without_totals(batch)
            if batch.records.height or batch.rejected.height:
                yield batch


def open_csv(archive: Archive, hints: Hints) -> CsvTable:
    """Detect encoding, dialect and header of a CSV file, in one pass over its bytes and from its first lines.

    Raises
    ------
    InputError
        The file is not text.
    UsageError
        A hint is invalid.
    """
    encoding = detect_encoding(archive, hints.encoding)
    text, whole = _first_text(archive, encoding)
    line_end, lines = "\n", _lines(text, "\n", whole=whole)
    dialect = detect_dialect(lines, hints)
    remarks: list[tuple[int | None, str]] = []
    if text.count("\r") > text.count("\r\n"):
        parted = _lines(text, "\r", whole=whole)
        other = detect_dialect(parted, hints)
        if "\n" not in text or regularity(parted, other) > regularity(lines, dialect):
            line_end, lines, dialect = "\r", parted, other
            remarks = [(None, "mixed line endings")] if "\n" in text else []
    start = find_table(lines, dialect, hints)
    start = replace(start, remarks=[*start.remarks, *remarks])
    return CsvTable(archive, encoding, dialect, start, line_end, _header_values(lines, dialect, start))


def _first_text(archive: Archive, encoding: TextEncoding) -> tuple[str, bool]:
    """Return the first text of a file, and whether it is the whole file."""
    pieces = utf8_pieces(archive, encoding, DETECTION_SAMPLE)
    head = next(pieces, b"")
    more = next(pieces, b"")
    pieces.close()  # type: ignore[attr-defined]
    return head.decode(errors="ignore"), not more


def _lines(text: str, line_end: str, *, whole: bool) -> list[str]:
    if line_end == "\r":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if len(lines) > 1 and (not whole or not lines[-1]):
        lines.pop()
    return lines


def _header_values(lines: list[str], dialect: Dialect, start: TableStart) -> tuple[str, ...] | None:
    if start.header_line is None or start.header_rows != 1 or start.header_line > len(lines):
        return None
    fields = RecordReader(dialect, len(start.columns)).split(lines[start.header_line - 1].removesuffix("\r")).fields
    return tuple(fields) if len(fields) == len(start.columns) > 1 else None
