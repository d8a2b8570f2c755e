"""Read metadata of OpenDocument spreadsheets (``.ods``), and refuse spreadsheets that do not fit in memory.

Equal cells and rows are stored once with a repeat count, so that a few bytes can be a billion cells.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

from ckm.errors import InputError
from ckm.io.readers.workbook_size import MOST_CELLS, MOST_TEXT, MOST_UNPACKED, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = "content.xml"
NUMBERS = frozenset({"float", "currency", "percentage"})
"""Value types of numeric cells, whatever their display."""
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


class CellRun(NamedTuple):
    """Adjacent equal cells of a sheet, stored once; rows and columns are 1-based.

    Attributes
    ----------
    sheet
        The sheet.
    row, rows, column, columns
        First row and column, and numbers of rows and columns.
    kind
        Type of the value; None for untyped text.
    text
        Number of displayed characters.
    spanned
        Number of rows that a merged cell spans; 1 for other cells.
    currency
        The currency of an amount; None for other cells.
    """

    sheet: str
    row: int
    rows: int
    column: int
    columns: int
    kind: str | None
    text: int
    spanned: int
    currency: str | None = None


@dataclass
class _Extent:
    rows: int = 0
    columns: int = 0
    text: int = 0

    def add(self, run: CellRun) -> None:
        self.rows = max(self.rows, run.row + run.rows - 1)
        self.columns = max(self.columns, run.column + run.columns - 1)
        self.text += run.text * run.rows * run.columns


def is_spreadsheet(path: Path) -> bool:
    """Return whether a file is an OpenDocument spreadsheet."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("mimetype") as kind:
            return kind.read(64).startswith(b"application/vnd.oasis.opendocument.spreadsheet")
    except (zipfile.BadZipFile, KeyError, OSError, zlib.error, RuntimeError, NotImplementedError):
        return False


def cell_runs(path: Path, name: str) -> Iterator[CellRun]:
    """Yield the non-empty cells of all sheets.

    Raises
    ------
    InputError
        The file is damaged or too large.
    """
    try:
        with zipfile.ZipFile(path) as book, book.open(CONTENT) as content:
            if book.getinfo(CONTENT).file_size > MOST_UNPACKED:
                raise too_large(name, f"decompresses to more than {MOST_UNPACKED >> 30} GB")
            yield from _runs(ElementTree.iterparse(content, ("start", "end")))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(f"{name}: the spreadsheet is damaged or protected by a password") from error
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{name}: the spreadsheet is damaged") from error


def refuse_huge_document(path: Path, name: str) -> None:
    """Refuse a spreadsheet that cannot be read in bounded memory; see :mod:`ckm.io.readers.workbook_size`."""
    extents: dict[str, _Extent] = {}
    for run in cell_runs(path, name):
        extent = extents.setdefault(run.sheet, _Extent())
        extent.add(run)
        if extent.rows * extent.columns > MOST_CELLS:
            reach = f"reaches to row {extent.rows:,} and column {extent.columns:,}"
            raise too_large(name, f"{reach}: more than {MOST_CELLS:,} cells in a sheet")
        if sum(each.text for each in extents.values()) > MOST_TEXT:
            raise too_large(name, f"contains more than {MOST_TEXT >> 20} MB of text")


def _runs(events: Iterator[tuple[str, ElementTree.Element]]) -> Iterator[CellRun]:
    sheet, row = "", 1
    for event, element in events:
        if event == "start" and element.tag == f"{_TABLE}table":
            sheet, row = element.get(f"{_TABLE}name", ""), 1
        elif event == "end" and element.tag == f"{_TABLE}table-row":
            rows = int(element.get(f"{_TABLE}number-rows-repeated", 1))
            yield from _cells(element, sheet, row, rows)
            row += rows
            element.clear()


def _cells(element: ElementTree.Element, sheet: str, row: int, rows: int) -> Iterator[CellRun]:
    column = 1
    for cell in element:
        if cell.tag not in {f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"}:
            continue
        columns = int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        kind = cell.get(f"{_OFFICE}value-type")
        text = sum(map(len, cell.itertext()))
        if kind or text:
            spanned = int(cell.get(f"{_TABLE}number-rows-spanned", 1))
            currency = cell.get(f"{_OFFICE}currency") if kind == "currency" else None
            yield CellRun(sheet, row, rows, column, columns, kind, text, spanned, currency)
        column += columns
