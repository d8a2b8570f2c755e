r"""Write frames in machine-readable formats and Markdown.

Values are unformatted: ISO dates and times with offset, numbers without separators; UTF-8, ``\n`` line ends. In formats
without lists (CSV, TSV, Markdown, Excel), a list is joined by ``"; "`` and a nested value is JSON.

Formulas in CSV and TSV are escaped (:mod:`ckm.render.cells`). Excel files need no escape, since they store texts as
texts.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from ckm.errors import UnknownNameError, UsageError
from ckm.files import temporary_folder
from ckm.paths import openable
from ckm.plaintext import harmless, printable
from ckm.render.cells import FORMULA_START, LIST_SEPARATOR, PLAIN_NUMBER, SEPARATORS, markdown_table, shown
from ckm.render.rows import ResultTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXCEL_MAX_ROWS = 1_048_576
EXCEL_CREATED = datetime(2000, 1, 1)
"""Fixed creation time of workbooks, so that equal runs write equal bytes."""
SHEET = "ckm"
"""Name of the only worksheet of a workbook."""
NOT_XML = {"\ufffe": "\\ufffe", "\uffff": "\\uffff"}


def render(table: pl.DataFrame, suffix: str, *, formats: Mapping[str, str] | None = None, protect: bool = True) -> str:
    """Return ``table`` as the text of a ``.csv .tsv .json .ndjson`` or ``.md`` file.

    Parameters
    ----------
    table
        A data frame. Without rows, the output is a header or ``[]``.
    suffix
        The format, named by its file suffix.
    formats
        ``str.format`` templates per column; used for Markdown only.
    protect
        Whether to escape formulas in text columns of CSV and TSV.
    """
    match suffix:
        case ".json":
            # one row per line: small, and a diff shows the changed rows
            return "[\n" + _ndjson(table).rstrip("\n").replace("\n", ",\n") + "\n]\n" if table.height else "[]\n"
        case ".ndjson":
            return _ndjson(table) if table.height else ""
        case ".md":
            return _markdown(table, formats or {})
        case ".csv" | ".tsv":
            return _for_spreadsheets(table, protect).write_csv(separator=SEPARATORS[suffix])
        case _:
            raise UnknownNameError("file format", suffix, [*SEPARATORS, ".json", ".ndjson", ".md", ".parquet", ".xlsx"])


def save(
    table: pl.DataFrame,
    path: Path,
    suffix: str,
    *,
    title: str | None = None,
    formats: Mapping[str, str] | None = None,
    protect: bool = True,
) -> None:
    """Write ``table`` to the file ``path`` in the format of ``suffix``; equal tables give equal bytes."""
    match suffix:
        case ".parquet":
            table.write_parquet(openable(path))
        case ".xlsx":
            _save_excel(table, path, title=title)
        case ".csv" | ".tsv":
            _for_spreadsheets(table, protect).write_csv(openable(path), separator=SEPARATORS[suffix])
        case _:
            text = render(table, suffix, formats=formats)
            path.write_text(text, encoding="utf-8", newline="\n")


def flatten(table: pl.DataFrame) -> pl.DataFrame:
    """Return ``table`` with times as ISO texts and nested values as texts."""
    return table.with_columns(_flat(name, dtype) for name, dtype in table.schema.items())


def as_rows(table: pl.DataFrame) -> ResultTable:
    """Return a frame as a :class:`ResultTable`, for :mod:`ckm.render.screen`."""
    kinds = {name: float if dtype.is_numeric() else str for name, dtype in table.schema.items()}
    return ResultTable(kinds, flatten(table).rows())


def _flat(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.f%:z" if dtype.time_zone else "%Y-%m-%dT%H:%M:%S%.f")
    if isinstance(dtype, pl.Duration):
        return column.dt.to_string("iso")
    if isinstance(dtype, pl.Binary):
        return column.bin.encode("hex")
    if not dtype.is_nested():
        return column
    if isinstance(dtype, pl.List) and not dtype.inner.is_nested():
        return column.cast(pl.List(pl.String)).list.join(LIST_SEPARATOR)
    # polars writes only records as JSON: the value becomes a record, whose braces and key are removed
    record = pl.struct(column.alias("_")).struct.json_encode()
    return pl.when(column.is_not_null()).then(record.str.slice(len('{"_":')).str.head(-1)).alias(name)


def _ndjson(table: pl.DataFrame) -> str:
    return table.with_columns(cs.binary().bin.encode("hex")).write_ndjson()


def _for_spreadsheets(table: pl.DataFrame, protect: bool) -> pl.DataFrame:
    flat = flatten(table)
    if not protect:
        return flat
    text = cs.string()
    risky = text.str.contains(FORMULA_START) & ~text.str.contains(PLAIN_NUMBER)
    safe = flat.with_columns(pl.when(risky).then(pl.lit("'") + text).otherwise(text).name.keep())
    return safe.rename(lambda name: f"'{name}" if re.match(FORMULA_START, name) else name)


def _markdown(table: pl.DataFrame, formats: Mapping[str, str]) -> str:
    templates = [formats.get(name, "{}") for name in table.columns]
    rows = ([shown(cell, how) for cell, how in zip(row, templates, strict=True)] for row in flatten(table).iter_rows())
    return markdown_table(table.columns, [dtype.is_numeric() for dtype in table.dtypes], rows)


def _save_excel(table: pl.DataFrame, path: Path, *, title: str | None) -> None:
    if table.height >= EXCEL_MAX_ROWS:
        raise UsageError(
            f"{table.height:,} rows do not fit an Excel sheet ({EXCEL_MAX_ROWS - 1:,} and a header)",
            hint="write .csv or .parquet",
        )
    from xlsxwriter import Workbook

    # Excel has no time zones: times are written in UTC, as in the store
    naive = flatten(table.select(cs.all() - cs.datetime())) if table.width else table
    times = table.select(
        pl.col(name).dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else pl.col(name)
        for name, dtype in table.schema.items()
        if isinstance(dtype, pl.Datetime)
    )
    # xlsxwriter escapes control characters, but not characters that XML forbids: Excel would refuse the file
    sheet = (
        pl.concat([naive, times], how="horizontal")
        .select(table.columns)
        .with_columns(cs.string().str.replace_many(list(NOT_XML), list(NOT_XML.values())))
    )
    names = {name: printable(name) for name in table.columns}
    sheet = sheet.rename(names) if len(set(names.values())) == len(names) else sheet
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
        "tmpdir": str(temporary_folder()),  # place of the rows until the workbook is closed
    }
    with Workbook(path, options) as book:
        book.set_properties({"title": harmless(title or ""), "created": EXCEL_CREATED})
        sheet.write_excel(book, worksheet=SHEET, freeze_panes=(1, 0), autofit=table.height <= 10_000)
