"""Any bytes give a clear error, or every record is parsed or rejected."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ckm.errors import CkmError
from ckm.io.readers import csv_structure, csv_table
from ckm.io.readers.hints import Hints
from ckm.io.readers.read import open_source
from tests.conftest import examples
from tests.io.readers.pollution import TABLE, written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ckm.io.readers.read import Source

RELAXED = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PIECES = st.sampled_from(
    [
        '"',
        "'",
        ",",
        ";",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\x00",
        "\\",
        " ",
        "a",
        "1",
        "2025-01-02",
        "é",
        "\ufeff",
        "|",
        "{",
        "[",
        "}",
    ]
)


def check(path: Path, data: bytes, hints: Hints | None = None) -> None:
    """Read ``data`` twice; only errors of ckm may be raised, and both passes must have the same records."""
    path.write_bytes(data)
    try:
        with open_source(path, hints) as source:
            _check_source(source, data)
    except CkmError:
        return


def _check_source(source: Source, data: bytes) -> None:
    first = [(b.records.rows(), b.lines.to_list(), b.rejected.rows()) for b in source.batches()]
    again = [(b.records.rows(), b.lines.to_list(), b.rejected.rows()) for b in source.batches()]
    assert first == again
    lines = [line for _, good, bad in first for line in (*good, *(row[0] for row in bad))]
    if source.format.kind != "json":  # an array may have several elements on one line
        assert len(lines) == len(set(lines)), "a record comes twice"
    assert all(len(rows) == len(numbers) for rows, numbers, _ in first)
    assert source.sample.height == min(10_000, sum(len(rows) for rows, _, _ in first))
    if source.format.kind == "csv" and source.format.encoding == "utf-8":
        _check_lines(source, data, lines)


def _check_lines(source: Source, data: bytes, lines: Sequence[int]) -> None:
    """Check that each line from the first record on is in a record that starts there or above."""
    text = data.decode(errors="replace").removeprefix("\ufeff")
    if source.format.line_end == "\r":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    numbered = [(at, line) for at, line in enumerate(text.split("\n"), start=1) if at >= source.format.first_line]
    starts = set(lines)
    quote = source.format.quote or "\x01"
    inside = False
    for at, line in numbered:
        if at in starts:
            inside = quote in line
        elif line.strip(" \r\t\ufeff\x00") and not inside:
            raise AssertionError(f"line {at} is neither loaded nor rejected")


@pytest.mark.slow
@RELAXED
@given(data=st.binary(max_size=400))
@example(data=b"")
@example(data=b"\n\n\n")
@example(data=b"\x1f\x8b\x08")
@example(data=b"PK\x03\x04")
@example(data=b"PAR1PAR1")
@example(data=b"\xd0\xcf\x11\xe0")
@example(data=b"\xff\xfe\x00")
@example(data=b"[" * 5000)
@example(data=b'{"a":' * 3000)
@example(data=b"sep=;")
@example(data=b'"')
def test_arbitrary_bytes_are_read_or_refused_with_a_message(tmp_path: Path, data: bytes) -> None:
    check(tmp_path / "file", data)


@pytest.mark.slow
@RELAXED
@given(text=st.lists(PIECES, max_size=60).map("".join))
def test_arbitrary_text_is_read_or_refused_with_a_message(tmp_path: Path, text: str) -> None:
    check(tmp_path / "file", text.encode())


@pytest.mark.slow
@RELAXED
@given(
    seed=st.integers(0, 10_000),
    cuts=st.integers(1, 8),
    pieces=st.lists(PIECES, min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t| "),
)
def test_damaged_tables_lose_no_record(tmp_path: Path, seed: int, cuts: int, pieces: list[str], delimiter: str) -> None:
    rng = random.Random(seed)
    text = written(TABLE[:20], delimiter=delimiter, end=rng.choice(["\n", "\r\n"]))
    for piece in pieces[:cuts]:
        at = rng.randrange(len(text))
        text = text[:at] + piece + text[at + rng.randrange(3) :]
    check(tmp_path / "file", text.encode())


@pytest.mark.slow
@RELAXED
@given(
    seed=st.integers(0, 10_000),
    pieces=st.lists(st.sampled_from(['"', ",", "\n", "\r", "\x00", '""', "a\nb", "\n\n"]), max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_the_fast_path_parses_multi_line_records_like_the_careful_path(
    tmp_path: Path, seed: int, pieces: list[str], end: str
) -> None:
    rng = random.Random(seed)
    rows = [[cell.replace("gift", 'gift\n"for, you"\n') for cell in row] for row in TABLE]
    text = written(rows, end=end)
    for piece in pieces:
        at = rng.randrange(len(text))
        text = text[:at] + piece + text[at:]
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for least in (1, 1_000_000):
            patch.setattr(csv_structure, "MANY_ODD_LINES", least)
            found.append(_records(path))
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_block_boundaries_do_not_change_the_records(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    rows = [[cell.replace("gift", "gift\nfor you") for cell in row] for row in TABLE]
    text = written(rows, end=rng.choice(["\n", "\r\n", "\r"]))
    for piece in rng.choices(['"', ",", "\n", "", "\x00"], k=4):
        at = rng.randrange(len(text))
        text = text[:at] + piece + text[at:]
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8", newline="")
    whole = _records(path)
    for block in (64, 500, 3_000):
        monkeypatch.setattr(csv_table, "BLOCK", block)
        assert _records(path) == whole


def _records(path: Path) -> tuple[list[object], list[object]]:
    with open_source(path) as source:
        batches = list(source.batches())
    good = [(line, row) for b in batches for line, row in zip(b.lines, b.records.rows(), strict=True)]
    return good, [row for b in batches for row in b.rejected.rows()]
