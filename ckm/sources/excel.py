"""Excel files: one sheet, its cells as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError, UnknownNameError
from ckm.paths import openable
from ckm.sources.format import Batch, FileFormat, rejected_frame
from ckm.sources.header import ROWS_LOOKED_AT, Row, TableStart, find_in_rows
from ckm.sources.totals import without_totals
from ckm.sources.workbook_size import refuse_huge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import fastexcel

    from ckm.sources.archive import Archive
    from ckm.sources.hints import Hints
    from ckm.sources.remarks import Remarks

MIDNIGHT = " 00:00:00"
DATE_TIME = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d+)?$"
"""How fastexcel writes the date cells of a sheet."""


@dataclass(frozen=True)
class ExcelTable:
    """One sheet of an Excel file. A sheet has at most 1,048,576 rows and is held in memory."""

    cells: pl.DataFrame
    start: TableStart
    format: FileFormat
    remarks: list[tuple[int | None, str]] = field(default_factory=list)

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield the rows of the sheet at once; rows without any value are no records."""
        for line, text in [*self.remarks, *self.start.remarks]:
            remarks.add(text, line)
        if not self.format.columns:  # no cell, or none with a value
            return
        table = self.cells.with_row_index("__line", offset=1).slice(self.start.first_line - 1)
        table = table.filter(pl.any_horizontal(pl.exclude("__line").is_not_null()))
        records = table.drop("__line")
        records.columns = list(self.format.columns)
        if records.height:
            yield without_totals(Batch(records, table["__line"].cast(pl.Int64).alias("line"), rejected_frame()))


def open_excel(path: Path, archive: Archive, hints: Hints) -> ExcelTable:
    """Read a sheet: the one that ``hints`` names, else the first with anything in it.

    Numbers come as Excel shows them in its formula bar, dates as ISO text, text as it is, so that ``00123`` written
    as text keeps its zeros.

    Raises
    ------
    InputError
        The file is damaged, protected by a password, or too large to be read in bounded memory.
    UnknownNameError
        There is no such sheet.
    """
    import fastexcel

    refuse_huge(path, archive.name)
    try:
        book = fastexcel.read_excel(str(openable(path)))
        name, others = _choose(book, hints.sheet)
        cells = _as_written(_cells(book, name))
    except fastexcel.FastExcelError as error:
        raise InputError(f"{archive.name}: the Excel file is damaged or protected by a password") from error
    rows = [
        Row(line, [cell or "" for cell in row])
        for line, row in enumerate(cells.head(ROWS_LOOKED_AT).rows(), start=1)
        if any(row)
    ]
    start = find_in_rows(rows, cells.width, hints)
    remarks: list[tuple[int | None, str]] = []
    if others:
        remarks.append((None, f"the first sheet with data was read; {others} more have data, --sheet chooses"))
    return ExcelTable(cells, start, _format(archive, start, name), remarks)


def _choose(book: fastexcel.ExcelReader, wanted: str | None) -> tuple[str, int]:
    """Return the sheet to read, and how many others have data too."""
    names = list(book.sheet_names)
    if wanted is not None:
        if wanted not in names:
            raise UnknownNameError("sheet", wanted, names)
        return wanted, 0
    filled = [name for name in names if _cells(book, name).height]
    return (filled[0], len(filled) - 1) if filled else (names[0], 0)


def _cells(book: fastexcel.ExcelReader, name: str) -> pl.DataFrame:
    try:
        sheet = book.load_sheet(name, header_row=None, dtypes="string", skip_rows=0)
        cells = sheet.to_polars() if sheet.width and sheet.total_height else pl.DataFrame()
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of the reader's own library, whose class cannot be imported
            raise
        raise InputError(
            f"sheet '{name}': a cell cannot be read, such as a number shown as a span of hours that no calendar has",
            hint="show such cells as plain numbers, or save the sheet as CSV",
        ) from None
    if not cells.width:
        return cells
    return cells.select(pl.all().cast(pl.String).replace("", None))


def _as_written(cells: pl.DataFrame) -> pl.DataFrame:
    """Write dates without a time where a column has dates only."""
    if not cells.width:
        return cells
    has_time = pl.all().str.contains(DATE_TIME)  # of all columns in one query: a sheet may have 16,384
    timed = [column.name for column in cells.select(has_time.any()) if column.item()]
    if not timed:
        return cells
    is_other = pl.col(timed).str.contains(DATE_TIME) & ~pl.col(timed).str.ends_with(MIDNIGHT)
    dates = [column.name for column in cells.select(is_other.any()) if not column.item()]
    is_date = pl.col(dates).str.contains(DATE_TIME)
    return cells.with_columns(pl.when(is_date).then(pl.col(dates).str.head(10)).otherwise(pl.col(dates)))


def _format(archive: Archive, start: TableStart, sheet: str) -> FileFormat:
    return FileFormat(
        kind="excel",
        columns=start.columns,
        compression=archive.compression,
        header_line=start.header_line,
        header_rows=start.header_rows,
        first_line=start.first_line,
        sheet=sheet,
        named=start.named,
    )
