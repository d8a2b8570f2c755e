"""The cache of entries gives the same result as reading all files, whatever happened to files or cache."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ckm._kb import entry_files as reading
from ckm._kb.cache_file import TICK_NS, is_settled, read_body, write_cache_file
from ckm._kb.cache_folder import cache_folder, cache_root
from ckm._kb.entry_cache import NAME, read_cached
from ckm._kb.entry_files import EntryCollection, read_folder
from ckm._kb.file_listing import files

from .bases import full, smallest, write
from .kb_files import replace_unseen


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    write(tmp_path / "kb", full("a"), smallest("b") + "mood: x\n", name="one.yaml")
    write(tmp_path / "kb", "id: [\n", name="two.yaml")
    age(tmp_path / "kb")
    return tmp_path / "kb"


def age(folder: Path) -> None:
    """Make files look old, and wait until they count as settled."""
    for path in folder.rglob("*.yaml"):
        os.utime(path, ns=(10**18, 10**18))
    time.sleep(2 * TICK_NS / 1e9)


def kept(kb: Path) -> EntryCollection:
    return read_cached(kb, files(kb), kb.parent / "place")


def test_cached_entries_equal_the_entries_read(kb: Path) -> None:
    assert kept(kb) == read_folder(kb) == kept(kb)
    assert [each.plain for each in kept(kb).entries] == [each.plain for each in read_folder(kb).entries]
    assert [each.lines for each in kept(kb).entries] == [each.lines for each in read_folder(kb).entries]


def test_an_unchanged_file_is_not_opened_again(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kept(kb)
    monkeypatch.setattr(reading, "read_file", None)
    assert kept(kb) == first


def test_changed_new_and_removed_files_update_the_cache(kb: Path) -> None:
    kept(kb)
    write(kb, full("a", 1), name="one.yaml")
    write(kb, smallest("new"), name="three.yaml")
    (kb / "two.yaml").unlink()
    assert kept(kb) == read_folder(kb)
    assert [each.id for each in kept(kb).entries] == ["a", "new"]


def test_a_file_changed_within_a_clock_tick_of_the_cache_is_read_again(kb: Path) -> None:
    write(kb, smallest("x1"), name="one.yaml")
    kept(kb)
    at = (kb / "one.yaml").stat().st_mtime_ns
    write(kb, smallest("x2"), name="one.yaml")
    os.utime(kb / "one.yaml", ns=(at, at))
    written = kb.parent / "place" / NAME
    os.utime(written, ns=(at + 1, at + 1))
    assert [each.id for each in kept(kb).entries] == ["x2"]
    assert not is_settled(at, at + 1)


@pytest.mark.skipif(os.name == "nt", reason="no time of change there")
def test_changed_content_with_equal_size_and_time_is_read_again(kb: Path) -> None:
    write(kb, smallest("x1"), name="one.yaml")
    age(kb)
    kept(kb)
    time.sleep(2 * TICK_NS / 1e9)
    replace_unseen(kb / "one.yaml", "x1", "x2")
    assert [each.id for each in kept(kb).entries] == ["x2"]


@pytest.mark.parametrize("damage", [b"", b"rubbish", b"{}", b"ckm 0 entries\n{}", None])
def test_a_damaged_or_foreign_cache_file_is_ignored(kb: Path, damage: bytes | None) -> None:
    kept(kb)
    path = kb.parent / "place" / NAME
    path.write_bytes(path.read_bytes()[:-10] if damage is None else damage)
    assert kept(kb) == read_folder(kb)
    path.unlink()
    assert kept(kb) == read_folder(kb)


def test_a_cache_folder_that_cannot_be_written_is_not_an_error(kb: Path) -> None:
    (kb.parent / "place").write_text("a file", encoding="utf-8")
    assert kept(kb) == read_folder(kb)


def test_a_cache_file_of_another_kind_is_ignored(tmp_path: Path) -> None:
    write_cache_file(tmp_path / "a.json", "this", [1, "ä", None])
    assert read_body(tmp_path / "a.json", "this") == [1, "ä", None]
    assert read_body(tmp_path / "a.json", "that") is None


def test_the_cache_is_in_the_cache_folder_of_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKM_CACHE", str(tmp_path / "mine"))
    assert cache_root() == tmp_path / "mine"
    monkeypatch.delenv("CKM_CACHE")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("ckm._kb.cache_folder.sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "ckm"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == tmp_path / ".cache" / "ckm"
    monkeypatch.setattr("ckm._kb.cache_folder.sys.platform", "darwin")
    assert cache_root() == tmp_path / "Library" / "Caches" / "ckm"
    monkeypatch.setattr("ckm._kb.cache_folder.sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_root() == tmp_path / "local" / "ckm" / "Cache"


def test_two_paths_of_a_folder_have_one_cache(tmp_path: Path) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kb")
    assert (
        cache_folder(tmp_path / "kb") == cache_folder(tmp_path / "link") == cache_folder(tmp_path / "kb" / ".." / "kb")
    )
    assert cache_folder(tmp_path / "kb") != cache_folder(tmp_path)
