"""Every supported file is read, and any other is refused with a clear message."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import xlsxwriter

from ckm.errors import InputError, UnknownNameError, UsageError
from ckm.io.readers import archive
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source


def rows(path: Path, hints: Hints | None = None) -> list[tuple[object, ...]]:
    with open_source(path, hints) as source:
        return [row for batch in source.batches() for row in batch.records.rows()]


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """Return a typical workbook: an empty sheet, a title, ids as text, dates, and a second table."""
    path = tmp_path / "crm.xlsx"
    with xlsxwriter.Workbook(path) as book:
        day, time = (book.add_format({"num_format": shape}) for shape in ("dd.mm.yyyy", "dd.mm.yyyy hh:mm"))
        book.add_worksheet("Cover")
        sheet = book.add_worksheet("Orders")
        sheet.write(1, 0, "Orders of March")
        sheet.write_row(3, 0, ["id", "on", "at", "amount", "plz"])
        sheet.write_row(4, 0, ["00123"])
        sheet.write_datetime(4, 1, datetime(2025, 3, 4), day)
        sheet.write_datetime(4, 2, datetime(2025, 3, 4, 13, 5), time)
        sheet.write_number(4, 3, 1234.5)
        sheet.write_string(4, 4, "01067")
        sheet.write_row(6, 0, ["00124", "", "", 7])
        book.add_worksheet("Customers").write_row(0, 0, ["customer"])
    return path


def test_excel_keeps_zeros_and_writes_dates_as_iso(workbook: Path) -> None:
    with open_source(workbook) as source:
        (batch,) = source.batches()
    assert source.format.sheet == "Orders"
    assert source.format.columns == ("id", "on", "at", "amount", "plz")
    assert batch.records.rows() == [
        ("00123", "2025-03-04", "2025-03-04 13:05:00", "1234.5", "01067"),
        ("00124", None, None, "7", None),
    ]
    assert batch.lines.to_list() == [5, 7]


def test_other_sheets_with_data_are_named_and_can_be_chosen(workbook: Path) -> None:
    with open_source(workbook) as source:
        list(source.batches())
        assert any("--sheet" in text for _, text in source.problems)
    with open_source(workbook, Hints(sheet="Customers")) as source:
        assert source.format.columns == ("customer",)
    with pytest.raises(UnknownNameError, match="Order") as error:
        open_source(workbook, Hints(sheet="Order"))
    assert "Orders" in str(error.value.hint)


def test_parquet_keeps_its_types_and_comes_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ckm.io.readers import parquet

    monkeypatch.setattr(parquet, "BATCH_ROWS", 40)
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"n": range(100), "t": [f"0{n}" for n in range(100)]})
    frame.write_parquet(path)
    with open_source(path) as source:
        batches = list(source.batches())
    assert [batch.records.height for batch in batches] == [40, 40, 20]
    assert pl.concat([batch.records for batch in batches]).equals(frame)
    assert [batch.lines[0] for batch in batches] == [1, 41, 81]


def test_a_damaged_parquet_file_is_refused_with_a_message(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"n": range(100)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="damaged"):
        open_source(path)


def test_gzip_files_and_zip_archives_with_one_file_are_read(tmp_path: Path, workbook: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a;b\n1;2\n"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("folder/", "")
        file.writestr("__MACOSX/._a.csv", "junk")
        file.writestr("folder/.DS_Store", "junk")
        file.writestr("folder/a.csv", "a;b\n1;2\n")
    (tmp_path / "b.gz").write_bytes(gzip.compress(workbook.read_bytes()))
    assert rows(tmp_path / "a.csv.gz") == rows(tmp_path / "a.zip") == [("1", "2")]
    assert rows(tmp_path / "b.gz")[0][0] == "00123"


def test_unpacked_copies_are_removed(tmp_path: Path, workbook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "b.gz").write_bytes(gzip.compress(workbook.read_bytes()))
    with open_source(tmp_path / "b.gz"):
        assert len(list((tmp_path / "temporary").rglob("spool-*"))) == 1
    assert not list((tmp_path / "temporary").rglob("spool-*"))


def test_an_archive_of_several_files_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as file:
        file.writestr("a.csv", "a\n1\n")
        file.writestr("b.csv", "a\n1\n")
    with pytest.raises(UsageError, match="2 files"):
        open_source(tmp_path / "two.zip")
    whole = gzip.compress(b"a,b\n" + bytes(f"{list(range(1000))}", "ascii") * 50)
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        open_source(tmp_path / "a.gz")


def test_standard_input_can_be_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"id\tname\n01\tx\n")))
    with open_source(Path("-")) as source:
        assert source.sample.rows() == [("01", "x")]
        assert [batch.records.rows() for batch in source.batches()] == [[("01", "x")]]


@pytest.mark.parametrize("name", ["http://example.com/a.csv", "https:/example.com/a.csv", "s3://bucket/a.csv"])
def test_nothing_is_fetched_from_the_network(name: str) -> None:
    with pytest.raises(UsageError, match="local files only"):
        open_source(Path(name))


def test_a_missing_file_is_wrong_usage_with_a_similar_name(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("a\n")
    with pytest.raises(UsageError) as error:
        open_source(tmp_path / "order.csv")
    assert "orders.csv" in str(error.value.hint)
    with pytest.raises(UsageError, match="folder"):
        open_source(tmp_path)


def test_hints_override_detection(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x|1;2\ny|3;4\n")
    assert rows(path, Hints(delimiter=";", header="none")) == [("x|1", "2"), ("y|3", "4")]
    assert rows(path, Hints(delimiter="|", columns=("k", "v"))) == [("x", "1;2"), ("y", "3;4")]
    assert rows(path, Hints(delimiter="|", header=2)) == []
    with pytest.raises(UsageError, match="3 column names"):
        open_source(path, Hints(delimiter="|", columns=("a", "b", "c")))
    with pytest.raises(UsageError, match="one character"):
        open_source(path, Hints(delimiter="||"))
    with pytest.raises(InputError, match="header line 9"):
        open_source(path, Hints(header=9))


def test_runs_of_spaces_separate_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f" {n:05} 19970{n % 9 + 1}01  {n % 3}  {n * 1.5:7.2f}" for n in range(1, 30)) + "\n")
    with open_source(path) as source:
        assert source.format.delimiter == "whitespace"
        assert source.sample.rows()[1] == ("00002", "19970301", "2", "3.00")


def test_a_sample_never_has_more_than_ten_thousand_records(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{n},{n}\n" for n in range(30_000)))
    with open_source(path) as source:
        assert source.sample.height == 10_000
        assert sum(batch.records.height for batch in source.batches()) == 30_000


def test_an_extra_field_never_shifts_values_to_another_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n1,2,\n,1,2,\n4,,5,\n6,7,8,\n9,9,9\n", encoding="utf-8")
    with open_source(path) as source:
        [batch] = source.batches()
    assert batch.records.rows() == [("1", "2", None), ("6", "7", "8"), ("9", "9", "9")]
    assert batch.rejected.select("line", "reason").rows() == [(3, "4 fields, 3 expected"), (4, "4 fields, 3 expected")]


def test_columns_from_folder_names_give_a_remark_without_their_values(tmp_path: Path) -> None:
    path = tmp_path / "currency=USD" / "month=3" / "part-0.csv"
    path.parent.mkdir(parents=True)
    path.write_text("order_id,net,ordered_at\nA1,1.5,2025-03-04\nA2,2.5,2025-03-05\n")
    with open_source(path) as source:
        assert list(source.batches())
        [told] = [text for _, text in source.problems if "folder names" in text]
    assert "'currency', 'month'" in told
    assert "USD" not in told


def test_columns_with_duplicate_names_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("order_id,net,net,ordered_at,net_2\nA1,1.5,2.5,2025-03-04,1\nA2,2.5,3.5,2025-03-05,1\n")
    with open_source(path) as source:
        [group] = source.format.repeated
        assert len(group) == 2
        assert set(group) <= set(source.format.columns)


@pytest.mark.parametrize("records", [0, 1, 30])
def test_the_three_header_rows_of_a_survey_tool_are_one_header(tmp_path: Path, records: int) -> None:
    path = tmp_path / "survey.csv"
    header = ["StartDate,ResponseId,NPS", "Start Date,Response ID,How likely?"]
    third = ",".join(f'"{{""ImportId"":""{name}"",""timeZone"":""UTC""}}"' for name in ("startDate", "_recordId", "Q1"))
    rows = [f"2025-03-04 10:11:12,R_{at},{at % 11}" for at in range(records)]
    path.write_text("\n".join([*header, third, *rows]) + "\n")
    with open_source(path) as source:
        assert source.format.columns == ("StartDate", "ResponseId", "NPS")
        found = [row for batch in source.batches() for row in batch.records.rows()]
        assert found == [tuple(row.split(",")) for row in rows]
        assert any("3 rows" in text for _, text in source.problems)
