"""The cached index matches the folder after any change of either."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from ckm import kb
from ckm._kb import index_cache as cache
from ckm._kb.cache_folder import cache_folder
from ckm._kb.index_cache import open_index
from tests._kb.kb_files import replace_unseen, small_base, write_entry
from tests.conftest import ROOT

DAY = date(2026, 6, 30)
ASK = """
import sys
from datetime import date
from pathlib import Path
from ckm import kb
print([hit.id for hit in kb.search(Path(sys.argv[1]), "parcel late", as_of=date(2026, 6, 30)).hits])
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CKM_CACHE", str(tmp_path / "cache"))
    return small_base(tmp_path / "kb")


def found(base: Path, query: str = "parcel late") -> list[str]:
    return [hit.id for hit in kb.search(base, query, as_of=DAY).hits]


def place(base: Path) -> Path:
    return cache_folder(base) / cache.PLACE


def indexes(base: Path) -> list[Path]:
    return list(place(base).glob(f"{cache.INDEX}*"))


def test_a_second_search_uses_the_index_of_the_first(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = found(base)
    monkeypatch.setattr(cache, "_records", None)
    assert found(base) == expected


@pytest.mark.slow
def test_the_next_search_uses_new_changed_and_removed_files(base: Path) -> None:
    found(base)
    path = write_entry(base, "deep/fresh", "Zebra crossing")
    assert found(base, "zebra") == ["fresh"]
    write_entry(base, "deep/fresh", "Giraffe crossing")
    assert (found(base, "zebra"), found(base, "giraffe")) == ([], ["fresh"])
    path.unlink()
    assert found(base, "giraffe") == []


@pytest.mark.skipif(os.name == "nt", reason="no time of change there")
@pytest.mark.parametrize("small", [0, 300])
def test_changed_content_with_equal_size_and_time_is_indexed(
    base: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "ALWAYS_REBUILT", small)
    monkeypatch.setattr(cache, "REBUILD_SHARE", 0.5)
    os.utime(base / "red.yaml", ns=(10**18, 10**18))
    assert found(base, "zebras") == []
    replace_unseen(base / "red.yaml", "widget", "zebras")
    assert found(base, "zebras") == ["red"]


@pytest.mark.slow
def test_the_index_of_a_large_base_is_updated_and_not_rebuilt(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "ALWAYS_REBUILT", 3)
    found(base)
    (before,) = indexes(base)
    write_entry(base, "fresh", "Zebra crossing")
    (base / "blue.yaml").unlink()
    monkeypatch.setattr(cache, "REBUILD_SHARE", 0.5)
    assert (found(base, "zebra"), found(base, "blue")) == (["fresh"], [])
    assert indexes(base) == [before]
    for number in range(9):
        write_entry(base, f"more{number}", "Zebra crossing")
    assert len(found(base, "zebra")) == 10
    assert indexes(base) != [before]


@pytest.mark.slow
def test_an_updated_index_has_the_hits_of_a_new_one(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "ALWAYS_REBUILT", 0)
    monkeypatch.setattr(cache, "REBUILD_SHARE", 100.0)
    dice = random.Random(0)
    for step in range(6):
        name = dice.choice(("a", "b", "c"))
        if (base / f"{name}.yaml").exists() and dice.random() < 0.5:
            (base / f"{name}.yaml").unlink()
        else:
            write_entry(base, name, f"Zebra {name} step {step}")
        kept = {hit.id: hit.title for hit in kb.search(base, "zebra", as_of=DAY).hits}
        new = cache._in_memory(base, cache.no_progress, "")
        fresh = kb.KnowledgeBase(new).search("zebra", kb.Scope(DAY))
        assert kept == {hit.id: hit.title for hit in fresh.hits}


def test_deleting_the_cache_is_harmless(base: Path) -> None:
    import shutil

    expected = found(base)
    shutil.rmtree(cache_folder(base))
    assert found(base) == expected


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state.write_bytes(b""),
        lambda state: state.write_bytes(b"{}\n"),
        lambda state: state.write_bytes(b"\xff\x00" * 50),
        lambda state: state.write_bytes(state.read_bytes()[:-40]),
        lambda state: state.write_text('{"format": 1, "index": "../../etc"}\n'),
        lambda state: [each.write_bytes(b"") for each in state.parent.glob("index.*/*.store")],
        lambda state: [each.write_bytes(each.read_bytes()[:-3]) for each in state.parent.glob("index.*/*.term")],
        lambda state: [each.unlink() for each in state.parent.glob("index.*/meta.json")],
        lambda state: [each.write_text("{}") for each in state.parent.glob("index.*/meta.json")],
        lambda state: (state.unlink(), (state.parent / "index.00000000").mkdir()),
    ],
    ids=["empty", "keyless", "binary", "short", "foreign", "no store", "torn", "no meta", "other meta", "half-built"],
)
def test_a_damaged_foreign_or_incomplete_index_is_rebuilt(base: Path, damage: object) -> None:
    expected = found(base)
    assert callable(damage)
    damage(place(base) / cache.STATE)
    write_entry(base, "deep/fresh", "Zebra crossing")
    assert found(base) == expected
    assert found(base, "zebra") == ["fresh"]
    assert len(indexes(base)) == 1


