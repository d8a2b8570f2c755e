"""A waiting writer names the owner of the lock, and waits at most ``--wait`` seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ckm.store import Store
from ckm.store.lock import BusyError, exclusive, held, owner
from tests.conftest import ROOT, Run
from tests.folder_names import orders

WRITERS = {
    "ingest": ["ingest", "orders.csv", "--as", "transactions"],
    "undo": ["ingest", "--undo", "orders.csv"],
    "segment": ["segment"],
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """A workspace with one load as the current folder; the owner file names ``ckm ingest``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    (tmp_path / "orders.csv").write_text(orders(40), encoding="utf-8")
    done = run("ingest", "orders.csv", "--as", "transactions")
    assert done.exit_code == 0, done.output
    monkeypatch.setattr(sys, "argv", ["/usr/bin/ckm", "ingest", "secret.csv", "-q"])
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param("ingest", marks=pytest.mark.slow), "undo", pytest.param("segment", marks=pytest.mark.slow)]
)
def test_a_writer_that_waited_too_long_ends_with_5_and_names_the_owner_of_the_lock(
    name: str, shop: Path, run: Run
) -> None:
    with exclusive(shop / "store"):
        done = run(*WRITERS[name], "--wait", "0.1", "-f", "csv")
    assert done.exit_code == 5, done.output
    assert f"held by ckm ingest (process {os.getpid()}, since " in done.stderr
    assert "hint: nothing was changed; the limit was --wait 0.1 (seconds)" in done.stderr
    assert "secret" not in done.output  # the owner file has no arguments of the command
    assert run(*WRITERS[name], "--wait", "0").exit_code == 0


@pytest.mark.slow
def test_a_waiting_process_names_the_owner_and_continues_when_the_lock_is_free(shop: Path) -> None:
    (shop / "more.csv").write_text(orders(50), encoding="utf-8")
    words = [sys.executable, "-m", "ckm", "ingest", "more.csv", "--as", "transactions", "-f", "json"]
    with exclusive(shop / "store"):
        waiting = subprocess.Popen(
            words,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
    stdout, _ = waiting.communicate(timeout=120)
    assert f"waiting for ckm ingest (process {os.getpid()}, since " in said
    assert waiting.returncode == 0
    [result] = json.loads(stdout)
    assert result["accepted"] > 10


def test_the_waiting_time_is_limited_in_python_too_and_readers_never_wait(tmp_path: Path) -> None:
    store = Store(tmp_path, wait=0)
    with exclusive(tmp_path):
        with pytest.raises(BusyError):
            store.undo("x")
        assert store.history() == []
        assert store.runs("segments") == []
    assert owner(tmp_path) is None


def test_without_a_readable_owner_file_no_owner_is_named(tmp_path: Path) -> None:
    for damage in (Path.unlink, lambda path: path.write_text("{}"), lambda path: path.write_bytes(b"\xff")):
        _holding(tmp_path, damage)


def _holding(root: Path, damage: Callable[[Path], object]) -> None:
    release, held = threading.Event(), threading.Event()

    def hold() -> None:
        with exclusive(root):
            damage(root / ".lock.owner")
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(30)
        with pytest.raises(BusyError, match="is held by another writer"), exclusive(root, 0.05):
            pass
    finally:
        release.set()
        holder.join()


def test_the_thread_that_holds_the_lock_may_enter_it_again_and_others_wait(tmp_path: Path) -> None:
    busy: list[BusyError] = []

    def enter() -> None:
        try:
            with exclusive(tmp_path, wait=0):
                pass
        except BusyError as error:
            busy.append(error)

    def is_busy_elsewhere() -> bool:
        busy.clear()
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        return bool(busy)

    with held(tmp_path, wait=0):
        for enter_again in (exclusive, held):
            with enter_again(tmp_path, wait=0), exclusive(tmp_path, wait=0):
                assert is_busy_elsewhere()
            assert is_busy_elsewhere()
            assert owner(tmp_path) is not None
    assert not is_busy_elsewhere()
    assert owner(tmp_path) is None
    with exclusive(tmp_path), pytest.raises(BusyError), exclusive(tmp_path, wait=0):
        pass
