"""``ckm check --verify`` lists every data file that differs from its commit, and no other."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ckm.store import Store, compaction, journal
from ckm.store.delta import StoredTable
from tests.conftest import Run
from tests.store.shop import load


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two loads, replaced and quarantined rows, and a saved run."""
    root = tmp_path_factory.mktemp("verify") / "shop"
    root.mkdir()
    (root / "ckm.yaml").write_text("currency: EUR\n", encoding="utf-8")
    store = Store(root / "store")
    load(store, [("1", "1", "a", 1.0), ("2", "1", "b", 2.0)], "jan", bad=1)
    load(store, [("1", "1", "a", 5.0), ("3", "1", "c", 3.0)], "feb")
    store.save_run("segments", "default", 1, date(2025, 1, 31), pl.DataFrame({"customer_id": ["a"]}), {})
    return root


def file_of(store: Path, table: str = "orders") -> Path:
    """Return a data file of the present version of the table, whose folder has files of older versions too."""
    return store / table / StoredTable(store / table).files[0].name


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _forget_digests(store: Path) -> None:
    for entry in (store / "orders/_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in entry.read_text(encoding="utf-8").splitlines()]
        for action in lines:
            if said := json.loads(action.get("commitInfo", {}).get("ckm_commit", "{}")):
                del said["digests"]
                action["commitInfo"]["ckm_commit"] = json.dumps(said)
        entry.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


DAMAGE: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a byte is another": (lambda store: _flip(file_of(store)), "orders", "changed"),
    "a byte of the quarantine is another": (lambda store: _flip(file_of(store, "quarantine")), "quarantine", "changed"),
    "a byte of a saved run is another": (
        lambda store: _flip(file_of(store, "runs_segments")),
        "runs_segments",
        "changed",
    ),
    "a byte of a replaced row is another": (
        lambda store: _flip(file_of(store, "orders_replaced")),
        "orders_replaced",
        "changed",
    ),
    "a byte is missing": (
        lambda store: file_of(store).write_bytes(file_of(store).read_bytes()[:-1]),
        "orders",
        "changed",
    ),
    "a file is missing": (lambda store: file_of(store).unlink(), "orders", "missing"),
    "a file has no commit": (
        lambda store: shutil.copy(file_of(store), store / "orders/0123456789ab-0000-0000.parquet"),
        "orders",
        "no commit",
    ),
    "an entry of the log is empty": (
        lambda store: (store / f"orders/_delta_log/{1:020}.json").write_bytes(b""),
        "orders",
        "damaged",
    ),
    "the log is gone": (lambda store: shutil.rmtree(store / "orders/_delta_log"), "orders", "no commit"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_every_changed_file_is_listed_with_exit_6(kind: str, prepared: Path, tmp_path: Path, run: Run) -> None:
    root = Path(shutil.copytree(prepared, tmp_path / "shop"))
    damage, table, state = DAMAGE[kind]
    damage(root / "store")
    done = run("check", "--verify", "-C", root, "-f", "json")
    assert done.exit_code == 6, done.output
    listed = {(row["table"], row["state"]) for row in json.loads(done.stdout)}
    assert (table, state) in listed
    assert {name for name, found in listed if found != "verified"} == {table}
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert error["code"] == "verification"
    assert table in error["message"]
    assert "backup" in error["hint"]


def test_a_sound_store_passes_and_lists_every_file_of_every_table(prepared: Path, run: Run) -> None:
    done = run("check", "--verify", "-C", prepared, "-f", "json")
    assert done.exit_code == 0, done.output
    listed = json.loads(done.stdout)
    assert {row["table"] for row in listed} == {"orders", "orders_replaced", "quarantine", "runs_segments"}
    assert {row["state"] for row in listed} == {"verified"}
    shown = run("check", "--verify", "-C", prepared, "-f", "table")
    assert f"{len(listed)} verified" in shown.stdout


def test_files_without_a_recorded_digest_pass_with_a_note(prepared: Path, tmp_path: Path, run: Run) -> None:
    root = Path(shutil.copytree(prepared, tmp_path / "shop"))
    _forget_digests(root / "store")
    done = run("check", "--verify", "-C", root, "-f", "csv")
    assert done.exit_code == 0, done.output
    assert "no digest" in done.stdout
    assert "only their size was verified" in done.stderr


def test_a_load_in_progress_is_not_damage(prepared: Path, tmp_path: Path, run: Run) -> None:
    root = Path(shutil.copytree(prepared, tmp_path / "shop"))
    store = Store(root / "store")
    with store.locked():
        journal.begin(store.root, journal.Entry("0123456789ab", "orders", "x", 1))
        shutil.copy(file_of(store.root), store.root / "orders/0123456789ab-0000-0000.parquet")
        done = run("check", "--verify", "-C", root, "-f", "csv")
    assert done.exit_code == 0, done.output
    assert "under way" in done.stdout


@pytest.mark.slow
def test_every_commit_records_the_digests_of_its_data_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writers are loads, replaced rows, quarantine, compaction, undos, saved runs and erasures."""
    monkeypatch.setattr(compaction, "FANOUT", 2)
    store = Store(tmp_path / "store")
    loads = [
        load(store, [("1", "1", "ab"[number % 2], float(number)), (str(number), "2", "a", 1.0)], f"f{number}", bad=1)
        for number in range(4)
    ]
    assert StoredTable(store.root / "orders").history(compaction.COMPACTION_KEY)
    _compare(store)
    store.undo(loads[1].load_id)
    _compare(store)
    store.save_run("segments", "default", 1, date(2025, 1, 31), pl.DataFrame({"customer_id": ["a", "b"]}), {})
    _compare(store)
    assert store.erase_customer("a")["orders"]
    _compare(store)


def _compare(store: Store) -> None:
    assert {str(found.state) for found in store.verify()} == {"verified"}
    for folder in [log.parent for log in store.root.glob("*/_delta_log")]:
        digests = StoredTable(folder).digests()
        for path in folder.glob("*.parquet"):  # files of older versions too
            assert digests[path.name] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_verify_needs_a_workspace_and_has_no_junit_format(prepared: Path, run: Run) -> None:
    assert run("check", "--verify", prepared).exit_code == 0
    assert run("check", "--verify", prepared, "-C", prepared).exit_code == 2
    assert run("check", "--verify", "-C", prepared, "-f", "junit").exit_code == 2
