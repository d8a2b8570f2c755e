"""Files with personal data are readable by their owner only, whatever the umask is."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm.files import created_for_owner, replacing
from ckm.identities import Identities, Link
from tests._privacy.shop import ANN, ANN_SHOP, make_shop
from tests.commands.test_loyalty_report import orders, write
from tests.conftest import Run

SHARED = (".gitignore", "ckm.yaml", ".yaml", ".html")
"""Ends of the names of files without personal data."""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def readable_for_others(root: Path) -> list[str]:
    """Return the files that other users can read, by the permissions of the file and of all folders above it."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.name.endswith(SHARED):
            between = [each for each in path.parents if each.is_relative_to(root)]
            if all(stat.S_IMODE(each.stat().st_mode) & 0o077 for each in [path, *between]):
                found.append(path.relative_to(root).as_posix())
    return found


def open_modes(root: Path) -> list[str]:
    """Return the files and folders with permissions for the group or for other users."""
    return [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and not path.name.endswith(SHARED)
    ]


@pytest.mark.slow
def test_every_file_of_a_workspace_with_personal_data_is_readable_by_its_owner_only(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = make_shop(tmp_path / "shop")
    with (root / "ckm.yaml").open("a") as settings:
        settings.write("\n")
    text = (root / "ckm.yaml").read_text().replace("log_queries: false", "log_queries: true")
    (root / "ckm.yaml").write_text(text)
    (root / "out" / "kb-queries.ndjson").unlink()
    Identities((Link(ANN_SHOP, ANN, person_id=ANN, by="Eve", on="2025-06-01"),)).write(root / "identities2.csv")
    for suffix in ("csv", "tsv", "parquet", "json", "ndjson", "md", "xlsx"):
        assert run("segment", root, "--by", "rfm", "-q", "-o", root / "lists" / f"rows.{suffix}").exit_code == 0
    run("segment", root, "--by", "lifecycle", "--save", "-q")
    run("inspect", root / "incoming" / "january.csv", "-o", root / "lists" / "clean.csv")
    run("inspect", root / "incoming" / "january.csv", "-o", root / "lists" / "clean.parquet")
    run("profile", ANN, "-C", root, "-o", root / "lists" / "ann.json")
    run("privacy", "export", ANN, "-C", root, "-o", root / "lists" / "ann-export.json")
    run("check", root, "-q", "-o", root / "lists" / "findings.csv")
    run("diff", root / "incoming" / "january.csv", root / "incoming" / "february.csv", "-o", root / "lists" / "d.csv")
    run("kb-search", "refund", "-C", root)
    run("link", "-C", root)
    run("nightly", "-C", root)
    assert run("privacy", "erase", "cus_1", "-C", root).exit_code == 0
    written = {path.name for path in root.rglob("*") if path.is_file()}
    assert {"rows.parquet", "clean.csv", "identities2.csv", "ann-export.json", "tombstones.csv"} <= written
    mine = ("incoming", "maps", "kb", "lists", "segments")  # the test wrote into the first, the others have no rows
    assert [name for name in open_modes(root) if name not in mine and not name.startswith("incoming/")] == []
    assert readable_for_others(root) == []
    assert readable_for_others(tmp_path / "cache") == []


@pytest.mark.slow
@pytest.mark.usefixtures("coarse")
def test_the_lists_of_the_report_are_readable_by_their_owner_only(tmp_path: Path, run: Run) -> None:
    shop = write(tmp_path / "orders.csv", orders())
    for suffix in ("xlsx", "json"):
        run("loyalty-report", shop, "--export", tmp_path / "lists", "-q", "-o", tmp_path / "lists" / f"report.{suffix}")
    run("churn-warn", shop, "-q", "-o", tmp_path / "lists" / "warnings.csv")
    assert {"customers.parquet", "at-risk.csv", "report.xlsx", "warnings.csv"} <= {
        each.name for each in (tmp_path / "lists").iterdir()
    }
    assert open_modes(tmp_path / "lists") == []


def test_a_result_of_the_python_api_is_readable_by_its_owner_only_and_an_existing_file_keeps_its_permissions(
    tmp_path: Path,
) -> None:
    orders = tmp_path / "orders.csv"
    rows = "".join(f"{each},c{each % 5},2025-01-{1 + each % 28:02},10,EUR\n" for each in range(60))
    orders.write_text(f"order_id,customer_id,ordered_at,net,currency\n{rows}")
    result = ckm.segment.segment(orders, by="rfm")
    new, old = tmp_path / "new.csv", tmp_path / "old.csv"
    old.touch()
    old.chmod(0o640)
    assert stat.S_IMODE(result.save(new).stat().st_mode) == 0o600
    assert stat.S_IMODE(result.save(old).stat().st_mode) == 0o640


def test_a_file_without_personal_data_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    with replacing(tmp_path / "page.html", shared=True) as draft:
        draft.write_text("x")
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o644


def test_files_in_a_folder_that_its_owner_opened_to_a_group_have_the_permissions_of_the_umask(tmp_path: Path) -> None:
    for name, mode, expected in (("group", 0o750, 0o644), ("own", 0o700, 0o600)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
        with created_for_owner(tmp_path / name):
            pl.DataFrame({"a": [1]}).write_parquet(tmp_path / name / "a.parquet")
        assert stat.S_IMODE((tmp_path / name / "a.parquet").stat().st_mode) == expected


def test_the_umask_is_restored_when_threads_leave_in_any_order(tmp_path: Path) -> None:
    inside, leave = threading.Barrier(2), threading.Event()

    def first() -> None:
        with created_for_owner(tmp_path / "absent"):
            inside.wait()
            leave.wait()

    thread = threading.Thread(target=first)
    thread.start()
    with created_for_owner(tmp_path / "absent"):
        inside.wait()
        leave.set()
        thread.join()
        assert os.umask(0o077) == 0o077
    assert os.umask(0o022) == 0o022
