"""Small tables are written in the same bytes as frames."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm.output import Format, emit_rows
from ckm.render import writers
from ckm.render.line_breaks import width
from ckm.render.rows import ResultTable, frame, render, safe, save

texts = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
COLUMNS = {"text": str, "count": int, "share": float, "flag": bool, "day": date, "names": list}
rows = st.lists(
    st.tuples(
        texts | st.sampled_from(["=1+1", "-5", "+a", '"', "a,b", "\n", "@x", "", "1e5"]),
        st.none() | st.integers(-(10**12), 10**12),
        st.none() | st.integers(-(10**6), 10**6).map(lambda number: number / 100),
        st.none() | st.booleans(),
        st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        st.none() | st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5), max_size=3),
    ),
    max_size=4,
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".ndjson", ".md"])
@given(rows=rows)
def test_the_output_equals_that_of_a_frame(suffix: str, rows: list[tuple[Any, ...]]) -> None:
    table = ResultTable(COLUMNS, rows)
    assert render(table, suffix) == writers.render(frame(table), suffix)


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx", ".csv"])
def test_files_of_every_format_are_written(tmp_path: Path, suffix: str) -> None:
    table = ResultTable({**COLUMNS, "deep": dict}, [("ก", 1, 0.5, True, date(2026, 1, 2), ["a"], {"a": 1})])
    save(table, tmp_path / f"t{suffix}", suffix)
    if suffix == ".parquet":
        assert_frame_equal(pl.read_parquet(tmp_path / "t.parquet"), frame(table))
    assert (tmp_path / f"t{suffix}").stat().st_size > 0


def test_a_formula_in_a_column_name_is_escaped() -> None:
    assert render(ResultTable({"=x": str}, []), ".csv") == "'=x\n"


@given(st.text(max_size=30))
def test_control_characters_and_direction_marks_are_escaped_for_a_terminal(text: str) -> None:
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert not [sign for sign in safe(text) if unicodedata.category(sign) == "Cc" or sign in turning]


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("包裹", 4), ("พัสดุ", 3), ("é", 1), ("e\u0301", 1), ("", 0)])
def test_the_width_of_a_text_is_in_terminal_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_columns_are_aligned_in_every_script(capsys: pytest.CaptureFixture[str]) -> None:
    emit_rows(ResultTable({"name": str, "n": int}, [("包裹", 1), ("พัสดุ", 20), ("ab", 1234)]), Format.table)
    lines = capsys.readouterr().out.splitlines()
    assert {width(line) for line in lines} == {12}
