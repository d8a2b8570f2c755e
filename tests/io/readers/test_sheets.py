"""The sheet with the records of a workbook is read, whatever other sheets come before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source
from ckm.remark import Importance, importance_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOTES = [["Kontor & Blatt"], ["Orders of 2025"], ["Data on sheet 'Orders'"], ["Questions: the data team"]]
FACTS = [["Report", "Orders"], ["Created", "2025-04-01"], ["Rows", 2], ["Contact", "data team"]]
LIST = [["customer_id", "segment"], ["C1", "new"], ["C2", "active"]]
ORDERS = [["order_id", "customer_id", "ordered_at", "net"], ["A1", "C1", "2025-03-04", 1.5], ["A2", "C2", "2025-03-05"]]


def workbook(path: Path, hidden: tuple[str, ...] = (), /, **sheets: Sequence[Sequence[object]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
            if name in hidden:
                sheet.hide()
    return path


def read(path: Path, sheet: str | None = None) -> tuple[str | None, list[str]]:
    """Return the name of the sheet that is read, and the remarks."""
    with open_source(path, Hints(sheet=sheet)) as source:
        assert list(source.batches())
        return source.format.sheet, [text for _, text in source.problems]


@pytest.mark.parametrize("cover", [NOTES, FACTS], ids=["notes", "key-value pairs"])
def test_the_records_are_read_and_not_the_cover_sheet(tmp_path: Path, cover: Sequence[Sequence[object]]) -> None:
    path = workbook(tmp_path / "a.xlsx", Info=cover, Orders=ORDERS)
    sheet, said = read(path)
    assert sheet == "Orders"
    [text] = said
    assert "'Orders' was read" in text
    assert "'Info'" in text
    assert "--sheet" in text
    assert importance_of(text) is Importance.assumption
    assert read(path, "Info") == ("Info", [])


def test_a_list_of_two_columns_is_read_before_notes(tmp_path: Path) -> None:
    assert read(workbook(tmp_path / "a.xlsx", Info=NOTES, List=LIST))[0] == "List"


def test_of_two_sheets_with_records_the_first_is_read(tmp_path: Path) -> None:
    customers = [["customer_id", "name", "email"], ["C1", "x", "y"]]
    sheet, [text] = read(workbook(tmp_path / "a.xlsx", Customers=customers, Orders=ORDERS))
    assert sheet == "Customers"
    assert importance_of(text) is Importance.doubt


def test_a_hidden_sheet_with_records_is_not_read_before_a_visible_cover(tmp_path: Path) -> None:
    sheet, said = read(workbook(tmp_path / "a.xlsx", ("Orders",), Info=NOTES, Orders=ORDERS))
    assert sheet == "Info"
    assert any("hidden" in text and "'Orders'" in text for text in said)


def test_sheets_with_the_same_columns_that_are_not_read_give_a_warning(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", January=ORDERS, February=ORDERS, March=ORDERS)
    [text] = read(path)[1]
    assert "'February', 'March'" in text
    assert importance_of(text) is Importance.warning


def test_a_remark_names_at_most_five_sheets(tmp_path: Path) -> None:
    others = {f"Notes {at}": NOTES for at in range(8)}
    [text] = read(workbook(tmp_path / "a.xlsx", Orders=ORDERS, **others))[1]
    assert "'Notes 4' and 3 more" in text
    assert "'Notes 5'" not in text
