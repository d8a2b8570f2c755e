"""Several processes give the same index documents as one."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from ckm._kb import index_workers as module
from ckm._kb.index_workers import reading
from tests._kb.kb_files import small_base, write_entry

FORKS = pytest.mark.skipif(sys.platform != "linux", reason="forking is for Linux")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for number in range(20):
        write_entry(tmp_path, f"n{number:02}", f"Entry {number} of many", "lang: en")
    (tmp_path / "zz-broken.yaml").write_text("id: [", encoding="utf-8")
    return small_base(tmp_path)


def names(base: Path) -> list[str]:
    return sorted(str(path.relative_to(base)) for path in base.rglob("*.yaml"))


@pytest.mark.slow
@FORKS
def test_several_processes_give_the_same_documents_in_the_same_order_as_one(base: Path) -> None:
    with reading(base, names(base), 1) as files:
        alone = list(files)
    with reading(base, names(base), 3) as files:
        assert list(files) == alone
    assert [file.left_out for file in alone][-1] == 1


@pytest.mark.slow
@FORKS
def test_files_of_a_process_that_dies_are_read_by_the_parent(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(base, names(base), 1) as files:
        alone = list(files)
    here, whole = os.getpid(), module._read

    def dies(folder: Path, name: str) -> module.File:
        if os.getpid() != here and name == "n05.yaml":
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(folder, name)

    monkeypatch.setattr(module, "_read", dies)
    with reading(base, names(base), 2) as files:
        assert list(files) == alone


@pytest.mark.slow
@FORKS
def test_a_reader_that_stops_early_does_not_block(base: Path) -> None:
    with reading(base, names(base), 2) as files:
        next(files)
