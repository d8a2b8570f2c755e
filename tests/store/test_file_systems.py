"""A store works on file systems without links and permissions, and on read-only ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run
from tests.folder_names import orders

REFUSING = """
#include <errno.h>
int link(const char *a, const char *b) { errno = EPERM; return -1; }
int linkat(int a, const char *b, int c, const char *d, int e) { errno = EPERM; return -1; }
#ifdef NO_SYMLINK
int symlink(const char *a, const char *b) { errno = EPERM; return -1; }
int symlinkat(const char *a, int b, const char *c) { errno = EPERM; return -1; }
#endif
int chmod(const char *a, unsigned b) { errno = EPERM; return -1; }
int fchmod(int a, unsigned b) { errno = EPERM; return -1; }
int fchmodat(int a, const char *b, unsigned c, int d) { errno = EPERM; return -1; }
"""
"""C library that refuses links and permissions as exFAT and many network mounts do; Rust calls the same functions."""


def session(root: Path, **environment: str) -> None:
    """Load twice, make a dry run, analyse and undo, in a process whose system calls go through the library."""
    incoming = root.parent / "orders.csv"
    later = root.parent / "later.csv"
    incoming.write_text(orders(20), encoding="utf-8")
    later.write_text(orders(25), encoding="utf-8")
    words = (
        ["init", root],
        ["ingest", "-C", root, incoming, "--as", "transactions", "--dry-run"],
        ["ingest", "-C", root, incoming, "--as", "transactions"],
        ["ingest", "-C", root, later, "--as", "transactions"],
        ["ingest", "-C", root, "--undo", "later.csv", "--dry-run"],
        ["ingest", "-C", root, "--undo", "later.csv"],
        ["segment", "-C", root, "-o", root / "out" / "s.csv"],
        ["segment", "-C", root, "-o", root / "out" / "s.csv"],  # replaces a file, whose permissions would be kept
    )
    script = "import sys\nfrom typer.testing import CliRunner\nfrom ckm.cli import app\n" + "".join(
        f"done = CliRunner().invoke(app, {[str(word) for word in each]!r})\nassert done.exit_code == 0, done.output\n"
        for each in words
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(root.rglob("*.part"))
    assert not list(root.rglob(".ckm-link-*"))


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="needs gcc and a loader that preloads"
)
@pytest.mark.parametrize("flags", [(), ("-DNO_SYMLINK",)], ids=["no-hard-links", "no-links"])
def test_a_store_needs_no_hard_links_no_symbolic_links_and_no_permissions(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    library = tmp_path / "refusing.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", *flags, "-x", "c", "-", "-o", library], input=REFUSING, text=True, check=True
    )
    session(tmp_path / "shop", LD_PRELOAD=str(library))


@pytest.fixture
def exfat(tmp_path: Path) -> Iterator[Path]:
    """A mounted exFAT file system; needs root, exfatprogs and exfat-fuse."""
    tools = ("mkfs.exfat", "mount.exfat-fuse", "losetup", "umount")
    if sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, tools)):
        pytest.skip("needs root, exfatprogs and exfat-fuse")
    image, place = tmp_path / "image", tmp_path / "mounted"
    with image.open("wb") as file:
        file.truncate(64 << 20)
    place.mkdir()
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    device = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True, check=False)
    if device.returncode:
        pytest.skip("no loop device")
    loop = device.stdout.strip()
    try:
        if subprocess.run(["mount.exfat-fuse", loop, place], capture_output=True, check=False).returncode:
            pytest.skip("exFAT cannot be mounted")
        try:
            yield place
        finally:
            subprocess.run(["umount", place], check=True)
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)


@pytest.mark.slow
def test_a_store_works_on_exfat(exfat: Path) -> None:
    (exfat / "my shop").mkdir()
    session(exfat / "my shop" / "ร้าน")


@pytest.mark.slow
def test_analyses_of_a_read_only_workspace_work_and_say_that_nothing_was_saved(run: Run, tmp_path: Path) -> None:
    """Use a real read-only mount if possible; else folders without write permission, which root ignores."""
    shop = tmp_path / "shop"
    data = tmp_path / "orders.csv"
    data.write_text(orders(20), encoding="utf-8")
    run("init", shop)
    assert run("ingest", "-C", shop, data, "--as", "transactions").exit_code == 0
    with read_only(shop):
        done = run("segment", "-C", shop, "-f", "json")
        assert done.exit_code == 0, done.output
        assert "neither definition nor run was saved" in done.stderr
        assert run("check", "-C", shop).exit_code == 0
        assert run("ingest", "-C", shop, "--history").exit_code == 0
        assert run("ingest", "-C", shop, data, "--as", "transactions", "--dry-run").exit_code == 0
        assert run("segment", "-C", shop, "--save", "mine").exit_code == 2
        assert run("ingest", "-C", shop, "--undo", "orders.csv").exit_code == 2
    assert not (shop / "segments").exists()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    if sys.platform == "linux" and os.geteuid() == 0:
        if subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode:
            pytest.skip("root without the right to mount")
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
            yield
        finally:
            subprocess.run(["umount", folder], check=True)
        return
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for each in folders:
        each.chmod(0o500)
    try:
        yield
    finally:
        for each in folders:
            each.chmod(0o700)
