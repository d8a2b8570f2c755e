"""After a result at most three lines of remarks, the most important first; all with ``--verbose``."""

from __future__ import annotations

import io
import os
import pickle
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm import messages
from ckm.messages import MOST_LINES, Verbosity, note, remark, say_remarks, set_verbosity, start_run
from ckm.remark import Importance, Remark, about, assumption, at_least, basis, doubt, importance_of
from ckm.render.line_breaks import width

REMARKS = st.lists(
    st.builds(Remark, st.text("abc ", min_size=1, max_size=300).map(str.strip), st.sampled_from(Importance)), max_size=9
)


def said(capsys: pytest.CaptureFixture[str], *remarks: str, level: Verbosity = Verbosity.normal) -> list[str]:
    start_run()
    set_verbosity(level)
    remark(*remarks)
    say_remarks()
    start_run()
    return capsys.readouterr().err.splitlines()


def test_the_most_important_come_first_and_the_others_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    remarks = ("computed so", assumption("euro"), doubt("rows are missing"), "and so", basis("as of today"))
    assert said(capsys, *remarks) == ["rows are missing", "as of today", "3 more remarks: -v shows them"]
    assert said(capsys, *remarks, level=Verbosity.verbose) == [
        "rows are missing", "as of today", "euro", "computed so", "and so",
    ]  # fmt: skip
    assert said(capsys, *remarks, level=Verbosity.quiet) == []


@given(REMARKS)
def test_no_doubt_is_hidden_by_a_statement_of_the_basis(remarks: list[Remark]) -> None:
    page = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", page)
        start_run()
        remark(*remarks)
        say_remarks()
    shown = page.getvalue().splitlines()
    distinct = list(dict.fromkeys(remarks))
    hidden = [
        each for each in distinct if importance_of(each) <= Importance.doubt and messages._shown(each) not in shown
    ]
    if hidden:
        assert not [
            each for each in distinct if importance_of(each) > Importance.doubt and messages._shown(each) in shown
        ]
        assert f"{len(hidden)} of them " in shown[-1]


def test_the_count_of_hidden_remarks_names_the_doubts_among_them(capsys: pytest.CaptureFixture[str]) -> None:
    doubts = [doubt(f"doubt {number}") for number in range(3)]
    assert said(capsys, *doubts, "so")[-1] == "2 more remarks, 1 of them a doubt: -v shows them"
    assert said(capsys, *doubts, doubt("doubt 4"))[-1] == ("2 more remarks, 2 of them doubts: -v shows them")


def test_three_remarks_are_shown_whole_and_equal_ones_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "a", "b", "c", "a") == ["a", "b", "c"]


def test_lines_before_the_remarks_take_their_room(capsys: pytest.CaptureFixture[str]) -> None:
    start_run()
    note("wrote out.csv")
    remark("a", "b", "c")
    say_remarks()
    assert capsys.readouterr().err.splitlines() == ["wrote out.csv", "a", "2 more remarks: -v shows them"]


@given(REMARKS, st.integers(40, 200))
def test_no_more_than_three_lines_in_a_window_of_any_width(remarks: list[Remark], columns: int) -> None:
    page = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "isatty", lambda: True)
        patch.setattr(page, "fileno", lambda: 99)
        patch.setattr(sys, "stderr", page)
        patch.setattr(os, "get_terminal_size", lambda _=None: os.terminal_size((columns, 24)))
        start_run()
        remark(*remarks)
        say_remarks()
        heights = [messages._shown(each).count("\n") + 1 for each in remarks]
    lines = page.getvalue().splitlines()
    assert max(map(width, lines), default=0) <= columns
    assert len(lines) <= max(MOST_LINES, max(heights, default=0) + 1)
    if len(remarks) > 1 and max(heights) == 1:
        assert len(lines) <= MOST_LINES


def test_a_remark_is_a_text_that_keeps_its_importance() -> None:
    told = about("orders.csv", doubt("cut off"))
    assert told == "orders.csv: cut off"
    assert importance_of(told) is Importance.doubt
    assert importance_of("computed so") is Importance.method
    assert pickle.loads(pickle.dumps(told)).importance is Importance.doubt
    assert [importance_of(each) for each in at_least(Importance.assumption, ["so", doubt("no")])] == [3, 1]
    assert pl.Series([told], dtype=pl.String).to_list() == ["orders.csv: cut off"]
