"""Read one sheet of a workbook, with its cells as text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError
from ckm.io.readers.format import NATIVE_SUFFIX, Batch, FileFormat, rejected_frame
from ckm.io.readers.header import TableStart, find_in_rows
from ckm.io.readers.open_document import NUMBERS, cell_runs, is_spreadsheet, refuse_huge_document
from ckm.io.readers.sheets import choose_sheet, first_rows, read_cells
from ckm.io.readers.totals import without_totals
from ckm.io.readers.workbook_metadata import MOST_MERGED, MergedCells, SheetFacts, numeric_cells, sheet_facts
from ckm.io.readers.workbook_size import refuse_huge
from ckm.paths import openable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm.io.readers.archive import Archive
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.remarks import Remarks

MIDNIGHT = " 00:00:00"
"""Time of date cells without a time."""
AMBIGUOUS_NUMBER = r"^-?[1-9]\d{0,2}\.\d{3}$"
"""A number such as 1.234, whose decimal point could be a thousands separator in text."""
NUMERAL = r"^-?\d+(?:\.\d+)?$"
"""Format of number cells by fastexcel, except very large and small numbers."""
DATE_TIME = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d+)?$"
"""Format of date cells by fastexcel."""


@dataclass(frozen=True)
class ExcelTable:
    """One sheet of an Excel file. It has at most 1,048,576 rows and is held in memory."""

    cells: pl.DataFrame
    start: TableStart
    format: FileFormat
    remarks: list[tuple[int | None, str]] = field(default_factory=list)

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield all rows of the sheet as one batch, without blank rows."""
        for line, text in [*self.remarks, *self.start.remarks]:
            remarks.add(text, line)
        if not self.format.columns:  # no cells, or only empty ones
            return
        table = self.cells.with_row_index("__line", offset=1).slice(self.start.first_line - 1)
        table = table.filter(pl.any_horizontal(pl.exclude("__line").is_not_null()))
        records = table.drop("__line")
        records.columns = list(self.format.columns)
        if records.height:
            yield without_totals(Batch(records, table["__line"].cast(pl.Int64).alias("line"), rejected_frame()))


def open_excel(path: Path, archive: Archive, hints: Hints) -> ExcelTable:
    """Read the sheet of ``hints``, else the first with records (:func:`ckm.io.readers.sheets.choose_sheet`).

    Numbers come as Excel shows them in its formula bar, dates as ISO text, text as it is, so that ``00123`` written
    as text keeps its zeros.

    Raises
    ------
    InputError
        The file is damaged, protected by a password, or too large to be read in bounded memory.
    UnknownNameError
        The sheet is unknown.
    """
    import fastexcel

    document = is_spreadsheet(path)
    refuse_huge_document(path, archive.name) if document else refuse_huge(path, archive.name)
    try:
        book = fastexcel.read_excel(str(openable(path)))
        choice = choose_sheet(book, hints.sheet)
        name = choice.name
        cells = _as_written(read_cells(book, name))
    except fastexcel.FastExcelError as error:
        raise InputError(f"{archive.name}: the Excel file is damaged or protected by a password") from error
    facts = document_facts(path, name, archive.name) if document else sheet_facts(path, name, archive.name)
    cells, percentages = _with_percentages(cells, facts.percentages)
    numeric: frozenset[int] = frozenset()
    if _has_ambiguous_numbers(cells):
        found_numbers = document_numbers if document else numeric_cells
        cells, numeric = _with_marked_numbers(cells, found_numbers(path, name, archive.name))
    start = find_in_rows(first_rows(cells), cells.width, hints)
    cells = _filled(cells, facts.merged, start.first_line)
    remarks: list[tuple[int | None, str]] = [(None, remark) for remark in [*choice.remarks, *_remarks_on(facts)]]
    found = replace(_format(archive, start, name), other_sheets=choice.others)
    native = tuple(each for at, each in enumerate(found.columns) if at in numeric)
    shown = _shown(found, facts, percentages)
    found = replace(found, numeric=native, shown=shown, from_1904=facts.counts_from_1904)
    return ExcelTable(cells, start, found, remarks)


def document_facts(path: Path, sheet: str, name: str) -> SheetFacts:
    """Return the metadata of an OpenDocument sheet: merged cells, currencies and percentages."""
    merged: list[MergedCells] = []
    currencies: dict[int, dict[str, int]] = {}
    percentages: dict[int, set[int]] = {}
    for run in cell_runs(path, name):
        if run.sheet != sheet:
            continue
        if run.spanned > 1 and len(merged) < MOST_MERGED:
            merged.append(MergedCells(run.row, run.column, run.row + run.spanned - 1, run.column))
        for column in range(run.column, run.column + run.columns):
            if run.currency:
                currencies.setdefault(column, {})[run.currency] = run.row + run.rows - 1
            if run.kind == "percentage":
                percentages.setdefault(column, set()).update(range(run.row, run.row + run.rows))
    return SheetFacts(merged=tuple(merged), currencies=currencies, percentages=percentages)


