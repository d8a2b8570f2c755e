"""Tables and sentences on a narrow terminal: no word is broken."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest

from ckm import messages
from ckm.commands.ingest import _short
from ckm.render import screen

LONG = "orders_export_of_the_second_quarter_2025_with_refunds.csv"


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 99


@contextmanager
def a_terminal() -> Iterator[Terminal]:
    """A terminal of 80 columns in the place of stdout and stderr, of which pytest has its own between tests."""
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
    """Return what an ingest prints of one file with a long name."""
    names = ("rows", "accepted", "updated", "unchanged", "duplicates", "quarantined")
    row = {"file": LONG, "table": "transactions", "status": "unchanged"}
    return pl.DataFrame([{**row, **{name: counts.get(name, 0) for name in names}}])


@pytest.mark.parametrize("count", [0, 12_345])
def test_no_word_is_broken_whatever_a_load_counts(count: int) -> None:
    found = loads(rows=count, accepted=count, updated=count, unchanged=count, duplicates=count, quarantined=count)
    with a_terminal() as terminal:
        screen.draw(_short(found), title=None, bars=None, formats={})
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    assert {"unchanged", "accepted", "rows"} <= words
    assert ("transactions" in words) == (not count)
    assert ("quarantined" in words) == bool(count)
    shown = [line.split()[0] for line in lines[2:] if line.strip()]
    assert "".join(shown) == LONG
    assert all(part[-1] in "_." for part in shown[:-1])


def test_a_wide_sentence_is_broken_between_words() -> None:
    sentence = f"{LONG}: recognised as an export of a shop; --platform none takes its columns by their names alone"
    with a_terminal() as terminal:
        messages.note(sentence)
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 2
    assert " ".join(line.strip() for line in lines) == sentence
