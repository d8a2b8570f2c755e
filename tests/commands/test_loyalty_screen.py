"""The terminal view of the loyalty report: findings first, on two screens at most."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from ckm._loyalty.words import load_words
from ckm.commands.loyalty_screen import PLAIN, show_loyalty
from ckm.metrics.metric import Metrics, Missing
from ckm.names import LANGUAGES
from tests._loyalty.example_loyalty import example_report

MOST_LINES = 60


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_summary_fits_eighty_columns_and_begins_with_what_changed(
    capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    show_loyalty(example_report(), lang)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= MOST_LINES
    # the table is as wide as its words, which no setting narrows in a pipe
    prose = [line for line in lines if line.startswith(("- ", "  ")) or line in lines[:6]]
    assert max(map(cell_len, prose)) <= PLAIN
    first = lines.index(next(line for line in lines if line.startswith("- ")))
    assert first < lines.index(next(line for line in lines if "──" in line))
    assert not any(ord(mark) in range(0x2060, 0x206A) for line in lines for mark in line)


def test_suppression_is_explained_once(capsys: pytest.CaptureFixture[str]) -> None:
    sections = ("changed", "relationships", "churn")
    missing = tuple(Missing(each, "hidden_cells", (("count", 2), ("min_group_size", 5))) for each in sections)
    show_loyalty(example_report(metrics=Metrics([]), drivers=(), goals=(), by=None, missing=missing))
    assert capsys.readouterr().out.count("marks a suppressed number") == 1


def test_what_is_missing_is_reported_even_if_nothing_else_is(capsys: pytest.CaptureFixture[str]) -> None:
    report = example_report(
        metrics=Metrics([]), drivers=(), goals=(), by=None, missing=(Missing("changed", "no_purchases"),)
    )
    show_loyalty(report)
    assert load_words("en").say("missing.no_purchases") in capsys.readouterr().out
