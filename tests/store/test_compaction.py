"""Compaction reduces the number of files and changes nothing else: rows, undo and erasure work as before."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.store import Store, compaction
from ckm.store.compaction import FANOUT, LARGE, due
from ckm.store.data_files import DataFile
from ckm.store.delta import StoredTable
from tests.conftest import examples
from tests.store.shop import Row, contents, load

TIER = compaction._tier
keyed = st.tuples(st.sampled_from("123456"), st.just("1"), st.sampled_from("ab"), st.sampled_from([1.0, 2.0, 3.0]))
keyless = st.tuples(st.sampled_from("12"), st.none(), st.sampled_from("ab"), st.sampled_from([1.0, 2.0]))
files = st.lists(st.lists(keyed | keyless, min_size=1, max_size=6), min_size=3, max_size=7)
unchanging = st.sampled_from("123456").map(lambda number: (number, "1", "a", float(number)))
files_without_updates = st.lists(st.lists(unchanging | keyless, min_size=1, max_size=6), min_size=3, max_size=7)


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    """Compact every table with two or more files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "FANOUT", 2)
        patch.setattr(compaction, "_tier", lambda _: 0)
        yield


def compactions(store: Store, table: str = "orders") -> int:
    return len(StoredTable(store.root / table).history(compaction.COMPACTION_KEY))


def everything(store: Store) -> list[list[tuple[object, ...]]]:
    """Return the rows of the table and its two side tables, sorted, without load ids (which depend on versions)."""
    found = []
    for name, ids in (
        ("orders", ["load_id"]),
        ("orders_replaced", ["load_id", "replaced_by"]),
        ("quarantine", ["load_id"]),
    ):
        table = StoredTable(store.root / name)
        rows = table.scan().drop(ids).collect().rows() if table.exists else []
        found.append(sorted(rows, key=str))
    return found


def fill(root: Path, loads: list[list[Row]], undone: list[int]) -> Store:
    """Load files, and undo the loads with the numbers ``undone``."""
    store = Store(root)
    ids = [load(store, rows, f"file{n}", bad=n % 2).load_id for n, rows in enumerate(loads)]
    for number in undone:
        store.undo(ids[number])
    return store


@pytest.mark.slow
@settings(max_examples=examples(5))
@given(files, st.randoms(use_true_random=False))
def test_loads_and_undos_leave_the_same_rows_with_and_without_compaction(loads: list[list[Row]], dice: Random) -> None:
    undone = dice.sample(range(len(loads)), dice.randrange(len(loads)))
    with tempfile.TemporaryDirectory() as folder:
        compacted = fill(Path(folder, "compacted"), loads, undone)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compaction, "FANOUT", 1_000)
            plain = fill(Path(folder, "plain"), loads, undone)
        assert not compactions(plain)
        assert everything(compacted) == everything(plain)


@pytest.mark.slow
@settings(max_examples=examples(5))
@given(files_without_updates, st.randoms(use_true_random=False))
def test_undo_after_compaction_leaves_the_rows_of_the_remaining_files(loads: list[list[Row]], dice: Random) -> None:
    gone = dice.sample(range(len(loads)), dice.randrange(1, len(loads)))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder, "undone"))
        ids = [load(store, rows, f"file{number}").load_id for number, rows in enumerate(loads)]
        assert len(StoredTable(store.root / "orders").files) == 1
        missing = {name for number in gone for name in store.undo(ids[number]).load_again}
        for number, rows in enumerate(loads):  # rows that only the loads which left had brought are said again
            if number not in gone and f"file{number}" in missing:
                load(store, rows, f"file{number}")
        made = Store(Path(folder, "made"))
        for number, rows in enumerate(loads):
            if number not in gone:
                load(made, rows, f"file{number}")
        assert contents(store) == contents(made)


@pytest.mark.slow
def test_side_tables_are_compacted_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(4):
        load(store, [("1", "1", "a", float(number))], f"file{number}", bad=1)
    assert compactions(store, "quarantine")
    assert compactions(store, "orders_replaced")
    assert [len(rows) for rows in everything(store)] == [1, 3, 4]


@pytest.mark.slow
def test_an_erased_customer_is_in_no_merged_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in range(4):
        load(store, [(str(number), "1", "ab"[number % 2], 1.0)], f"file{number}")
    assert compactions(store)
    store.erase_customer("a")
    left = [name for path in (tmp_path / "orders").glob("*.parquet") for name in pl.read_parquet(path)["customer_id"]]
    assert sorted(left) == ["b", "b"]


@pytest.mark.slow
def test_a_failed_compaction_keeps_the_load_and_is_repeated_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    load(store, [("1", "1", "a", 1.0)], "jan")
    with monkeypatch.context() as broken:
        broken.setattr(compaction, "_frames", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        load(store, [("2", "1", "a", 1.0)], "feb")
    assert len(contents(store)) == 2
    assert not compactions(store)
    assert not list(tmp_path.glob(".journal*"))
    load(store, [("3", "1", "a", 1.0)], "mar")
    assert compactions(store)
    assert len(StoredTable(tmp_path / "orders").files) == 1


def test_each_row_is_rewritten_at_most_once_per_tier_and_files_stay_few() -> None:
    held: list[DataFile] = []
    written, most = 0, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "FANOUT", FANOUT)
        patch.setattr(compaction, "_tier", TIER)
        for number in range(3_000):
            held.append(DataFile(str(number), 300, 1, ""))
            if chosen := due(held):
                rows = sum(file.rows for file in chosen)
                written += rows
                held = [file for file in held if file not in chosen] + [DataFile(f"merged{number}", rows, 1, "")]
            most = max(most, sum(file.rows < LARGE for file in held))
    assert sum(file.rows for file in held) == 900_000
    assert written <= 4 * 900_000
    assert most <= 4 * FANOUT
