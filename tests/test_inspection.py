"""An inspection is true and complete, and shows no value of the file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ckm.ingest.options import IngestOptions
from ckm.inspection import inspect_file
from ckm.inspection.profile import DIGIT, profilers
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source
from ckm.io.values.numbers import REPLACED
from tests.conftest import examples

if TYPE_CHECKING:
    from conftest import Run

HEAD = """Bestellungen März;;;;
;;;;
Bestellnummer;Kundennummer;Datum;Betrag;Währung
"""
BODY = """00{0}1;C01;03.01.2025;1.234,{0}0;EUR
00{0}2;C02;14.01.2025;12,{0}0;EUR
00{0}3;C01;n/a;7,{0}5;EUR
00{0}4;geheim;15.01.2025;viel;EUR
00{0}5;C03;15.01.2025
00{0}6;C04;16.01.2025;9,{0}9;EUR
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_bytes((HEAD + "".join(map(BODY.format, range(10))) + "Summe;;;99,00;\n").encode("cp1252"))
    return path


@pytest.mark.slow
def test_format_columns_problems_and_table_are_found(orders: Path) -> None:
    found = inspect_file(orders)
    assert (found.rows, found.rejected) == (50, 11)
    assert found.reasons == {"3 fields, 5 expected": 10, "total row": 1}
    assert (found.decimal, found.dates) == (",", "%d.%m.%Y")
    assert found.format.header_line == 3
    columns = {column.name: column for column in found.columns}
    assert columns["Bestellnummer"].type == "digits"
    assert columns["Betrag"].type == "number"
    assert (columns["Betrag"].parse_errors, columns["Betrag"].parse_error_line) == (10, 7)
    assert columns["Datum"].null_words == {"n/a": 10}
    assert columns["Kundennummer"].distinct == 4
    assert found.proposal.table == "transactions"
    assert ("order_id", "Bestellnummer") in [matched[:2] for matched in found.proposal.columns]


@pytest.mark.slow
def test_no_value_of_the_data_is_shown(orders: Path, run: Run) -> None:
    for fmt in ("table", "csv", "json", "ndjson", "md"):
        result = run("inspect", orders, "-f", fmt)
        assert result.exit_code == 0
        assert "geheim" not in result.output
        assert "1.234" not in result.output


@pytest.mark.slow
def test_an_open_date_order_or_decimal_mark_is_reported_with_the_option_that_settles_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;day;amount\n" + "".join(f"A{n};0{n}/04/2025;{n},{n}50\n" for n in range(1, 9)))
    found = inspect_file(path)
    assert (found.decimal, found.dates) == ("ambiguous", "ambiguous")
    assert sum("--dates" in problem.text or "--decimal" in problem.text for problem in found.problems) == 2
    settled = inspect_file(path, IngestOptions(hints=Hints(decimal=",", dates="dmy")))
    assert (settled.decimal, settled.dates) == (",", "%d/%m/%Y")


@pytest.mark.slow
def test_distinct_values_of_many_are_estimated_within_ten_percent(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    pl.DataFrame({"many": [f"K{n % 40_000}" for n in range(60_000)], "few": ["x", "y"] * 30_000}).write_csv(path)
    many, few = inspect_file(path).columns
    assert many.distinct == pytest.approx(40_000, rel=0.1)
    assert few.distinct == 2


def test_an_empty_file_and_a_lone_header_have_no_records(tmp_path: Path) -> None:
    for name, text in (("empty.csv", ""), ("header.csv", "order_id,amount\n"), ("blank.csv", "\n\n")):
        path = tmp_path / name
        path.write_text(text)
        found = inspect_file(path, copy_to=tmp_path / "copy.csv")
        assert (found.rows, found.rejected) == (0, 0)
        assert (tmp_path / "copy.csv").read_text() == text.strip() + "\n" * text.startswith("order")


@pytest.mark.slow
def test_the_clean_copy_has_every_record_and_the_rejected_ones_lie_beside_it(orders: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    inspect_file(orders, copy_to=copy)
    with copy.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Bestellnummer", "Kundennummer", "Datum", "Betrag", "Währung"]
    assert len(rows) == 51
    assert copy.read_bytes().count(b"\r\n") == 51
    rejected = pl.read_csv(Path(f"{copy}.rejected.csv"))
    assert rejected.columns == ["line", "reason", "raw"]
    assert rejected.row(0) == (8, "3 fields, 5 expected", "0005;C03;15.01.2025")


def test_a_parquet_copy_has_text_only(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.parquet", tmp_path / "copy.parquet"
    pl.DataFrame({"id": [13085, None], "amount": [1.5, 2.0], "tags": [["a"], []]}).write_parquet(source)
    inspect_file(source, copy_to=copy)
    found = pl.read_parquet(copy)
    assert set(found.dtypes) == {pl.String}
    assert found.rows() == [("13085", "1.5", '["a"]'), (None, "2", "[]")]


BYTES = (
    b"a",
    b"01",
    b",",
    b";",
    b"\n",
    b"\r\n",
    b"\r",
    b"\x00",
    b'"',
    b"2025-01-02",
    b"\xc3\xa9",
    b"\xe9",
    b" ",
    b"{",
    b"[1,5",
)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]) | st.sampled_from("\n\r\t\"',;"), max_size=8)


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=examples(11),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(st.integers(0, 999), TEXT, TEXT), min_size=3, max_size=20))
def test_the_copy_reads_back_exactly(tmp_path: Path, rows: list[tuple[int, str, str]]) -> None:
    path, copy = tmp_path / "a.json", tmp_path / "copy.csv"
    path.write_text(json.dumps([{"number": n, "note": a, "text": b} for n, a, b in rows]), encoding="utf-8")
    inspect_file(path, copy_to=copy)
    with copy.open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)][1:] == [(str(n), a, b) for n, a, b in rows]
    with open_source(copy, Hints(header=1, delimiter=",", quote='"')) as source:
        again = [row for batch in source.batches() for row in batch.records.rows()]
    assert again == [(str(n), a or None, b or None) for n, a, b in rows]


