"""A small workbook that would fill the memory is refused before it is read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ckm.io.readers.workbook_size import LONGEST_TEXT, MOST_CELLS, MOST_TEXT
from tests.conftest import Run

SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
Change = Callable[[bytes], bytes]


def workbook(path: Path, **changes: Change) -> Path:
    """Write a valid workbook, then replace its sheet or its texts."""
    good = io.BytesIO()
    pl.DataFrame({"order_id": ["A1", "A2"], "net": ["1", "2"]}).write_excel(good)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            change = changes.get({SHEET: "sheet", TEXTS: "texts"}.get(name, ""), bytes)
            new.writestr(name, change(old.read(name)))
    return path


def with_rows(*rows: str) -> Change:
    return lambda xml: xml.replace(b"</sheetData>", "".join(rows).encode() + b"</sheetData>")


def cell(place: str, row: int, text: str = "x") -> str:
    return f'<row r="{row}"><c r="{place}" t="inlineStr"><is><t>{text}</t></is></c></row>'


def first_text(text: str) -> Change:
    return lambda xml: xml.replace(b"</t>", text.encode() + b"</t>", 1)


LONG = "x" * 20_000
HUGE = {
    "the last cell": {"sheet": with_rows(cell("XFD1048576", 1_048_576))},
    "a cell far off": {"sheet": with_rows(cell("ZZ200000", 200_000))},
    "a cell of its own namespace": {
        "sheet": with_rows(cell("XFD1048576", 1_048_576).replace("<c ", "<x:c ").replace("</c>", "</x:c>"))
    },
    "attributes in another order": {
        "sheet": with_rows(cell("XFD1048576", 1_048_576).replace('<c r="XFD1048576"', "<c s='0' r='XFD1048576'"))
    },
    "cells without a place": {"sheet": with_rows(f'<row r="{MOST_CELLS // 90}">', "<c><v>1</v></c>" * 100, "</row>")},
    "a long text in a cell": {"sheet": with_rows(cell("A3", 3, "x" * (LONGEST_TEXT * 4)))},
    "one text many times": {
        "texts": first_text(LONG),
        "sheet": with_rows(
            *(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(3, MOST_TEXT // len(LONG) + 9))
        ),
    },
}


@pytest.mark.parametrize("changes", HUGE.values(), ids=HUGE.keys())
def test_a_workbook_that_would_fill_the_memory_is_refused(changes: dict[str, Change], tmp_path: Path, run: Run) -> None:
    found = run("inspect", workbook(tmp_path / "book.xlsx", **changes))
    assert found.exit_code == 3
    assert "the workbook" in found.stderr
    assert "save the sheet as CSV or Parquet" in found.stderr


@pytest.mark.slow
def test_gigabytes_of_text_are_refused_before_decompression(tmp_path: Path, run: Run) -> None:
    found = run("inspect", workbook(tmp_path / "book.xlsx", texts=first_text("x" * MOST_TEXT)))
    assert found.exit_code == 3
    assert "MB of text" in found.stderr


KEPT = {
    "the last row": with_rows(cell("A1048576", 1_048_576)),
    "a long text": with_rows(cell("A4", 4, "x" * 32_767)),
    "a text about cells": with_rows(cell("A4", 4, "&lt;c r=&quot;XFD1048576&quot;")),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT.keys())
def test_ordinary_workbooks_are_read(change: Change, tmp_path: Path, run: Run) -> None:
    found = run("inspect", workbook(tmp_path / "book.xlsx", sheet=change), "-f", "json")
    assert found.exit_code == 0
    assert '"rows": 3' in found.stdout


def test_a_workbook_with_false_sizes_is_refused_as_damaged(tmp_path: Path, run: Run) -> None:
    path = workbook(tmp_path / "book.xlsx", sheet=with_rows(cell("XFD1048576", 1_048_576)))
    content = bytearray(path.read_bytes())
    at = content.rindex(SHEET.encode()) - 46  # entry of the sheet in the archive's central directory
    assert content[at : at + 4] == b"PK\x01\x02"
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    found = run("inspect", path)
    assert found.exit_code == 3
    assert "damaged" in found.stderr
