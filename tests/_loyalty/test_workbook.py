"""The report as a workbook: numbers as numbers, texts as texts, and the same bytes twice."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest

from ckm._loyalty.words import load_words
from ckm._loyalty.workbook import write_workbook
from ckm.metrics.metric import Metric, Metrics
from tests._loyalty.example_loyalty import example_metrics, example_report


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["de", "fa"])
def test_a_sheet_per_section_and_all_metrics(tmp_path: Path, lang: str) -> None:
    write_workbook(example_report(), tmp_path / "report.xlsx", lang)
    sheets = pl.read_excel(tmp_path / "report.xlsx", sheet_id=0, has_header=False)
    words = load_words(lang)
    assert len(sheets) == 9
    assert [*sheets][6:] == [words.say(f"sheet.{name}") for name in ("loyal", "metrics", "definitions")]
    with ZipFile(tmp_path / "report.xlsx") as archive:
        first = archive.read("xl/worksheets/sheet1.xml").decode()
    assert ('rightToLeft="1"' in first) == (lang == "fa")


@pytest.mark.slow
def test_the_sheet_of_measures_is_the_table_that_machines_read(tmp_path: Path) -> None:
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
    assert all(len(name) <= 31 for name in names)
