"""An analysis of a file says which sheet it reads and in which time zone its days are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import xlsxwriter

from ckm.dataset import open_dataset
from ckm.errors import UsageError
from ckm.ingest.options import IngestOptions

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ["order_id", "customer_id", "ordered_at", "net"]


def test_the_sheets_that_are_not_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Info").write_row(0, 0, ["Report", "Orders"])
        sheet = book.add_worksheet("Orders")
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["A1", "C1", "2025-03-04", 1.5])
    found = open_dataset(path)
    assert found.transactions.collect().height == 1
    assert any("'Orders' was read" in text and "'Info'" in text for text in found.remarks)


def test_a_refused_sheet_names_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Towns").write_row(0, 0, ["town", "country", "height"])
        book.add_worksheet("Orders").write_row(0, 0, HEADER)
    with pytest.raises(UsageError) as refused:
        open_dataset(path)
    assert "--sheet: 'Orders'" in str(refused.value.hint)


def test_days_in_utc_are_named_with_the_option_that_sets_their_zone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{','.join(HEADER)}\nA1,C1,2025-01-03 20:00:00 +0700,10.50\n")
    assert any("offset +07:00: set --time-zone" in text for text in open_dataset(path).remarks)
    settled = open_dataset(path, options=IngestOptions(time_zone="Asia/Bangkok"))
    assert not any("days are in UTC" in text for text in settled.remarks)
