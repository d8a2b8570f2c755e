"""``audience new`` killed before any of its writes leaves no incomplete file, and a repeated call completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ckm.assignments import ASSIGNMENT, MEMBERS
from tests._outcome.shop import STARTED, make_shop

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")]
PROGRAM = """
import os, signal, sys
left = int(sys.argv[1])
def hook(event, arguments):
    global left
    path = str(arguments[0]) if arguments else ""
    writes = event in ("os.rename", "os.mkdir", "os.remove") or (event == "open" and arguments[2] & (1 | 64))
    if writes and "audiences" in path:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
from ckm.audience import new, show
sys.addaudithook(hook)
new(sys.argv[2], "may", origin=sys.argv[2] + "/list.csv", as_of=__import__("datetime").date.fromisoformat(sys.argv[3]))
"""
"""Creates an audience; the process kills itself before the given write, rename or new folder below ``audiences/``."""
MOST_WRITES = 40


def call(shop: Path, kill_at: int) -> int:
    words = [sys.executable, "-c", PROGRAM, str(kill_at), str(shop), STARTED]
    return subprocess.run(words, check=False, capture_output=True).returncode


def written(shop: Path) -> dict[str, bytes]:
    folder = shop / "audiences" / "may"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def test_a_killed_audience_is_absent_or_whole_and_the_next_call_completes_it(tmp_path: Path) -> None:
    whole = make_shop(tmp_path / "whole")
    assert call(whole, 0) == 0
    complete = written(whole)
    assert set(complete) == {ASSIGNMENT, MEMBERS}
    killed = 0
    shop = make_shop(tmp_path / "shop")
    for kill_at in range(1, MOST_WRITES):
        code = call(shop, kill_at)
        found = written(shop)
        for name in (ASSIGNMENT, MEMBERS):
            assert name not in found or found[name] == complete[name]
        assert MEMBERS not in found or ASSIGNMENT in found
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        assert call(shop, 0) == 0
        assert {name: found for name, found in written(shop).items() if name in complete} == complete
        for path in sorted((shop / "audiences").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (shop / "audiences").rmdir()
    assert killed >= 5
