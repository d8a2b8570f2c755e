"""The progress line is redrawn, names its stage, and fits the window for any path."""

from __future__ import annotations

import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.progress import ProgressLine, progress_text, shortened
from ckm.render.line_breaks import width

PATHS = st.text(st.sampled_from("ab/_. ลูกค้า订单"), max_size=120).map("incoming/{}".format)
STAGES = st.sampled_from(["", "reading", "backtest", "customer value and growth potential"])


@given(PATHS, STAGES, st.none() | st.floats(0, 1), st.integers(0, 10_000), st.integers(39, 199))
def test_the_line_fits_the_width_with_its_numbers_and_stage(
    path: str, stage: str, share: float | None, seconds: int, room: int
) -> None:
    line = progress_text(f"loading {path}", stage, share, seconds, room, mark="⠋")
    assert width(line) <= room
    assert line.endswith(f" {seconds // 60}:{seconds % 60:02}")
    assert share is None or f"{share:4.0%}" in line
    assert (stage if len(stage) < 12 else stage[-8:]) in line
    assert stage or line.startswith("⠋ loading")


@pytest.mark.parametrize("columns", [40, 80])
def test_a_shortened_path_has_its_file_name(columns: int) -> None:
    path = "/data/exports/of/the/shop/" + "x" * 80 + "/orders.csv"
    line = progress_text(f"reading {path}", "", 0.5, 61, columns, mark="⠋")
    assert line.startswith("⠋ reading …")
    assert "orders.csv" in line
    assert line.endswith(" 50% 1:01")


def test_only_a_long_text_is_shortened_in_its_middle() -> None:
    assert shortened("reading a.csv", 20) == "reading a.csv"
    assert shortened("reading abcdefghij.csv", 14) == "reading …j.csv"
    assert shortened("abcdefghij", 4) == "…hij"


class Terminal(io.StringIO):
    """A terminal that tells when a line with some text was written to it."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self.awaited, self.seen = awaited, threading.Event()
        self.marks: set[str] = set()
        self.moved = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.marks |= {mark for mark in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if mark in text}
        if self.awaited in text:
            self.seen.set()
        if len(self.marks) > 2:
            self.moved.set()
        return super().write(text)


def test_the_line_is_redrawn_during_one_long_call_and_names_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal("backtest")
    with ProgressLine(terminal, "looking for churn", 4) as line:
        line.stage("backtest")
        assert terminal.seen.wait(60)
        assert terminal.moved.wait(60)
    assert " 25% 0:0" in terminal.getvalue()
    assert terminal.getvalue().rstrip().endswith("\x1b[2K")  # the line is erased at the end
