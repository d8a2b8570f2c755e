"""Detect the header, the column names and the first record of a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from ckm.errors import InputError, UsageError
from ckm.io.readers.cell_kinds import TYPED, kind_of
from ckm.io.readers.csv_records import NeedMoreLinesError, RecordReader
from ckm.io.readers.dialect import SEP_LINE, Dialect, split_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.io.readers.hints import Hints

IMPORT_ID = '{"ImportId"'
"""Start of every cell in the third header row of a Qualtrics export."""
ROWS_LOOKED_AT = 200
"""Maximum number of rows from which header and columns are detected."""
PREAMBLE_LINES = 100
"""Number of the last line in which a header is detected; a later header needs --header."""
MOST_HEADER_ROWS = 5
MOSTLY = 0.8
"""Minimum share of one kind (number, date, ...) among the filled cells of a column, for the column to be of that kind.
"""
LEAST_YEARS = 3
PLAUSIBLE_YEARS = range(1900, 2101)
OTHER_DELIMITERS = ",;\t| "


class Row(NamedTuple):
    """A record of the sample: its 1-based line, and its values (empty text for no value)."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class TableStart:
    """Start of the data of a table, and column names.

    Attributes
    ----------
    columns
        Unique names, one per field of a record.
    header_line, header_rows
        1-based line of the first header row (None without a header), and number of header rows.
    first_line
        1-based line where data start.
    remarks
        ``(line, text)`` of assumptions and changes.
    named
        Whether the names are given, or are texts above typed columns; else the header may be a record.
    repeated
        Groups of columns that have one name in the file.
    """

    columns: tuple[str, ...]
    header_line: int | None
    header_rows: int
    first_line: int
    remarks: list[tuple[int | None, str]] = field(default_factory=list)
    named: bool = True
    repeated: tuple[tuple[str, ...], ...] = ()


def find_table(lines: Sequence[str], dialect: Dialect, hints: Hints) -> TableStart:
    """Find the header and the first record in the first ``lines`` of a file (without line ends).

    Raises
    ------
    InputError
        The hinted header line is not in the file.
    UsageError
        The number of hinted names differs from the number of columns.
    """
    skip = 1 if lines and SEP_LINE.match(lines[0]) else 0
    if isinstance(hints.header, int):
        return _given_header(lines, dialect, hints, hints.header)
    width = usual_width(lines[skip:], dialect)
    rows = read_rows(lines, dialect, width, skip)
    if not rows:
        return TableStart(tuple(hints.columns or ()), None, 0, skip + 1)
    top = _table_top(rows, width)
    if hints.header == "none" or hints.columns is not None:
        return _named(hints.columns, width, rows[0].line)
    return _with_header(rows, top, width, lines)


def find_in_rows(rows: list[Row], width: int, hints: Hints) -> TableStart:
    """Find the header and the first record in the rows of a spreadsheet.

    Raises
    ------
    InputError
        The hinted header row is empty.
    UsageError
        The number of hinted names differs from the number of columns.
    """
    if not rows:
        return TableStart(tuple(hints.columns or ()), None, 0, 1)
    if isinstance(hints.header, int):
        at = next((at for at, row in enumerate(rows) if row.line == hints.header), None)
        if at is None:
            raise InputError(f"header row {hints.header} is empty or not among the first {len(rows)} rows")
        names = hints.columns or rows[at].cells
        if len(names) != width:
            raise UsageError(f"got {len(names)} column names for {width} columns")
        start = _start(names, hints.header, 1, hints.header + 1)
        kinds = _column_kinds(rows[at + 1 :], width)
        return start if hints.columns else replace(start, named=_is_surely_header(rows[at].cells, kinds))
    if hints.header == "none" or hints.columns is not None:
        return _named(hints.columns, width, rows[0].line)
    return _with_header(rows, _table_top(rows, width), width, [])


