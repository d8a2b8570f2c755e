"""``ckm demo``: six screens of commands on the example shop, or all commands; offline."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import polars as pl
import pytest

from ckm.commands import demo
from ckm.commands.demo import ALL_COMMANDS, COLUMNS, LINES, NEXT_COMMANDS, SCREENS
from ckm.render.line_breaks import width
from ckm.render.screen import as_wide_as
from tests.conftest import Run

RESULTS = ("segments.csv", "churn.csv", "loyalty.html")
SCREEN_CASES = (
    ("inspect", "incoming/web-orders-2024.csv"),
    ("diff", "incoming/web-orders-2024.csv", "incoming/web-orders-2025-26.csv"),
    ("ingest",),
    ("ingest", "--history"),
    ("check",),
    *(("segment", "--by", by, "--dry-run") for by in ("rfm", "value", "lifecycle")),
    ("segment", "--moves", "--since", "2026-03-31"),
    ("churn-warn", "--model", "scorecard", "--dry-run"),
    ("loyalty-report", "--dry-run"),
    ("kb-search", "the parcel is late"),
    ("kb-search", "พัสดุมาช้า"),
    ("kb-search", "--suite", "kb-suite.yaml"),
    ("kb-show", "delivery-late"),
    ("kb-show", "delivery-late", "--prefer-lang", "fa"),
    ("kb-lint",),
    ("kb-lint", "--rules"),
    ("kb-gaps",),
)
"""The command lines that have a screen."""
QUIET = (
    ("inspect", "incoming/web-orders-2024.csv"),
    ("diff", "incoming/web-orders-2024.csv", "incoming/web-orders-2025-26.csv"),
    ("ingest",),
    ("check",),
    ("segment", "--dry-run"),
    ("churn-warn", "--model", "scorecard", "--dry-run"),
    ("loyalty-report", "--dry-run"),
    ("kb-search", "the parcel is late"),
    ("kb-lint",),
    ("kb-gaps",),
)
"""The command lines that write their result to a file."""


@pytest.mark.slow
@pytest.mark.usefixtures("coarse", "small_shop", "measured_once")  # .ci/run runs it as it is
def test_the_demo_shows_six_screens_that_fit_a_window_of_80_columns_and_24_lines(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    shown = run("demo", folder)
    assert shown.exit_code == 0, shown.stderr
    story, closing = shown.stdout.split("\nNext: cd ")
    screens = re.split(r"^\d of \d: ", story, flags=re.MULTILINE)[1:]
    assert [screen.splitlines()[0] for screen in screens] == [each.title for each in SCREENS]
    for screen in screens:
        lines = screen.rstrip("\n").splitlines()
        assert len(lines) < LINES  # with the question whether to go on
        assert max(map(width, lines)) <= COLUMNS
        assert lines[1].startswith("$ ckm ")
        assert len(lines) > 5
    entry = re.search(r"ckm kb-show (\S+)", story)
    assert entry is not None
    assert entry[1] in pl.read_csv(folder / "out" / "churn.csv")["answers"].drop_nulls()[0].split("; ")
    assert all(command in closing for command, _ in NEXT_COMMANDS)
    assert max(map(width, closing.splitlines())) <= COLUMNS
    assert all((folder / "out" / name).exists() for name in RESULTS)
    assert pl.read_csv(folder / "out" / "segments.csv").height > 400

    monkeypatch.chdir(folder)
    monkeypatch.setenv("CKM_FORMAT", "table")
    for words in SCREEN_CASES:
        for columns in (40, 80):
            with as_wide_as(columns):
                seen = run(*words)
            assert seen.exit_code == 0, (words, seen.stderr)
            assert max(map(width, seen.stdout.splitlines()), default=0) <= columns, words
            assert len(seen.stderr.splitlines()) <= 3, words

    monkeypatch.delenv("CKM_FORMAT")
    for words in QUIET:
        done = run(*words, "-q", "-o", tmp_path / f"{words[0]}.csv")
        assert (done.exit_code, done.output) == (0, ""), words
        assert (tmp_path / f"{words[0]}.csv").exists(), words


@pytest.mark.slow
@pytest.mark.usefixtures("coarse", "small_shop")
def test_the_full_demo_runs_every_step_and_ends_by_naming_files_that_exist(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shown = run("demo", folder, "--full")
    assert shown.exit_code == 0, shown.stderr
    places = [shown.stdout.index(f"$ {command}\n") for _, command in ALL_COMMANDS]
    assert places == sorted(places)
    named = shown.stdout.split("# Files created:\n")[1].split()
    assert str(folder / "out" / "segments.csv") in named
    assert all(Path(name).exists() for name in named)

    again = run("ingest", "-C", folder, "-f", "json")
    assert again.exit_code == 0
    assert set(pl.read_json(again.stdout.encode())["status"]) == {"unchanged"}


def test_the_demo_refuses_a_folder_with_other_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    shown = run("demo", tmp_path)
    assert shown.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_demo_pauses_after_each_screen_but_the_last_and_ends_on_q(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "_lines", lambda *_: ["a line"])

    def screens(answers: list[str], *, pausing: bool) -> int:
        monkeypatch.setattr(sys, "stdin", iter_lines(answers))
        demo._show_screens(lambda _: None, pausing=pausing)
        return capsys.readouterr().out.count("a line")

    assert screens(["\n"] * (len(SCREENS) - 1), pausing=True) == len(SCREENS)
    assert screens(["\n", "q\n"], pausing=True) == 2
    assert screens([], pausing=False) == len(SCREENS)


class iter_lines:  # noqa: N801  # stands for a stream
    """Standard input with these lines; reading more than there are is an error."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = iter(lines)

    def readline(self) -> str:
        return next(self._lines)