def test_an_index_of_another_format_is_rebuilt(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(base)
    before = indexes(base)
    monkeypatch.setattr(cache, "FORMAT", "next")
    found(base)
    assert indexes(base) != before


def test_only_the_owner_can_read_the_cache(base: Path) -> None:
    found(base)
    for folder in (place(base), place(base).parent, place(base).parents[2]):
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("blocked", ["root", "place"])
def test_without_a_writable_cache_the_index_is_in_memory_and_a_remark_says_so(base: Path, blocked: str) -> None:
    file = Path(os.environ["CKM_CACHE"]) if blocked == "root" else place(base)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("not a folder")
    result = kb.search(base, "parcel late", as_of=DAY)
    assert result.hits
    assert "built for each search" in result.remarks[0]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners")
def test_a_cache_folder_of_another_user_is_not_used(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found(base)
    real = place(base).stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: real + 1)
    if real != 0:
        assert "another user" in kb.search(base, "parcel", as_of=DAY).remarks[0]


def test_unreadable_entries_are_counted_also_from_the_cache(base: Path) -> None:
    (base / "broken.yaml").write_text("id: [")
    for _ in range(2):
        assert open_index(base).left_out == 1


@pytest.mark.slow
def test_concurrent_searches_without_an_index_have_equal_hits_and_build_one_index(base: Path) -> None:
    for number in range(150):
        write_entry(base, f"more/{number}", f"Something about widget {number}")
    running = [start(base) for _ in range(6)]
    answers = {process.communicate(timeout=120)[0] for process in running}
    assert len(answers) == 1
    assert "late" in answers.pop()
    assert len(indexes(base)) == 1


@pytest.mark.slow
def test_a_search_after_a_killed_one_has_correct_hits(base: Path) -> None:
    for number in range(120):
        write_entry(base, f"more/{number}", f"Something about widget {number}")
    dice = random.Random(1)
    for step in range(4):
        write_entry(base, "deep/fresh", f"Zebra number{step}")
        process = start(base)
        time.sleep(dice.uniform(0.1, 0.8))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert found(base, f"number{step}")[:1] == ["fresh"]
        assert len(indexes(base)) == 1


def test_the_next_search_removes_the_old_index_of_a_killed_process(base: Path) -> None:
    found(base)
    left = indexes(base)[0].parent / "index.0badf00d"
    shutil.copytree(indexes(base)[0], left)
    found(base)
    assert len(indexes(base)) == 1
    assert not left.exists()


def start(base: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(base)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
