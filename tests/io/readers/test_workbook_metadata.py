"""What a sheet shows beyond its stored values is read, or gives a remark."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from ckm.errors import CkmError, UsageError
from ckm.io.mapping.convert import Converted
from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.proposal import propose_mapping
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source
from ckm.io.values.numbers import NumberStyle, parse_numbers

HEADER = ["order_id", "customer_id", "ordered_at", "net"]


def book(path: Path, fill: Callable[[Any, Any], None], **options: Any) -> Path:
    """Write a workbook with a sheet that has a header; ``fill`` writes its records."""
    with xlsxwriter.Workbook(path, options) as written:
        sheet = written.add_worksheet("Orders")
        sheet.write_row(0, 0, HEADER)
        fill(written, sheet)
    return path


def read(path: Path, **hints: Any) -> tuple[list[dict[str, Any]], str, tuple[str, ...]]:
    with open_source(path, Hints(**hints)) as source:
        rows = [row for batch in source.batches() for row in batch.records.to_dicts()]
        return rows, "\n".join(text for _, text in source.problems), source.format.numeric


def test_merged_texts_are_copied_to_every_row_and_numbers_only_to_the_first(tmp_path: Path) -> None:
    def fill(written: Any, sheet: Any) -> None:
        for row in range(1, 5):
            beside = [None if row < 4 else "C4", "2025-03-04", None if row < 3 else float(row)]
            sheet.write_row(row, 0, [f"A{row}", *beside])
        sheet.merge_range(1, 1, 3, 1, "C1")
        sheet.merge_range(1, 3, 2, 3, 30.5)

    rows, said, _ = read(book(tmp_path / "a.xlsx", fill))
    assert [row["customer_id"] for row in rows] == ["C1", "C1", "C1", "C4"]
    assert [row["net"] for row in rows] == ["30.5", None, "3", "4"]
    assert "merged cells" in said


def test_a_merged_header_is_not_a_record(tmp_path: Path) -> None:
    def fill(written: Any, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 1, "order_id")
        sheet.write_row(1, 0, ["A1", "C1", "2025-03-04", 1.5])

    rows, said, _ = read(book(tmp_path / "a.xlsx", fill))
    assert [row["net"] for row in rows] == ["1.5"]
    assert "merged" not in said


def test_formulas_without_a_value_are_counted(tmp_path: Path) -> None:
    def fill(written: Any, sheet: Any) -> None:
        for row in range(1, 4):
            sheet.write_row(row, 0, [f"A{row}", None, "2025-03-04", 1.5])
            sheet.write_formula(row, 1, '="C"&1', None, "C1" if row == 3 else "")

    rows, said, _ = read(book(tmp_path / "a.xlsx", fill))
    assert [row["customer_id"] for row in rows] == [None, None, "C1"]
    assert "2 formulas have no stored value" in said


def test_hidden_sheets_are_not_chosen_and_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as written:
        for name in ("Lookup", "Orders", "Old"):
            sheet = written.add_worksheet(name)
            sheet.write_row(0, 0, HEADER)
            sheet.write_row(1, 0, [name, "C1", "2025-03-04", 1.5])
            if name == "Lookup":
                sheet.hide()
            if name == "Orders":
                sheet.activate()
                sheet.set_first_sheet()
    rows, said, _ = read(path)
    assert [row["order_id"] for row in rows] == ["Orders"]
    assert "hidden sheets with data were not read: 'Lookup'" in said
    assert "sheets with the same columns were not: 'Old'" in said
    assert read(path, sheet="Lookup")[0][0]["order_id"] == "Lookup"


def formatted(path: Path, *codes: str | int) -> Path:
    """Write an order per number format; an integer is the index of a built-in format."""

    def fill(written: Any, sheet: Any) -> None:
        sheet.set_column(3, 3, None, written.add_format({"num_format": codes[-1]}))
        sheet.write(0, 3, "net", written.add_format({"num_format": '0 "kr"'}))
        for row, code in enumerate(codes, start=1):
            sheet.write_row(row, 0, [f"A{row}", "C1", f"2025-03-{row:02}"])
            sheet.write_number(row, 3, 0.105, written.add_format({"num_format": code}))

    return book(path, fill)


def converted(path: Path, currency: str = "EUR") -> Converted:
    with open_source(path) as source:
        found = source.format
        conversion = plan_conversion(
            propose_mapping(found.columns, "transactions", default_currency=currency, sample=source.sample).mapping,
            found,
            source.sample,
            more=lambda: (batch.records for batch in source.batches()),
            default_currency=currency,
        )
        [batch] = source.batches()
        return conversion.apply(batch.records)


def test_number_formats_with_leading_zeros_give_a_remark(tmp_path: Path) -> None:
    assert "leading zeros" in read(formatted(tmp_path / "a.xlsx", "00000"))[1]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("#,##0.00 [$USD]", ("USD",)),
        ("[$฿-41E]#,##0.00", ("฿",)),
        ("€ 0.00", ("€",)),
        ("#,##0.00\\ \\€;[Red]-#,##0.00\\ \\€", ("€",)),
        ('#,##0.00 "kr."', ("kr",)),
        ('_-* #,##0.00 "€"_-;-* #,##0.00 "€"_-', ("€",)),
        ("_-* #,##0.00 _€_-;-* #,##0.00 _€_-", ()),
        ("[$-409]0.00", ()),
        ("#,##0.00", ()),
        ("0.0%", ("%",)),
        (9, ("%",)),
        (10, ("%",)),
    ],
)
def test_signs_and_words_of_number_formats_are_read(tmp_path: Path, code: str | int, shown: tuple[str, ...]) -> None:
    with open_source(formatted(tmp_path / "a.xlsx", code)) as source:
        assert dict(source.format.shown).get("net", ()) == shown
        assert source.sample["net"].to_list() == ["0.105"]


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (["0.00 [$€-407]", "[$$-409]0.00", "0.00 [$€-407]"], "several currencies: '\\$', '€'"),
        (["[$$-409]0.00", "0.00"], "marked as '\\$'"),
        (['0.00 "kr"'], "marked as 'kr'"),
        (["0.0%", 10, "0.00"], "column 'net' contains percentages"),
    ],
)
def test_a_currency_in_a_number_format_is_refused_like_one_in_text(
    tmp_path: Path, codes: list[str | int], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        converted(formatted(tmp_path / "a.xlsx", *codes))


@pytest.mark.parametrize(("code", "currency"), [("[$$-409]0.00", "USD"), ('0.00 "kr"', "SEK"), ("€ 0.00", "EUR")])
def test_a_number_format_in_the_given_currency_is_accepted(tmp_path: Path, code: str, currency: str) -> None:
    frame = converted(formatted(tmp_path / "a.xlsx", code, "0.00"), currency).frame
    assert frame.select("net", "currency").rows() == [(0.105, currency)] * 2


def test_a_percentage_among_amounts_fails_like_one_in_text(tmp_path: Path) -> None:
    result = converted(formatted(tmp_path / "a.xlsx", "0.00", "0.0%", "0.00"))
    assert result.frame["net"].to_list() == [0.105, None, 0.105]
    assert read(tmp_path / "a.xlsx")[0][1]["net"] == "10.5%"


def test_plain_workbooks_give_no_remarks(tmp_path: Path) -> None:
    def fill(written: Any, sheet: Any) -> None:
        sheet.write_row(1, 0, ["A1", "C1", "2025-03-04"])
        sheet.write_number(1, 3, 42.5, written.add_format({"num_format": "#,##0.00"}))

    assert read(book(tmp_path / "a.xlsx", fill))[1] == ""


@pytest.mark.parametrize("from_1904", [False, True])
def test_the_1904_date_system_gives_a_remark(tmp_path: Path, from_1904: bool) -> None:
    def fill(written: Any, sheet: Any) -> None:
        sheet.write_row(1, 0, ["A1", "C1", 44258, 1.5])

    path = book(tmp_path / "a.xlsx", fill, date_1904=from_1904)
    assert ("uses the 1904 date system" in read(path)[1]) == from_1904
    with open_source(path) as source:
        assert source.format.from_1904 == from_1904


def test_number_cells_are_distinguished_from_texts(tmp_path: Path) -> None:
    def fill(written: Any, sheet: Any) -> None:
        sheet.write_row(1, 0, ["A1", "1.125", "2025-03-04", 1.125])
        sheet.write_row(2, 0, ["A2", "2.375", "2025-03-04", 1234.567])

    rows, _, numeric = read(book(tmp_path / "a.xlsx", fill))
    assert numeric == ("net",)
    assert [row["net"] for row in rows] == ["1.125", "1234.567"]


def test_numbers_beside_texts_keep_their_point(tmp_path: Path) -> None:
    def fill(written: Any, sheet: Any) -> None:
        for row, amount in enumerate([1.125, "12,50", "1.234,5", 1234.567, 3, 0.5], start=1):
            sheet.write_row(row, 0, [f"A{row}", "C1", "2025-03-04", amount])

    with open_source(book(tmp_path / "a.xlsx", fill)) as source:
        [batch] = source.batches()
    assert parse_numbers(batch.records["net"], NumberStyle(",")).to_list() == [1.125, 12.5, 1234.5, 1234.567, 3, 0.5]


def test_columns_with_duplicate_names_are_reported(tmp_path: Path) -> None:
    def fill(written: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["order_id", "net", "ordered_at", "net"])
        sheet.write_row(1, 0, ["A1", 1.5, "2025-03-04", 2.5])

    with open_source(book(tmp_path / "a.xlsx", fill)) as source:
        assert source.format.repeated == (("net", "net_2"),)


@pytest.mark.parametrize(
    ("kind", "told"), [("spreadsheet", "damaged"), ("text", "OpenDocument file contains no sheets"), (None, "2 files")]
)
def test_open_documents_without_sheets_are_named_in_the_error(tmp_path: Path, kind: str | None, told: str) -> None:
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}" if kind else "application/epub+zip")
        written.writestr("content.xml", "<a/>")
    with pytest.raises(CkmError, match=told):
        open_source(path)
