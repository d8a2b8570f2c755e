"""Tables and sentences on a narrow terminal: no word is broken, and dropped columns are counted."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm import messages
from ckm.commands.ingest import _by_use
from ckm.output import Format, emit, emit_rows
from ckm.render.line_breaks import width, wrapped
from ckm.render.rows import ResultTable
from ckm.render.screen import as_wide_as, filled
from ckm.search.analysis import thai

LONG = "orders_export_of_the_second_quarter_2025_with_refunds.csv"


class Terminal(io.StringIO):
    """A stream that is a terminal, with the written text."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 99


@contextmanager
def a_terminal() -> Iterator[Terminal]:
    """Replace stdout and stderr by a terminal of 80 columns, and yield it."""
    page = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", page)
        patch.setattr(sys, "stderr", page)
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        patch.setenv("TERM", "dumb")
        patch.setattr(os, "get_terminal_size", lambda _=None: os.terminal_size((80, 24)))
        yield page


def loads(**counts: int) -> pl.DataFrame:
    """Return the table that an ingest prints about one file with a long name."""
    names = ("rows", "accepted", "updated", "unchanged", "duplicates", "quarantined")
    row = {"file": LONG, "table": "transactions", "status": "unchanged"}
    return pl.DataFrame([{**row, **{name: counts.get(name, 0) for name in names}}])


@pytest.mark.parametrize("count", [0, 12_345])
def test_a_summary_of_a_load_with_any_numbers_breaks_no_word(count: int) -> None:
    found = loads(rows=count, accepted=count, updated=count, unchanged=count, duplicates=count, quarantined=count)
    with a_terminal() as terminal:
        emit(found, Format.table, by_use=_by_use(found))
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    assert {"unchanged", "rows", "quarantined", "columns:"} <= words
    shown = [line.split()[0] for line in lines[2:-1] if line.strip()]
    assert "".join(shown) == LONG
    assert all(part[-1] in "_." for part in shown[:-1])


def test_a_long_sentence_is_broken_between_words() -> None:
    sentence = f"{LONG}: recognised as an export of a shop; --platform none takes its columns by their names alone"
    with a_terminal() as terminal:
        messages.note(sentence)
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 2
    assert " ".join(line.strip() for line in lines) == sentence


SPACED = ("customers", "orders", "Kundennummer", "مشتری", "سفارش", "بازگشت", "e\u0301te", "Überweisung", "a")
WORDS = st.sampled_from(
    [*SPACED, "พัสดุมาช้ากว่าที่แจ้งไว้", "ลูกค้าซื้อแต่ชามาทั้งปี", "包裹没有按承诺的日期送到，请先查物流状态。", "注文の品"]
)
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)
NAMES = st.lists(st.sampled_from(SPACED), min_size=1, max_size=3).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> ResultTable:
    """Return a table of texts and numbers with different column names."""
    kinds = draw(st.lists(st.sampled_from([str, str, int, float]), min_size=1, max_size=9))
    columns = {f"{draw(NAMES)} c{at}": kind for at, kind in enumerate(kinds)}
    cells = {str: TEXTS, int: st.integers(0, 10**7), float: st.floats(0, 10**7)}
    rows = draw(st.lists(st.tuples(*(cells[kind] for kind in kinds)), max_size=4))
    return ResultTable(columns, rows)


@given(tables(), st.integers(40, 200), st.randoms())
def test_a_window_of_any_width_breaks_no_word_and_counts_the_dropped_columns(
    table: ResultTable, columns: int, dice: object
) -> None:
    by_use = list(table.columns)
    dice.shuffle(by_use)  # type: ignore[attr-defined]
    with a_terminal() as terminal, as_wide_as(columns):
        emit_rows(table, Format.table, by_use=by_use)
    text = terminal.getvalue()
    lines = text.splitlines()
    assert max(map(width, lines)) <= columns
    names = re.findall(r"\bc\d\b", " ".join(lines[: next(at for at, line in enumerate(lines) if line.startswith("─"))]))
    shown = [name for name in table.columns if name.split()[-1] in names]
    assert sorted(shown, key=by_use.index) == by_use[: len(shown)]
    counted = re.search(r"^\+(\d+) columns?: -o FILE or a wider window$", text, re.MULTILINE)
    assert (int(counted[1]) if counted else 0) == len(table.columns) - len(shown)
    words = set(text.split())
    for at, name in enumerate(table.columns):
        if name in shown:
            spaced = {word for row in table.rows for word in str(row[at]).split() if word in SPACED}
            assert spaced | set(name.split()) <= words


@given(TEXTS, st.integers(20, 100))
def test_a_line_in_any_script_is_broken_between_words_and_loses_no_character(text: str, columns: int) -> None:
    lines = wrapped(text, columns, mark="- ")
    assert max(map(width, lines)) <= columns
    assert "".join("".join(lines)[2:].split()) == "".join(text.split())
    for run in re.findall("[\u0e00-\u0e7f]+", text):
        assert all(any(word in line for line in lines) for word in thai.words(thai.clusters(run)))
    assert not any(line.lstrip(" -").startswith(("，", "。")) for line in lines)


def test_a_name_is_broken_after_its_marks_and_a_word_only_if_it_is_wider_than_the_window() -> None:
    path = "incoming/" + LONG
    assert all(line.endswith(("_", "/", "csv")) for line in wrapped(path, 30))
    assert [len(line) for line in wrapped("x" * 100, 40)] == [40, 40, 20]


def test_line_breaks_of_a_text_are_kept() -> None:
    assert filled("one two\nthree", width=7, mark="- ") == "- one\n  two\n  three"
