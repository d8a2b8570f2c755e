"""A command that ends in any way leaves no temporary file; closed streams have documented exit codes."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ckm.files import OWNER
from ckm.store import Store
from tests.conftest import ROOT, Run
from tests.folder_names import orders

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals and descriptors of POSIX"),
    pytest.mark.slow,
]

HOLD = """
import ctypes, signal, sys, time
from pathlib import Path
from ckm import cli, process
from ckm.files import replacing, temporary_folder

@cli.app.command("hold")
def hold(name: str) -> None:
    with replacing(Path(name)) as draft:
        draft.write_text("customer\\n")
        (temporary_folder() / "rows").write_text("customer\\n")
        print("ready", flush=True)
        if "stuck" in name:  # in a library: the main thread sees no signal, as in a long query
            process.GRACE = 0.2
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            ctypes.CDLL(None).sleep(60)
        time.sleep(60)
cli.main()
"""
"""A command that writes a file and does not come to an end."""


class Process:
    """A command under way, with its output so far."""

    def __init__(self, words: list[object], folder: Path, *, ignore_hangup: bool = False) -> None:
        def prepare() -> None:
            signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore_hangup else signal.SIG_DFL)

        self.process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=prepare,
        )

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code and stderr."""
        self.process.send_signal(number)
        _, stderr = self.process.communicate(timeout=120)
        return self.process.returncode, stderr.decode()


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


@contextmanager
def started(count: int, start: Callable[[int], Process]) -> Iterator[list[Process]]:
    processes = [start(number) for number in range(count)]
    try:
        yield processes
    finally:
        for each in processes:
            if each.process.poll() is None:
                each.process.kill()
                each.process.communicate()