def usual_width(lines: Sequence[str], dialect: Dialect) -> int:
    """Return the most frequent number of fields; of equally frequent numbers the first."""
    if dialect.delimiter is None:
        return 1
    if dialect.delimiter == "whitespace":
        widths = Counter(len(line.split()) for line in lines[:ROWS_LOOKED_AT] if line.strip())
    else:
        rows = split_rows(lines[:ROWS_LOOKED_AT], dialect.delimiter, dialect.quote or "", padded=dialect.padded)
        widths = Counter(len(row) for row in rows if any(row))
    return widths.most_common(1)[0][0] if widths else 1


def read_rows(lines: Sequence[str], dialect: Dialect, width: int, start: int) -> list[Row]:
    """Parse the first records from ``lines[start:]``, also of another width, without blank lines."""
    reader = RecordReader(dialect, width)
    rows: list[Row] = []
    at = start
    while at < len(lines) and len(rows) < ROWS_LOOKED_AT:
        if not lines[at].strip():
            at += 1
            continue
        try:
            reading = reader.read(lines, at, final=True)
        except NeedMoreLinesError:
            break
        cells = reading.fields or reader.split(lines[at].removesuffix("\r")).fields
        rows.append(Row(at + 1, [(cell or "").replace("\x00", "") for cell in cells]))
        at += reading.lines
    return rows


