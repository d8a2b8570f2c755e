"""What leaves the program: whole values in machine formats, whole files or none, no formula in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import stat
import sys
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm.errors import UnknownNameError, UsageError
from ckm.files import replacing
from ckm.messages import Verbosity, note, progress, set_verbosity
from ckm.output import Format, emit, emit_text, write
from ckm.render.screen import MAX_ROWS, bar
from ckm.render.writers import flatten, render

SUFFIXES = (".csv", ".tsv", ".json", ".ndjson", ".md", ".parquet", ".xlsx")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(table: pl.DataFrame, **options: Any) -> str:
    """Return what a person sees on a terminal of 80 columns, which is what a dumb one has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", Terminal())
        patch.setenv("TERM", "dumb")
        emit(table, **options)
        return sys.stdout.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def table() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "name": ["[VIP] 王", "สมชาย", "مریم"],
            "spend": [1234567.891, None, -3.5],
            "orders": [1200, 0, None],
            "first": [date(2026, 1, 2), None, None],
            "seen": [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), None, None],
            "tags": [["a", "b"], [], None],
        }
    )


def test_a_pipe_gets_csv_with_plain_numbers_iso_dates_and_joined_lists(
    table: pl.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    emit(table)
    assert capsys.readouterr().out == (
        "name,spend,orders,first,seen,tags\n"
        "[VIP] 王,1234567.891,1200,2026-01-02,2026-01-02T03:04:05+00:00,a; b\n"
        'สมชาย,,0,,,""\n'
        "مریم,-3.5,,,,\n"
    )


def test_json_is_an_array_and_ndjson_one_object_a_line(table: pl.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    emit(table, Format.json)
    array = json.loads(capsys.readouterr().out)
    emit(table, Format.ndjson)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert array == lines
    assert array[0]["tags"] == ["a", "b"]
    assert array[1] == {"name": "สมชาย", "spend": None, "orders": 0, "first": None, "seen": None, "tags": []}


@pytest.mark.parametrize(
    ("fmt", "empty"), [(Format.csv, "name\n"), (Format.json, "[]\n"), (Format.ndjson, ""), (Format.md, None)]
)
def test_an_empty_result_is_still_valid(fmt: Format, empty: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    emit(pl.DataFrame({"name": []}, schema={"name": pl.String}), fmt)
    assert capsys.readouterr().out == ("| name |\n| --- |\n" if empty is None else empty)


@pytest.mark.slow
@given(st.lists(st.tuples(texts, texts)))
def test_csv_and_json_give_back_every_text(rows: list[tuple[str, str]]) -> None:
    table = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    read = pl.read_csv(render(table, ".csv", protect=False).encode(), schema=table.schema, missing_columns="raise")
    assert_frame_equal(read, table)
    assert json.loads(render(table, ".json")) == table.to_dicts()
    lines = render(table, ".ndjson").split("\n")
    assert [json.loads(line) for line in lines if line] == table.to_dicts()


def test_not_a_number_is_null_in_json() -> None:
    table = pl.DataFrame({"x": [float("nan"), float("inf")]})
    assert json.loads(render(table, ".json")) == [{"x": None}, {"x": None}]


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_text_that_a_spreadsheet_would_run_is_disarmed(text: str, suffix: str) -> None:
    read = list(csv.reader(io.StringIO(render(pl.DataFrame({"t": [text]}), suffix), newline="")))
    assert read[1] == [f"'{text}"]


@pytest.mark.parametrize("text", ["-", "-12.50", "+4930123456", "1-2", "a=b", "-1.234,50", ""])
def test_a_harmless_text_is_left_alone(text: str) -> None:
    table = pl.DataFrame({"t": [text]})
    assert render(table, ".csv") == render(table, ".csv", protect=False)


def test_negative_numbers_stay_numbers() -> None:
    assert render(pl.DataFrame({"net": [-1.5]}), ".csv") == "net\n-1.5\n"


def test_formulas_in_nested_values_and_headers_are_disarmed() -> None:
    table = pl.DataFrame({"=1+1": [["=2+2", "x"]]})
    assert render(table, ".csv") == "'=1+1\n'=2+2; x\n"


def test_an_excel_file_holds_texts_as_texts(tmp_path: Path) -> None:
    write(pl.DataFrame({"t": ["=1+1", "http://x.example"], "n": [-1, 2]}), tmp_path / "x.xlsx")
    with zipfile.ZipFile(tmp_path / "x.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert pl.read_excel(tmp_path / "x.xlsx").rows() == [("=1+1", -1), ("http://x.example", 2)]


def test_too_many_rows_for_excel_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="do not fit"):
        write(pl.DataFrame({"n": range(1_048_576)}), tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_equal_tables_give_equal_files(table: pl.DataFrame, tmp_path: Path, suffix: str) -> None:
    first, second = (tmp_path / f"{name}{suffix}" for name in "ab")
    write(table, first)
    write(table.clone(), second)
    assert first.read_bytes() == second.read_bytes()


def test_parquet_keeps_every_type(table: pl.DataFrame, tmp_path: Path) -> None:
    write(table, tmp_path / "x.parquet")
    assert_frame_equal(pl.read_parquet(tmp_path / "x.parquet"), table)


def test_a_file_is_written_in_a_folder_that_is_made_and_stdout_stays_empty(
    table: pl.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emit(table, output=tmp_path / "new" / "x.json")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"wrote {tmp_path / 'new' / 'x.json'} (3 rows)\n"
    assert len(json.loads((tmp_path / "new" / "x.json").read_text(encoding="utf-8"))) == 3


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    with suppress(RuntimeError), replacing(path) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_that_a_killed_run_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".x.csv.0123abcd.part").write_text("half of it")
    write(pl.DataFrame({"a": [1]}), tmp_path / "x.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "a\n1\n"


def test_a_link_stays_a_link_and_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path, link = tmp_path / "x.csv", tmp_path / "link.csv"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    write(pl.DataFrame({"a": [1]}), link)
    assert link.is_symlink()
    assert path.read_text() == "a\n1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_folder_or_a_device_is_never_replaced(tmp_path: Path) -> None:
    for path in (tmp_path, Path("/dev/null")):
        with pytest.raises(UsageError), replacing(path):
            pass


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write .*x\.csv"):
        write(pl.DataFrame({"a": [1]}), tmp_path / "file" / "x.csv")


def test_a_format_that_contradicts_the_suffix_is_refused(table: pl.DataFrame, tmp_path: Path) -> None:
    for name in ("x.csv", "x.tsv", "x.parquet"):
        with pytest.raises(UsageError, match="contradicts"):
            emit(table, Format.json, output=tmp_path / name)
    emit(table, Format.json, output=tmp_path / "x.json")
    emit(table, Format.json, output=tmp_path / "x.txt")
    assert (tmp_path / "x.json").read_bytes() == (tmp_path / "x.txt").read_bytes()


def test_an_unknown_suffix_is_refused_with_the_near_one(table: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError) as caught:
        write(table, tmp_path / "x.parqet")
    assert caught.value.hint == "did you mean '.parquet'?"


def test_the_environments_format_yields_to_the_suffix(
    table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CKM_FORMAT", "json")
    emit(table, output=tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8").startswith("name,")
    emit(table)
    assert capsys.readouterr().out.startswith("[")
    monkeypatch.setenv("CKM_FORMAT", "jsn")
    with pytest.raises(UnknownNameError):
        emit(table)


def test_a_terminal_gets_a_table_with_numbers_on_the_right(table: pl.DataFrame) -> None:
    lines = [
        line.rstrip() for line in on_terminal(table.select("name", "orders"), title="Customers [all]").splitlines()
    ]
    assert lines[0] == "Customers [all]"
    assert "[VIP] 王    1,200" in lines
    assert "สมชาย           0" in lines


def test_brackets_and_controls_in_a_name_cannot_touch_the_terminal() -> None:
    shown = on_terminal(pl.DataFrame({"n\x1b[0m": ["[red]x[/red]", "a\x1b[31mb", "two\nlines"]}))
    assert "[red]x[/red]" in shown
    assert "\\x1b[31m" in shown
    assert "\x1b[31m" not in shown
    assert "two↵lines" in shown


def test_a_long_cell_is_folded_on_a_terminal_and_never_cut() -> None:
    shown = on_terminal(pl.DataFrame({"a": ["x" * 100], "b": ["y" * 100]}))
    assert max(map(len, shown.splitlines())) <= 80
    assert (shown.count("x"), shown.count("y")) == (100, 100)


def test_a_table_in_a_pipe_is_as_wide_as_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    emit(pl.DataFrame({"a": ["x" * 300]}), Format.table)
    assert "x" * 300 + "\n" in capsys.readouterr().out


def test_a_long_table_says_how_many_rows_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    emit(pl.DataFrame({"a": range(MAX_ROWS + 1)}), Format.table)
    assert f"{MAX_ROWS} of {MAX_ROWS + 1} rows; -o FILE or -f csv gives all" in capsys.readouterr().out


def test_people_see_what_the_caller_formats_and_machines_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    table = pl.DataFrame({"share": [0.1234], "year": [1985]})
    formats = {"share": "{:.1%}", "year": "{}"}
    emit(table, Format.table, formats=formats)
    emit(table, Format.md, formats=formats)
    emit(table, Format.csv, formats=formats)
    shown = capsys.readouterr().out
    assert "12.3%   1985" in shown
    assert "| 12.3% | 1985 |" in shown
    assert "0.1234,1985" in shown


def test_bars_grow_with_their_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    emit(pl.DataFrame({"n": [4, 2, 0]}), Format.table, bars="n")
    drawn = [line.count("█") for line in capsys.readouterr().out.splitlines()[2:]]
    assert drawn == [16, 8, 0]


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_greater_value_never_has_a_shorter_bar(a: float, b: float) -> None:
    assert len(bar(min(a, b), 1e9)) <= len(bar(max(a, b), 1e9))


def test_markdown_survives_pipes_breaks_and_tags() -> None:
    assert render(pl.DataFrame({"a|b": ["x\ny <script>"], "n": [1]}), ".md") == (
        "| a\\|b | n |\n| --- | ---: |\n| x<br>y &lt;script> | 1 |\n"
    )


def test_every_type_fits_every_flat_format(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "struct": [{"a": 1}, None],
            "structs": [[{"a": 1}, {"a": 2}], None],
            "numbers": [[1, 2], None],
            "nested": [[["a", "b"], ["c"]], None],
            "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2)),
            "duration": [timedelta(hours=26), None],
            "enum": pl.Series(["a", None], dtype=pl.Enum(["a"])),
            "decimal": pl.Series(["1.50", None]).cast(pl.Decimal(10, 2)),
            "clock": pl.Series([datetime(2026, 1, 2, 3, 4, 5).time(), None]),
            "local": [datetime(2026, 1, 2, 3, 4, 5, 600_000), None],
            "flag": [True, None],
            "nothing": [None, None],
            "bytes": [b"\xff", None],
        }
    )
    assert flatten(table).select("struct", "structs", "numbers", "duration", "local").row(0) == (
        '{"a":1}',
        '[{"a":1},{"a":2}]',
        "1; 2",
        "P1DT2H",
        "2026-01-02T03:04:05.600",
    )
    for suffix in SUFFIXES:
        write(table, tmp_path / f"x{suffix}")
        assert (tmp_path / f"x{suffix}").stat().st_size > 0


def test_text_results_go_where_tables_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emit_text("schema: ckm.map/1\n")
    assert capsys.readouterr().out == "schema: ckm.map/1\n"
    emit_text("<testsuite/>", output=tmp_path / "junit.xml")
    assert (tmp_path / "junit.xml").read_text() == "<testsuite/>"


def test_progress_draws_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, level, drawn in (
        (Terminal(), Verbosity.normal, True),
        (Terminal(), Verbosity.quiet, False),
        (io.StringIO(), Verbosity.normal, False),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        set_verbosity(level)
        with progress("reading [x].csv", total=100) as advance:
            advance(100)
        set_verbosity(Verbosity.normal)
        assert ("reading [x].csv" in stream.getvalue()) is drawn


def test_notes_never_touch_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    note("a remark")
    assert capsys.readouterr() == ("", "a remark\n")


def test_where_not_all_words_fit_only_the_longest_are_broken() -> None:
    shown = on_terminal(pl.DataFrame({"short": ["word"], "long": ["x" * 200]}), fmt=Format.table)
    assert "short" in shown.split()
    assert "word" in shown.split()