def test_a_failed_inspection_leaves_no_copy(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(range(256)) * 30)
    result = run("inspect", path, "-o", tmp_path / "copy.csv")
    assert (result.exit_code, result.stdout) == (3, "")
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.slow
def test_several_files_give_one_json_object_each_and_one_bad_file_stops_no_other(orders: Path, run: Run) -> None:
    result = run("inspect", orders, orders.parent / "absent.csv", orders, "-f", "json")
    assert result.exit_code == 3
    objects = json.loads(result.stdout)
    assert [one["rows"] + one["rejected"] for one in objects] == [61, 61]
    assert objects[0]["encoding"] == "cp1252"
    assert "absent.csv" in result.stderr


def test_standard_input_is_inspected_like_a_file(run: Run) -> None:
    result = run("inspect", "-", "-f", "ndjson", input="id;on\n01;2025-01-02\n02;2025-01-03\n")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["file"], found["rows"], found["date_format"]) == ("standard input", 2, "%Y-%m-%d")


@pytest.mark.slow
def test_a_screen_names_problems_with_their_lines_and_the_table(orders: Path, run: Run) -> None:
    screen = run("inspect", orders, "-f", "table").stdout
    assert 'text table · cp1252 · delimiter ; · quote " · header in line 3' in screen
    assert "50 records, 11 rejected" in screen
    assert "line 8       10 records rejected, 3 fields, 5 expected (lines 8, 14, 20, 26, 32, …)" in screen
    assert "matches transactions: ckm ingest" in screen


@pytest.mark.slow
def test_a_copy_of_several_files_or_in_another_format_is_wrong_usage(orders: Path, run: Run) -> None:
    assert run("inspect", orders, orders, "-o", orders.parent / "x.csv").exit_code == 2
    assert run("inspect", orders, "-o", orders.parent / "x.xlsx").exit_code == 2


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=examples(11),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.binary(max_size=200) | st.lists(st.sampled_from(BYTES), max_size=40).map(b"".join))
@example(data=b'[{"a":[' * 400)
@example(data=b"\xff\xfe" + "a;b\n1;2\n".encode("utf-16-le")[:-1])
def test_arbitrary_bytes_end_in_exit_code_0_2_or_3(tmp_path: Path, run: Run, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    result = run("inspect", path, "-f", "json", "-o", tmp_path / "copy.csv")
    assert result.exit_code in {0, 2, 3}, result.output
    assert "Traceback" not in result.output
    if result.exit_code == 0:
        (found,) = json.loads(result.stdout)
        with (tmp_path / "copy.csv").open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) == found["rows"] + bool(found["columns"])


def test_a_digit_of_any_script_that_dates_and_numbers_may_have_is_known_as_one() -> None:
    digits = [written for written, meant in REPLACED.items() if meant.isdigit()]
    assert digits
    assert pl.Series(digits).str.contains(DIGIT).all()


@pytest.mark.slow
def test_thousands_of_columns_of_words_are_text() -> None:
    wide = pl.DataFrame({f"x{place}": ["v", "w"] for place in range(1000)})
    assert {column.type for column in profilers(wide, Hints(), lambda: iter([wide]))} == {"text"}
