"""Read the sheets of a workbook as text, and choose the one with records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError, UnknownNameError
from ckm.io.readers.header import ROWS_LOOKED_AT, Row, find_in_rows
from ckm.io.readers.hints import Hints
from ckm.remark import assumption, doubt, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import fastexcel

    from ckm.remark import Remark

CELLS_OF_A_RECORD = 3
"""Minimum median of filled cells per row in a sheet of records: notes have one, key-value pairs two."""
MOST_NAMED = 5
"""Maximum number of sheets that a remark names."""


@dataclass(frozen=True)
class Sheet:
    """A sheet with data.

    Attributes
    ----------
    name
        Its name.
    hidden
        Whether a spreadsheet program hides it.
    filled_cells
        Median of filled cells per non-blank row, among the first 200.
    columns
        Column names of its table.
    """

    name: str
    hidden: bool
    filled_cells: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class SheetChoice:
    """The sheet to read.

    Attributes
    ----------
    name
        Its name.
    others
        Names of the other sheets with data; empty if the user named the sheet.
    remarks
        Remarks on the other sheets.
    """

    name: str
    others: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


def choose_sheet(book: fastexcel.ExcelReader, wanted: str | None) -> SheetChoice:
    """Return the sheet ``wanted``, else the first visible one with records.

    A cover sheet (notes, or key-value pairs) is passed over: its rows have one or two filled cells, those of a sheet of
    records at least three. If no sheet has such rows, the first one with two filled cells per row is taken, else the
    first one with data. Hidden sheets are considered only if no visible one has data.

    Raises
    ------
    UnknownNameError
        There is no sheet ``wanted``.
    """
    names = list(book.sheet_names)
    if wanted is not None:
        if wanted not in names:
            raise UnknownNameError("sheet", wanted, names)
        return SheetChoice(wanted)
    filled = [sheet for name in names if (sheet := _sheet(book, name)) is not None]
    candidates = [sheet for sheet in filled if not sheet.hidden] or filled
    if not candidates:
        return SheetChoice(names[0])
    chosen = max(candidates, key=lambda sheet: min(sheet.filled_cells, CELLS_OF_A_RECORD))  # of equal ones the first
    others = [sheet for sheet in filled if sheet is not chosen]
    return SheetChoice(chosen.name, tuple(sheet.name for sheet in others), tuple(_remarks_on(chosen, others)))


def _sheet(book: fastexcel.ExcelReader, name: str) -> Sheet | None:
    """Return a description of a sheet; None if it is empty."""
    cells = read_cells(book, name)
    rows = first_rows(cells)
    if not rows:
        return None
    counts = sorted(sum(bool(cell.strip()) for cell in row.cells) for row in rows)
    hidden = book.load_sheet(name, header_row=None, n_rows=0).visible != "visible"
    return Sheet(name, hidden, counts[len(counts) // 2], find_in_rows(rows, cells.width, Hints()).columns)


def _remarks_on(chosen: Sheet, others: Sequence[Sheet]) -> Iterator[Remark]:
    """Yield remarks on the sheets that are not read."""
    hidden = [sheet for sheet in others if sheet.hidden]
    alike = [sheet for sheet in others if not sheet.hidden and sheet.columns == chosen.columns]
    visible = [sheet for sheet in others if not sheet.hidden and sheet.columns != chosen.columns]
    if alike:
        yield warning(
            f"only sheet '{chosen.name}' was read; sheets with the same columns were not: {_listed(alike)}; "
            "read each with --sheet NAME"
        )
    if visible:
        has_records = any(sheet.filled_cells >= CELLS_OF_A_RECORD for sheet in visible)
        text = f"sheet '{chosen.name}' was read; others have data: {_listed(visible)} (choose with --sheet NAME)"
        yield doubt(text) if has_records else assumption(text)
    if hidden:
        yield doubt(f"hidden sheets with data were not read: {_listed(hidden)} (choose with --sheet NAME)")


def _listed(sheets: Sequence[Sheet]) -> str:
    names = ", ".join(f"'{sheet.name}'" for sheet in sheets[:MOST_NAMED])
    return f"{names} and {len(sheets) - MOST_NAMED} more" if len(sheets) > MOST_NAMED else names


def first_rows(cells: pl.DataFrame) -> list[Row]:
    """Return the non-blank rows among the first 200 of a sheet, with their row numbers (1-based)."""
    return [
        Row(line, [cell or "" for cell in row])
        for line, row in enumerate(cells.head(ROWS_LOOKED_AT).rows(), start=1)
        if any(row)
    ]


def read_cells(book: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
    """Return the cells of a sheet as text, one row per sheet row from row 1; empty cells are null.

    Raises
    ------
    InputError
        A cell has a value that its number format cannot express.
    """
    try:
        sheet = book.load_sheet(name, header_row=None, dtypes="string", skip_rows=0)
        cells = sheet.to_polars() if sheet.width and sheet.total_height else pl.DataFrame()
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # an error class of the library that cannot be imported
            raise
        raise InputError(
            f"sheet '{name}': a cell cannot be read, such as a number with a duration format that exceeds the calendar",
            hint="format such cells as plain numbers, or save the sheet as CSV",
        ) from None
    if not cells.width:
        return cells
    return cells.select(pl.all().cast(pl.String).replace("", None))
