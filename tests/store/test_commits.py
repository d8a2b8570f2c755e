"""The cache of commits never contradicts the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ckm.store import Store
from ckm.store.commits import COMMITS_FILE, commits
from tests.store.shop import load

Lines = list[bytes]
CHANGES: dict[str, Callable[[Lines], Lines]] = {
    "is empty": lambda lines: [],
    "is cut in a line": lambda lines: [*lines[:-1], lines[-1][:50]],
    "lacks its last line": lambda lines: lines[:-1],
    "lacks a line": lambda lines: [lines[0], *lines[2:]],
    "has garbage in a line": lambda lines: [lines[0], b'{"version":1,garbage\n', *lines[2:]],
    "has another name in a line": lambda lines: [lines[0], lines[1].replace(b'"jan"', b'"may"'), *lines[2:]],
    "has its lines in another order": lambda lines: [lines[1], lines[0], *lines[2:]],
    "is of another table": lambda lines: [line.replace(b'"check":', b'"check":1') for line in lines],
    "is nested deeply": lambda lines: [b"[" * 100_000, b"\n"],
    "has a line too many": lambda lines: [*lines, lines[-1]],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
def test_a_cache_that_was_changed_is_ignored_and_written_again(kind: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("jan", "feb", "mar"):
        load(store, [(name, "1", "a", 1.0)], name)
    path = tmp_path / "orders" / COMMITS_FILE
    written = path.read_bytes()
    path.write_bytes(b"".join(CHANGES[kind](written.splitlines(keepends=True))))
    assert [found.facts.file for found in store.history()] == ["jan", "feb", "mar"]
    load(store, [("4", "1", "a", 1.0)], "apr")
    assert path.read_bytes().startswith(written)
    whole = commits(tmp_path / "orders", 4)
    path.unlink()
    assert commits(tmp_path / "orders", 4) == whole