def test_a_temporary_output_is_private_and_removed_with_the_process(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next writer into the same folder removes what SIGKILL left, and nothing of those who live."""
    names = ["term.csv", "hup.csv", "kill.csv", "stuck.csv", "nohup.csv"]
    (tmp_path / "tmp").mkdir()
    (tmp_path / "hold.py").write_text(HOLD, encoding="utf-8")
    with started(
        len(names), lambda n: Process(["hold.py", "hold", names[n]], tmp_path, ignore_hangup=names[n] == "nohup.csv")
    ) as processes:
        for each in processes:
            assert each.process.stdout is not None
            assert each.process.stdout.readline() == b"ready\n"
        term, hup, kill, stuck, nohup = processes
        made = [*tmp_path.glob(".*.part"), *(tmp_path / "tmp").rglob("rows"), *(tmp_path / "tmp").glob(f"*/{OWNER}")]
        assert len(made) == 15
        assert {stat.S_IMODE(path.parent.stat().st_mode) for path in (tmp_path / "tmp").rglob("rows")} == {0o700}
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob(".*.part")} == {0o600}
        nohup.process.send_signal(signal.SIGHUP)
        assert term.end(signal.SIGTERM) == (143, "terminated\n")
        assert hup.end(signal.SIGHUP) == (129, "hung up\n")
        assert stuck.end(signal.SIGTERM)[0] == 143
        assert kill.end(signal.SIGKILL)[0] == -signal.SIGKILL
        assert nohup.process.poll() is None
        assert sorted(path.name.split(".")[1] for path in tmp_path.glob(".*.part")) == ["kill", "nohup"]
        assert len(list((tmp_path / "tmp").iterdir())) == 2
        (tmp_path / "orders.csv").write_text(orders(40), encoding="utf-8")
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        done = run("segment", tmp_path / "orders.csv", "-o", tmp_path / "out.xlsx")
        assert done.exit_code == 0, done.output
        assert [path.name.split(".")[1] for path in tmp_path.glob(".*.part")] == ["nohup"]
        assert len(list((tmp_path / "tmp").rglob("rows"))) == 1
        assert nohup.end(signal.SIGTERM)[0] == 143
    assert not list(tmp_path.glob(".*.part"))
    assert not list((tmp_path / "tmp").rglob("rows"))
    assert not list(tmp_path.glob("*hup.csv"))


def test_an_ingest_from_a_pipe_leaves_no_copy_of_its_rows(tmp_path: Path, run: Run) -> None:
    """Standard input is copied to a temporary file first: it is read more than once."""
    (tmp_path / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    (tmp_path / "tmp").mkdir()
    words: list[object] = ["-m", "ckm", "ingest", "-", "--as", "transactions"]
    with started(3, lambda n: Process(words, tmp_path)) as processes:
        for each in processes:
            assert each.process.stdin is not None
            each.process.stdin.write(orders(400).encode() * 50)
            each.process.stdin.flush()
        until(lambda: len(_spools(tmp_path)) == 3 and all(path.stat().st_size for path in _spools(tmp_path)))
        assert {stat.S_IMODE(path.stat().st_mode) for path in _spools(tmp_path)} == {0o600}
        assert {stat.S_IMODE(path.parent.stat().st_mode) for path in _spools(tmp_path)} == {0o700}
        term, hup, kill = processes
        assert term.end(signal.SIGTERM) == (143, "terminated\n")
        assert hup.end(signal.SIGHUP) == (129, "hung up\n")
        assert kill.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert len(_spools(tmp_path)) == 1
    last = subprocess.run(
        [sys.executable, *map(str, words)],
        input=orders(40).encode(),
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")},
    )
    assert last.returncode == 0, last.stderr
    assert list((tmp_path / "tmp").iterdir()) == []
    assert len(Store(tmp_path / "store").history()) == 1


def _spools(folder: Path) -> list[Path]:
    return [path for path in (folder / "tmp").glob("ckm-*/*") if path.name != OWNER]


LOADING = """
import sys, time
from pathlib import Path
from ckm import cli
from ckm.store import Store
from tests.store import shop

@cli.app.command("hold")
def hold() -> None:
    def wait(*_: object) -> None:
        print("ready", flush=True)
        time.sleep(60)
    shop.quarantined = wait
    shop.load(Store(Path("store")), [("2", "1", "secret", 2.0)], "feb", bad=1)
cli.main()
"""


def test_a_load_that_a_signal_ended_leaves_no_rows_and_no_files(tmp_path: Path) -> None:
    from tests.store.shop import contents, load

    store = Store(tmp_path / "store")
    load(store, [("1", "1", "a", 1.0)], "jan")
    (tmp_path / "tmp").mkdir()
    with started(1, lambda _: Process(["-c", LOADING, "hold"], tmp_path)) as [loading]:
        assert loading.process.stdout is not None
        assert loading.process.stdout.readline() == b"ready\n"
        assert loading.end(signal.SIGTERM) == (143, "terminated\n")
    assert contents(store) == [("1", "1", "a", 1.0)]
    load(store, [("3", "1", "a", 3.0)], "mar")
    assert contents(store) == [("1", "1", "a", 1.0), ("3", "1", "a", 3.0)]
    assert {str(found.state) for found in store.verify()} == {"verified"}
    assert not list(store.root.glob(".journal*"))


STREAMS: dict[str, tuple[str, int, str, str]] = {
    "closed stdin": ("ingest - --as transactions <&-", 2, "", "standard input is closed"),
    "closed stderr": ("nope 2>&-", 2, "", ""),
    "full stdout": ("--version >/dev/full", 2, "", ": No space left on device"),
    "full stderr": ("--version 2>/dev/full", 0, "ckm ", ""),
    "all closed": ("ingest orders.csv --as transactions <&- >&- 2>&-", 2, "", ""),
    "closed stdout": ("ingest orders.csv --as transactions >&-", 2, "", "stdout: it is closed"),
    "closed stderr, with a result": ("ingest --history -f csv 2>&-", 0, "load_id", ""),
}


def test_closed_and_full_streams_have_documented_codes_and_no_traceback(tmp_path: Path) -> None:
    """No file takes the number of a closed stream: what is printed would land in the store."""
    (tmp_path / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    (tmp_path / "orders.csv").write_text(orders(40), encoding="utf-8")
    for words, code, stdout, stderr in STREAMS.values():
        if "/dev/full" in words and not Path("/dev/full").exists():
            continue
        done = subprocess.run(
            [shutil.which("sh") or "/bin/sh", "-c", f'"{sys.executable}" -m ckm {words}'],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == code, (words, done)
        assert done.stdout.startswith(stdout) if stdout else done.stdout == "", words
        assert stderr in done.stderr, words
        assert "Traceback" not in done.stdout + done.stderr, words
    store = Store(tmp_path / "store")
    assert {str(found.state) for found in store.verify()} == {"verified"}
    assert len(store.history()) == 1
