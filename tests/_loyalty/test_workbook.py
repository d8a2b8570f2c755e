"""The workbook: number formats, texts that are no formulas, page setup, and equal bytes for equal reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from zipfile import ZipFile

import polars as pl
import pytest

from ckm._loyalty.words import load_words
from ckm._loyalty.workbook import (
    LINE_HEIGHT,
    LONGEST_NAME,
    MOST_WIDTH,
    money_format,
    sheet_name,
    width_of,
    write_workbook,
)
from ckm.metrics.catalogue import SECTIONS, load_catalogue
from ckm.metrics.metric import Metric, Metrics
from ckm.names import LANGUAGES
from tests._loyalty.example_loyalty import example_metrics, example_report

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


class Cell(NamedTuple):
    """Value of a cell and its number format."""

    value: str | float
    shown: str


class Sheet(NamedTuple):
    """Content and settings of a sheet, from its XML."""

    cells: list[dict[int, Cell]]
    widths: dict[int, float]
    is_frozen: bool
    filters: str
    is_mirrored: bool
    heights: list[float | None]
    page: tuple[str | None, ...]


def opened(path: Path) -> dict[str, Sheet]:
    """Read a workbook by the standard: names, cells with their number formats, panes and filters."""
    with ZipFile(path) as archive:

        def read(name: str) -> ElementTree.Element:
            return ElementTree.fromstring(archive.read(name))

        strings = ["".join(part.text or "" for part in each.iter(f"{MAIN}t")) for each in read("xl/sharedStrings.xml")]
        styles = read("xl/styles.xml")
        codes = {each.get("numFmtId"): each.get("formatCode") or "" for each in styles.iter(f"{MAIN}numFmt")}
        looks = [
            codes.get(each.get("numFmtId"), each.get("numFmtId") or "") for each in styles.find(f"{MAIN}cellXfs") or ()
        ]
        names = [each.get("name") or "" for each in read("xl/workbook.xml").iter(f"{MAIN}sheet")]
        return {
            name: _sheet(read(f"xl/worksheets/sheet{number}.xml"), strings, looks)
            for number, name in enumerate(names, 1)
        }


def _sheet(root: ElementTree.Element, strings: list[str], looks: list[str]) -> Sheet:
    rows, heights = [], []
    for row in root.iter(f"{MAIN}row"):
        cells = {}
        for cell in row.iter(f"{MAIN}c"):
            value, letters = cell.find(f"{MAIN}v"), (cell.get("r") or "").rstrip("0123456789")
            column = 0
            for letter in letters:
                column = column * 26 + ord(letter) - 64
            if value is not None and value.text is not None:
                is_text = cell.get("t") == "s"
                shown = looks[int(cell.get("s") or 0)]
                cells[column - 1] = Cell(strings[int(value.text)] if is_text else float(value.text), shown)
        rows.append(cells)
        heights.append(float(row.get("ht") or 0) or None)
    page = root.find(f"{MAIN}pageSetup")
    assert page is not None
    pane, filters, view = root.find(f".//{MAIN}pane"), root.find(f"{MAIN}autoFilter"), root.find(f".//{MAIN}sheetView")
    return Sheet(
        rows,
        {
            column - 1: float(each.get("width") or 0)
            for each in root.iter(f"{MAIN}col")
            for column in range(int(each.get("min") or 0), int(each.get("max") or 0) + 1)
        },
        pane is not None and pane.get("ySplit") == "1" and pane.get("state") == "frozen",
        "" if filters is None else filters.get("ref") or "",
        view is not None and view.get("rightToLeft") == "1",
        heights,
        tuple(page.get(key) for key in ("orientation", "paperSize", "fitToHeight")),
    )


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["de", "fa"])
def test_a_sheet_per_section_and_all_metrics(tmp_path: Path, lang: str) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx", lang)
    sheets = pl.read_excel(tmp_path / "report.xlsx", sheet_id=0, has_header=False)
    words = load_words(lang)
    keys = (*(f"section.{name}" for name in SECTIONS), "sheet.loyal", "sheet.metrics", "sheet.definitions")
    assert [*sheets] == [sheet_name(words.say(key)) for key in ("sheet.overview", *keys)]
    with ZipFile(tmp_path / "report.xlsx") as archive:
        first = archive.read("xl/worksheets/sheet1.xml").decode()
    assert ('rightToLeft="1"' in first) == (lang == "fa")


@pytest.mark.slow
def test_the_sheet_of_metrics_equals_the_machine_format(tmp_path: Path) -> None:
    report = example_report()
    write_workbook(report, tmp_path / "report.xlsx")
    sheet = pl.read_excel(tmp_path / "report.xlsx", sheet_name="Metrics", infer_schema_length=None)
    table = report.metrics.table()
    assert sheet.columns == table.columns
    assert sheet["value"].cast(pl.Float64).to_list() == pytest.approx(table["value"].to_list())


@pytest.mark.slow
def test_equal_reports_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_workbook(example_report(), tmp_path / f"{name}.xlsx", "th")
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


@pytest.mark.slow
def test_a_text_that_looks_like_a_formula_stays_a_text(tmp_path: Path) -> None:
    evil = Metric("customers_active", 7.0, (("channel", '=HYPERLINK("http://example.org")'),))
    loyal = example_report().loyal.with_columns(customer_id=pl.lit("=1+1"))
    report = example_report(metrics=Metrics([*example_metrics(), evil]), loyal=loyal)
    write_workbook(report, tmp_path / "report.xlsx")
    with ZipFile(tmp_path / "report.xlsx") as archive:
        for name in archive.namelist():
            assert "<f>" not in archive.read(name).decode()
            assert "hyperlink" not in archive.read(name).decode()


@pytest.mark.slow
def test_two_sections_of_one_name_get_two_sheets(tmp_path: Path) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx")
    names = [*pl.read_excel(tmp_path / "report.xlsx", sheet_id=0)]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(len(name) <= LONGEST_NAME for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sheet_is_a_table_whose_header_stays_and_filters_and_whose_texts_fit(tmp_path: Path, lang: str) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx", lang)
    for name, sheet in opened(tmp_path / "report.xlsx").items():
        header, *rows = sheet.cells
        last = chr(ord("A") + len(header) - 1)
        assert sheet.is_frozen, name
        assert sheet.filters == f"A1:{last}{len(sheet.cells)}", name
        assert rows, name
        assert sheet.is_mirrored == (lang == "fa")
        for row in sheet.cells:
            for column, cell in row.items():
                if isinstance(cell.value, str):
                    assert width_of(cell.value) < sheet.widths[column] or sheet.widths[column] >= MOST_WIDTH, name


def test_a_wrapped_text_has_a_row_as_high_as_its_lines(tmp_path: Path) -> None:
    """LibreOffice shows one line of a row without a height."""
    write_workbook(example_report(), tmp_path / "report.xlsx")
    for sheet in opened(tmp_path / "report.xlsx").values():
        for row, height in zip(sheet.cells[1:], sheet.heights[1:], strict=True):
            widest = max((width_of(cell.value) for cell in row.values() if isinstance(cell.value, str)), default=0)
            assert (height or LINE_HEIGHT) >= LINE_HEIGHT * -(-widest // MOST_WIDTH)


def test_a_sheet_is_printed_one_page_wide_on_a4(tmp_path: Path) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx")
    assert {sheet.page for sheet in opened(tmp_path / "report.xlsx").values()} == {("landscape", "9", "0")}


def test_a_slice_of_a_dimension_is_written_in_words(tmp_path: Path) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx")
    sheet = opened(tmp_path / "report.xlsx")["What changed and why"]
    slices = {str(row[1].value) for row in sheet.cells[1:] if 1 in row}
    assert "party type: Companies" in slices
    assert not [text for text in slices if "dimension" in text]


@pytest.mark.slow
def test_a_number_is_shown_in_its_unit_and_currency(tmp_path: Path) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx")
    sheets, words = opened(tmp_path / "report.xlsx"), load_words("en")
    by_title = {each.title: each for each in load_catalogue()}
    shown: dict[str, set[str]] = {}
    for section in SECTIONS:
        for row in sheets[sheet_name(words.say(f"section.{section}"))].cells[1:]:
            if 2 in row:
                shown.setdefault(by_title[str(row[0].value)].unit, set()).add(row[2].shown)
    assert shown["money"] == {"#,##0.00 [$EUR]"}
    assert shown["share"] == {"0.0%"}
    assert shown["customers"] == {"#,##0"}
    assert shown["days"] == {"#,##0.0"}


@pytest.mark.parametrize(
    ("currency", "shown"), [("EUR", "#,##0.00 [$EUR]"), ("JPY", "#,##0 [$JPY]"), ("KWD", "#,##0.000 [$KWD]")]
)
def test_money_has_the_decimals_of_its_currency(currency: str, shown: str) -> None:
    assert money_format(currency) == shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calendar", "lang", "text"),
    [("gregorian", "en", None), ("persian", "fa", "۹ تیر ۱۴۰۵"), ("buddhist", "th", "30 มิ.ย. 2569")],
)
def test_a_day_is_a_date_and_in_another_calendar_a_text_beside_it(
    tmp_path: Path, calendar: str, lang: str, text: str | None
) -> None:
    loyal = example_report().loyal.with_columns(last_purchase=date(2026, 6, 30))
    write_workbook(replace(example_report(loyal=loyal), calendar=calendar), tmp_path / "report.xlsx", lang)
    words = load_words(lang)
    sheet = opened(tmp_path / "report.xlsx")[words.say("sheet.loyal")]
    column = next(at for at, cell in sheet.cells[0].items() if cell.value == words.say("column.last_purchase"))
    assert sheet.cells[1][column] == Cell((date(2026, 6, 30) - date(1899, 12, 30)).days, "yyyy-mm-dd")
    beside = sheet.cells[1][column + 1].value
    assert (str(beside).replace("\xa0", " ") == text) == (text is not None)


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_code_is_left_in_a_slice_and_a_month_is_written_out(tmp_path: Path, lang: str) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx", lang)
    sheets, words = opened(tmp_path / "report.xlsx"), load_words(lang)
    slices = [
        str(row[1].value)
        for section in SECTIONS
        for row in sheets[sheet_name(words.say(f"section.{section}"))].cells[1:]
    ]
    assert not [text for text in slices if "after_as_of" in text or "without_customer" in text or "2026-06" in text]


@pytest.mark.slow
def test_the_overview_has_the_lead_and_every_finding_and_an_empty_section_has_no_sheet(tmp_path: Path) -> None:
    some = [each for each in example_metrics() if load_catalogue()[each.name].section != "loyalty"]
    write_workbook(example_report(metrics=Metrics(some)), tmp_path / "report.xlsx")
    sheets, words = opened(tmp_path / "report.xlsx"), load_words("en")
    assert words.say("section.loyalty") not in sheets
    first = next(iter(sheets.values()))
    lines = [(row[0].value, row[1].value) for row in first.cells[1:]]
    assert "revenue" in str(lines[0][1]).lower()
    assert {section for section, _ in lines[1:]} >= {words.say(f"section.{name}") for name in ("changed", "loyalty")}


def test_a_wide_letter_counts_twice_and_a_mark_above_one_not_at_all() -> None:
    assert [width_of(text) for text in ("abc", "客户", "กี่", "تیر", "")] == [3, 4, 1, 3, 0]