def unique_names(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Clean column names: trim spaces, number empty names, and make duplicates unique.

    Returns
    -------
    The names, and a remark on each change.
    """
    seen: set[str] = set()
    fixed: list[str] = []
    remarks: list[str] = []
    for place, name in enumerate(names, start=1):
        clean = _clean(name)
        if not clean:
            clean = f"column_{place}"
            remarks.append(f"column {place} has no name and is named {clean}")
        base, repeat = clean, 1
        while clean in seen:
            repeat += 1
            clean = f"{base}_{repeat}"
        if repeat > 1:
            remarks.append(f"column {place} has a duplicate name and is renamed to {clean}")
        seen.add(clean)
        fixed.append(clean)
    return tuple(fixed), remarks


def repeated_names(names: Sequence[str], columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of ``columns``, made unique from ``names``, that have one name in the file."""
    groups: dict[str, list[str]] = {}
    for name, column in zip(names, columns, strict=True):
        groups.setdefault(_clean(name), []).append(column)
    return tuple(tuple(group) for name, group in groups.items() if name and len(group) > 1)


def _clean(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").replace("\0", "\ufffd").split())  # NUL ends a name in Arrow


def _given_header(lines: Sequence[str], dialect: Dialect, hints: Hints, header: int) -> TableStart:
    if not 1 <= header <= len(lines):
        raise InputError(f"header line {header} is not among the first {len(lines)} lines")
    body = lines[header:]
    width = usual_width(body, dialect) if any(line.strip() for line in body) else 0
    rows = read_rows(lines, dialect, width, header - 1)
    if not rows or rows[0].line != header:
        raise InputError(f"header line {header} is empty")
    names, _ = _fitting_names(rows[0].cells, width or len(rows[0].cells))
    if names is None:
        names = _numbered(width)
    start = _start(hints.columns or names, header, 1, rows[1].line if len(rows) > 1 else header + 1)
    if hints.columns is None:
        kinds = _column_kinds(rows[1:], len(rows[0].cells))
        start = replace(start, named=_is_surely_header(rows[0].cells, kinds))
    if hints.columns is not None and len(hints.columns) != len(names):
        raise UsageError(f"got {len(hints.columns)} column names for {len(names)} columns")
    return start


def _named(columns: tuple[str, ...] | None, width: int, first_line: int) -> TableStart:
    if columns is not None and len(columns) != width:
        raise UsageError(f"got {len(columns)} column names, but the records have {width} fields")
    return _start(columns or _numbered(width), None, 0, first_line)


def _with_header(rows: list[Row], top: int, width: int, lines: Sequence[str]) -> TableStart:
    """Decide whether the row at ``top``, the first of the table's width, is a header; join multi-row headers."""
    data = [row for row in rows[top + 1 :] if row.cells != rows[top].cells]  # without repeated headers
    if len(rows[top].cells) != width:
        return _start(_numbered(width), None, 0, rows[0].line)
    below = rows[top + 1 :]
    if len(below) > 1 and all(cell.startswith(IMPORT_ID) for cell in below[1].cells) and len(below[1].cells) == width:
        after = below[2].line if len(below) > 2 else below[1].line + 1
        start = _start(rows[top].cells, rows[top].line, 3, after)
        start.remarks.append((rows[top].line, "the header has 3 rows (Qualtrics); the first has the column names"))
        return _with_preamble_remark(start, rows, top)
    kinds = _column_kinds(data, width)
    if _is_header(rows[top].cells, kinds, data):
        height = 1
        while height < MOST_HEADER_ROWS and top + height < len(rows) and _is_header_too(rows, top, height, width):
            height += 1
        names = [
            " ".join(filter(None, (row.cells[place].strip() for row in rows[top : top + height])))
            for place in range(width)
        ]
        after = rows[top + height].line if top + height < len(rows) else rows[top + height - 1].line + 1
        start = replace(_start(names, rows[top].line, height, after), named=_is_surely_header(rows[top].cells, kinds))
        if height > 1:
            start.remarks.append((rows[top].line, f"the header has {height} rows; their names were joined"))
        return _with_preamble_remark(start, rows, top)
    before = rows[top - 1] if top else None
    if before and lines and rows[top].line - before.line == 1:
        found = _unequal_header(lines[before.line - 1], before.cells, width, rows[top:])
        if found is not None:
            fitted, remark = found
            start = _start(fitted, before.line, 1, rows[top].line)
            start.remarks.append((before.line, remark))
            return _with_preamble_remark(start, rows, top - 1)
    # Without a header the first rows may be records; those of another width are rejected.
    start = _start(_numbered(width), None, 0, rows[0].line)
    start.remarks.append((None, "no header was found; columns are numbered"))
    return start


def _table_top(rows: list[Row], width: int) -> int:
    """Return the index of the first row that has the usual number of cells and is not mostly empty."""
    wide = [at for at, row in enumerate(rows[:PREAMBLE_LINES]) if len(row.cells) == width]
    if not wide:
        return 0
    full = [sum(bool(cell.strip()) for cell in rows[at].cells) for at in wide[:20]]
    least = 0 if width < 3 else width // 3
    if max(full) > 0.75 * width or width < 3:
        for at, filled in zip(wide, full, strict=False):
            if filled > least:
                return at
    return wide[0]


def _column_kinds(rows: list[Row], width: int) -> list[str | None]:
    """Return the kind of most cells per column; None for text, and for columns without a kind of at least 80 %."""
    kinds: list[str | None] = []
    usual = [row.cells for row in rows if len(row.cells) == width]
    for place in range(width):
        counts = Counter(kind_of(cells[place]) for cells in usual)
        for nothing in ("empty", "null"):
            counts.pop(nothing, None)
        kind, count = counts.most_common(1)[0] if counts else (None, 0)
        kinds.append(kind if kind != "text" and count >= MOSTLY * counts.total() else None)
    return kinds


def _is_header(cells: list[str], kinds: list[str | None], data: list[Row]) -> bool:
    """Score a row as header by comparing its cells with the cells below.

    A text above numbers is evidence for a header, a number above numbers is evidence against it. If all columns are
    text, the row is a header if none of its cells recurs below.
    """
    if not data:
        return not any(kind_of(cell) in TYPED for cell in cells)
    here = [kind_of(cell) for cell in cells]
    evidence_for = evidence_against = 0.0
    for kind, below in zip(here, kinds, strict=False):
        if below is None or kind in {"empty", "null"}:
            continue
        weight = 1.0 if below in TYPED else 0.5
        if kind == below or (kind in TYPED and below in TYPED):
            evidence_against += weight
        elif kind in {"text", "code"}:
            evidence_for += weight
    if evidence_for == evidence_against == 0:
        below_cells = [{row.cells[at].strip() for row in data if at < len(row.cells)} for at in range(len(cells))]
        return not any(cell.strip() and cell.strip() in seen for cell, seen in zip(cells, below_cells, strict=True))
    if evidence_against and _are_years(cells, here):
        return True
    return evidence_for > evidence_against


def _is_surely_header(cells: list[str], kinds: list[str | None]) -> bool:
    """Return whether no cell of a header is a number, date or the like, and at least one is above such a column."""
    here = [kind_of(cell) for cell in cells]
    over = any(below in TYPED and kind in {"text", "code"} for kind, below in zip(here, kinds, strict=False))
    return over and not TYPED.intersection(here)


def _are_years(cells: list[str], kinds: list[str]) -> bool:
    """Return whether the numbers among ``cells`` are consecutive years, as in a pivot table header."""
    numbers = [cell.strip() for cell, kind in zip(cells, kinds, strict=True) if kind == "number"]
    if len(numbers) < LEAST_YEARS or not all(number.isdecimal() for number in numbers):
        return False
    values = [int(number) for number in numbers]
    return values == list(range(values[0], values[0] + len(values))) and values[0] in PLAUSIBLE_YEARS


def _is_header_too(rows: list[Row], top: int, height: int, width: int) -> bool:
    """Return whether the row ``height`` below ``top`` belongs to the header: text above at least two typed columns."""
    row = rows[top + height]
    data = rows[top + height + 1 :]
    if len(row.cells) != width or not data:
        return False
    if row.cells == rows[top].cells:
        return True
    here = [kind_of(cell) for cell in row.cells]
    if not {*here} <= {"text", "empty"}:
        return False
    kinds = _column_kinds(data, width)
    return sum(kind == "text" and below in TYPED for kind, below in zip(here, kinds, strict=True)) >= 2


def _unequal_header(line: str, cells: list[str], width: int, data: list[Row]) -> tuple[Sequence[str], str] | None:
    """Fit a header with a different number of names to the columns; None if it is not a header."""
    if len(cells) == width - 1 and len(data) > 1 and _counts_rows(data, width):
        return ["", *cells], "the first column has no name and counts the rows (row names of R)"
    for delimiter in OTHER_DELIMITERS:
        names = next(iter(split_rows([line.removesuffix("\r")], delimiter, '"')), [])
        if len(names) == width and len(cells) < width and len(set(names)) == width and all(map(str.strip, names)):
            return names, "the header and the data have different delimiters"
    if len(cells) < max(2, width // 2) or any(kind_of(cell) in TYPED for cell in cells):
        return None
    trailing = not any(any(row.cells[len(cells) : width]) for row in data)
    if len(cells) < width and trailing and not any('"' in cell for cell in cells):
        return [*cells, *[""] * (width - len(cells))], "the records end with a delimiter, the header does not"
    fitting, remark = _fitting_names(cells, width)
    if fitting is None:
        return _numbered(width), f"the header has {len(cells)} names for {width} columns; columns are numbered"
    return fitting, remark


def _counts_rows(data: list[Row], width: int) -> bool:
    """Return whether the first cells of the records are 1, 2, 3 and so on."""
    first = [row.cells[0].strip() for row in data if len(row.cells) == width]
    return first == [str(number) for number in range(1, len(first) + 1)]


def _fitting_names(names: Sequence[str], width: int) -> tuple[Sequence[str] | None, str]:
    """Fit names to a number of columns by removing empty names only."""
    if len(names) == width:
        return names, ""
    filled = [name for name in names if name.strip()]
    if len(names) > width and len(filled) == width:
        return filled, f"{len(names) - width} empty name in the header was removed"
    return None, ""


def _numbered(width: int) -> list[str]:
    return [f"column_{place}" for place in range(1, width + 1)]


def _start(names: Sequence[str], header_line: int | None, header_rows: int, first_line: int) -> TableStart:
    columns, remarks = unique_names(names)
    located: list[tuple[int | None, str]] = [(header_line, remark) for remark in remarks]
    repeated = repeated_names(names, columns)
    return TableStart(columns, header_line, header_rows, first_line, located, repeated=repeated)


def _with_preamble_remark(start: TableStart, rows: list[Row], top: int) -> TableStart:
    if top == 0:
        return start
    remark = (
        rows[0].line,
        f"{top} lines before the table were skipped" if top > 1 else "a line before the table was skipped",
    )
    return replace(start, remarks=[remark, *start.remarks])
