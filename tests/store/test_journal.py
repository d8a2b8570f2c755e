"""An unreadable journal is renamed; the next writer recovers by the logs."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.crash import half_made, orphans
from ckm.store import Store
from ckm.store.journal import JOURNAL_FILE
from ckm.store.log import DamagedStoreError
from tests.store.death import dying_after
from tests.store.shop import contents, load
from tests.store.test_crash import load_first, load_second, state

# A Parquet writer that died with its process tries to close its file once more when Python clears it away.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

WHOLE = {
    "load_id": "0123456789ab", "table": "orders", "app_id": "x", "mark": 1, "file_id": "", "source": "orders",
    "undoes": None, "supersedes": [],
}  # fmt: skip


def _text(**other: object) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps(WHOLE | other), encoding="utf-8")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.touch(),
    "zeros": lambda path: path.write_bytes(bytes(512)),
    "no UTF-8": lambda path: path.write_bytes(b"\xff\xfe{}"),
    "cut short": lambda path: path.write_text(json.dumps(WHOLE)[:40], encoding="utf-8"),
    "of another program": lambda path: path.write_text('{"entries": []}', encoding="utf-8"),
    "a list": lambda path: path.write_text("[]", encoding="utf-8"),
    "nested deeply": lambda path: path.write_text("[" * 100_000, encoding="utf-8"),
    "with a key more": _text(more=1),
    "of a table elsewhere": _text(table="../outside"),
    "of every load": _text(load_id="*"),
    "with a mark that is no number": _text(mark="1"),
    "a folder": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_an_unreadable_journal_is_renamed_and_the_next_load_is_committed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("ckm"), "propagate", True)
    store = Store(tmp_path / "store")
    store.root.mkdir()
    outside = tmp_path / "outside/0123456789ab-0000-0000.parquet"
    outside.parent.mkdir()
    outside.touch()
    FOREIGN[kind](store.root / JOURNAL_FILE)
    with caplog.at_level(logging.WARNING, "ckm.store"):
        load(store, [("1", "1", "a", 1.0)], "jan")
    assert contents(store) == [("1", "1", "a", 1.0)]
    assert sorted(path.name for path in store.root.glob(".journal*")) == [".journal-set-aside-1"]
    assert "was renamed to .journal-set-aside-1" in caplog.text
    assert outside.exists()


def test_each_renamed_journal_has_its_own_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for text in ("first", "second"):
        (tmp_path / JOURNAL_FILE).write_text(text, encoding="utf-8")
        with store.locked():
            pass
    assert [(tmp_path / f".journal-set-aside-{n}").read_text(encoding="utf-8") for n in (1, 2)] == ["first", "second"]


@pytest.mark.slow
def test_a_killed_load_without_its_journal_is_complete_or_absent(tmp_path: Path) -> None:
    prepared = Store(tmp_path / "prepared")
    load_first(prepared)
    old = state(prepared)
    whole = Store(Path(shutil.copytree(prepared.root, tmp_path / "whole")))
    with dying_after(None) as clock:
        load_second(whole)
    new = state(whole)
    lost = 0
    for moment in range(1, clock.changes, 2):
        store = Store(Path(shutil.copytree(prepared.root, tmp_path / f"dead-{moment}")))
        with dying_after(moment):
            load_second(store)
        if not (store.root / JOURNAL_FILE).exists():
            continue
        lost += 1
        (store.root / JOURNAL_FILE).write_bytes(b"")
        with store.locked():
            found = state(store)
        assert found in (old, new), f"died before change {moment} of {clock.changes}"
        assert [*orphans(store.root), *half_made(store.root)] == []
        if found != new:
            load_second(store)
        assert state(store) == new
    assert lost > 3


def test_data_without_log_and_journal_are_named_and_not_deleted(tmp_path: Path) -> None:
    """A killed first load looks like a table whose log was lost, so its files are kept."""
    store = Store(tmp_path)
    load(store, [("1", "1", "a", 1.0)], "jan")
    shutil.rmtree(tmp_path / "orders/_delta_log")
    (tmp_path / JOURNAL_FILE).touch()
    with pytest.raises(DamagedStoreError, match=r"orders: the folder has data files .* and no log"):
        load(store, [("2", "1", "a", 1.0)], "feb")
    assert list((tmp_path / "orders").glob("*.parquet"))


def test_the_journal_is_flushed_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a power cut could leave an empty journal."""
    from ckm.store import journal

    done: list[str] = []
    monkeypatch.setattr(journal.os, "fsync", lambda number: done.append("flushed"))
    monkeypatch.setattr(journal, "flush_folder", lambda folder: done.append("folder flushed"))
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, to: [done.append("renamed"), replace(path, to)][1])
    journal.begin(tmp_path, journal.Entry("0123456789ab", "orders", "x", 1))
    assert done == ["flushed", "renamed", "folder flushed"]
