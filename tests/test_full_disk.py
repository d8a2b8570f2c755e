"""A full disk: the error names its place (store, output or temporary files), and no file is half-written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ckm.store import Store
from tests.conftest import ROOT, Run
from tests.folder_names import orders

if sys.platform == "win32":
    pytest.skip("limits of POSIX", allow_module_level=True)

import resource


@pytest.fixture
def shop(tmp_path: Path, run: Run) -> Path:
    (tmp_path / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    (tmp_path / "orders.csv").write_text(orders(40), encoding="utf-8")
    (tmp_path / "more.csv").write_text(orders(300), encoding="utf-8")
    done = run("ingest", tmp_path / "orders.csv", "--as", "transactions", "-C", tmp_path)
    assert done.exit_code == 0, done.output
    return tmp_path


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let every write beyond so many bytes of a file fail, as on a full disk; Python ignores the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
def test_a_load_without_disk_space_names_the_store_and_does_not_change_it(shop: Path, run: Run) -> None:
    words = ["ingest", shop / "more.csv", "--as", "transactions", "-C", shop]
    with no_file_above(12_000):
        done = run(*words)
    assert done.exit_code == 2, done.output
    assert f"cannot write {shop / 'store'}: the disk is full" in done.stderr
    assert "hint: free some space; the store is unchanged" in done.stderr
    assert len(Store(shop / "store").history()) == 1
    assert run(*words).exit_code == 0
    assert {str(found.state) for found in Store(shop / "store").verify()} == {"verified"}
    assert not list((shop / "store").glob(".journal*"))


@pytest.mark.slow
def test_a_load_without_space_for_temporary_files_names_their_folder(shop: Path, run: Run) -> None:
    with no_file_above(5_000):
        done = run("ingest", shop / "more.csv", "--as", "transactions", "-C", shop)
    assert done.exit_code == 2, done.output
    assert f"cannot write temporary files in {tempfile.gettempdir()}: File too large" in done.stderr
    assert "TMPDIR" in done.stderr
    assert len(Store(shop / "store").history()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["out.csv", "out.json", "out.parquet", pytest.param("out.html", marks=pytest.mark.slow)]
)
def test_an_output_without_disk_space_is_named_and_the_old_file_is_kept(name: str, shop: Path, run: Run) -> None:
    path = shop / "out" / name
    path.parent.mkdir()
    path.write_text("old", encoding="utf-8")
    words = ["loyalty-report"] if path.suffix == ".html" else ["segment", "--features"]
    with no_file_above(1_000):
        done = run(*words, shop / "orders.csv", "-o", path)
    assert done.exit_code == 2, done.output
    assert f"cannot write {path}: " in done.stderr
    assert "hint: " in done.stderr
    assert [each.name for each in path.parent.iterdir()] == [name]
    assert path.read_text(encoding="utf-8") == "old"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KB; only root can have one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.slow
def test_the_error_names_the_full_disk(small_disk: Path, shop: Path) -> None:
    """The same copy of standard input, the same workbook: one time TMPDIR is full, one time the place of the output."""

    def ckm(*words: object, temporary: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ckm", *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=shop,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        )

    large = orders(400) * 8
    (shop / "large.csv").write_text(large, encoding="utf-8")
    (shop / "tmp").mkdir()
    spooled = ckm("inspect", "-", temporary=small_disk, stdin=large)
    assert spooled.returncode == 2, spooled
    assert f"cannot write temporary files in {small_disk}: No space left on device" in spooled.stderr
    assert "TMPDIR" in spooled.stderr
    book = small_disk / "out.xlsx"
    (small_disk / "fill").write_bytes(bytes(398_000))
    written = ckm("segment", "large.csv", "--features", "-o", book, temporary=shop / "tmp")
    assert written.returncode == 2, written
    assert f"cannot write {book}: No space left on device" in written.stderr
    assert "Traceback" not in written.stderr
    assert [path.name for path in small_disk.iterdir()] == ["fill"]
    assert not list((shop / "tmp").iterdir())