def document_numbers(path: Path, sheet: str, name: str) -> dict[int, set[int]]:
    """Return the rows with numeric cells of an OpenDocument sheet, by column (both 1-based)."""
    found: dict[int, set[int]] = {}
    for run in cell_runs(path, name):
        if run.sheet == sheet and run.kind in NUMBERS:
            for column in range(run.column, run.column + run.columns):
                found.setdefault(column, set()).update(range(run.row, run.row + run.rows))
    return found


def _filled(cells: pl.DataFrame, merged: tuple[MergedCells, ...], first_line: int) -> pl.DataFrame:
    """Copy the text of a vertically merged cell to each of its rows; numbers may be sums and are not copied."""
    columns = cells.get_columns()
    for each in merged:
        at, top, bottom = each.first_column - 1, each.first_row - 1, min(each.last_row, cells.height)
        if each.last_column - 1 != at or at >= cells.width or top >= bottom or each.first_row < first_line:
            continue
        value = columns[at][top]
        if value is not None and not re.match(NUMERAL, value.removesuffix(NATIVE_SUFFIX)):
            empty = [row for row in range(top, bottom) if columns[at][row] is None]
            columns[at] = columns[at].scatter(empty, value)
    return pl.DataFrame(columns)


def _remarks_on(facts: SheetFacts) -> Iterator[str]:
    if any(merged.first_column == merged.last_column for merged in facts.merged):
        yield ("merged cells: texts and dates were copied to every row, numbers only to the first, as they may be sums")
    if facts.without_value:
        yield (
            f"{facts.without_value:,} formulas have no stored value, because they were never calculated; "
            "open the file in a spreadsheet program and save it"
        )
    if facts.zeros:
        yield "a number format shows leading zeros that the numbers do not have: such ids were read without them"
    if facts.counts_from_1904:
        yield "the workbook uses the 1904 date system: plain day numbers are read as such"


def _with_percentages(cells: pl.DataFrame, rows_by_column: dict[int, set[int]]) -> tuple[pl.DataFrame, frozenset[int]]:
    """Return the cells, and the indices of columns in which most numbers are percentages.

    In other columns a percentage is written as displayed (``12%``), so that it is not read as an amount. In columns of
    percentages the cells are unchanged (``0.12``), so that a mapping can compute with them.
    """
    mostly: set[int] = set()
    for at, rows in rows_by_column.items():
        if at > cells.width:
            continue
        column = cells.to_series(at - 1)
        is_number = column.str.contains(NUMERAL).fill_null(value=False)
        is_percent = pl.Series(range(1, cells.height + 1)).is_in(list(rows)) & is_number
        if 2 * is_percent.sum() > is_number.sum():
            mostly.add(at - 1)
            continue
        places = is_percent.arg_true()
        texts = [f"{(Decimal(text) * 100).normalize():f}%" for text in column.gather(places)]
        cells = cells.with_columns(column.scatter(places, texts))
    return cells, frozenset(mostly)


def _shown(
    found: FileFormat, facts: SheetFacts, percentages: frozenset[int]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what number formats show below the header, by column: currency signs, words, ``%`` for percentages."""
    shown: list[tuple[str, tuple[str, ...]]] = []
    for at, column in enumerate(found.columns):
        marks = facts.currencies.get(at + 1, {})
        names = [mark for mark, last in marks.items() if last >= found.first_line]
        if at in percentages:
            names.append("%")
        if names:
            shown.append((column, tuple(sorted(names))))
    return tuple(shown)


def _has_ambiguous_numbers(cells: pl.DataFrame) -> bool:
    """Return whether a number such as 1.234 occurs, whose decimal point could be read as a thousands separator."""
    return bool(cells.width) and cells.select(pl.any_horizontal(pl.all().str.contains(AMBIGUOUS_NUMBER).any())).item()


def _with_marked_numbers(cells: pl.DataFrame, numeric: dict[int, set[int]]) -> tuple[pl.DataFrame, frozenset[int]]:
    """Return the cells, with numbers marked in columns that also have texts, and the indices of number columns.

    A marked number (:data:`ckm.io.readers.format.NATIVE_SUFFIX`) has a decimal point, whatever mark the texts have.
    """
    numeric_columns: set[int] = set()
    for at, rows in numeric.items():
        if at > cells.width:
            continue
        column = cells.to_series(at - 1)
        is_number = pl.Series(range(1, cells.height + 1)).is_in(list(rows)) & column.str.contains(NUMERAL)
        below = column.filter(column.is_not_null() & ~is_number)
        if len(below) <= 1:  # the header is the only other text
            numeric_columns.add(at - 1)
            continue
        marked = pl.when(is_number & column.str.contains(".", literal=True)).then(column + NATIVE_SUFFIX)
        cells = cells.with_columns(pl.select(marked.otherwise(column)).to_series().alias(column.name))
    return cells, frozenset(numeric_columns)


def _as_written(cells: pl.DataFrame) -> pl.DataFrame:
    """Remove the time 00:00:00 from the dates of each column in which no date has another time."""
    if not cells.width:
        return cells
    has_time = pl.all().str.contains(DATE_TIME)  # one query for all columns: a sheet may have 16,384
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
        repeated=start.repeated,
    )
