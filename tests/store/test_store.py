"""The store has every row once, undoes loads, and erases customers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.errors import UnknownNameError, UsageError
from ckm.store import ConflictError, OnConflict, Store
from tests.conftest import examples
from tests.store.shop import Row, contents, load

orders = st.sampled_from(["1", "2", "3"])
lines = st.sampled_from(["1", "2", None])
customers = st.sampled_from(["a", "b", None])
money = st.sampled_from([1.0, 2.0])
files = st.lists(st.lists(st.tuples(orders, lines, customers, money), max_size=12), min_size=1, max_size=4)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def told_in_words(loads: list[list[Row]]) -> list[Row]:
    """Return the expected rows: the last row of each key, and equal rows without a key as often as in one file."""
    keyed: dict[tuple[str, str], Row] = {}
    keyless: dict[Row, int] = {}
    for rows in loads:
        here: dict[Row, int] = {}
        for row in rows:
            if row[1] is not None:
                keyed[row[0], row[1]] = row
            else:
                here[row] = here.get(row, 0) + 1
        for row, count in here.items():
            keyless[row] = max(keyless.get(row, 0), count)
    rows = [*keyed.values(), *(row for row, count in keyless.items() for _ in range(count))]
    return sorted(rows, key=lambda row: tuple(str(value) for value in row))


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(files)
def test_any_loads_leave_every_row_exactly_once(loads: list[list[Row]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for number, rows in enumerate(loads):
            facts = load(store, rows, f"file{number}")
            parts = facts.accepted + facts.updated + facts.unchanged + facts.duplicates + facts.quarantined
            assert facts.rows == len(rows) == parts
        assert contents(store) == told_in_words(loads)


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(files)
def test_undoing_the_last_load_restores_the_rows_before_it(loads: list[list[Row]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        before = []
        for number, rows in enumerate(loads):
            before.append((contents(store), load(store, rows, f"file{number}").load_id))
        for rows, load_id in reversed(before):
            store.undo(load_id)
            assert contents(store) == rows


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(files, st.randoms(use_true_random=False))
def test_undoing_all_loads_in_any_order_leaves_no_row(loads: list[list[Row]], dice: Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        ids = [load(store, rows, f"file{number}").load_id for number, rows in enumerate(loads)]
        dice.shuffle(ids)
        for number, load_id in enumerate(ids, 1):
            store.undo(load_id)
            assert set(store.scan("orders").collect()["load_id"]) <= set(ids[number:])
        assert contents(store) == []


@pytest.mark.slow
def test_a_file_that_overlaps_an_undone_one_can_be_loaded_again(store: Store) -> None:
    first = load(store, [("1", "1", "a", 1.0), ("2", "1", "a", 2.0)], "jan")
    load(store, [("2", "1", "a", 2.0), ("3", "1", "a", 3.0)], "feb")
    taken = store.undo(first.load_id)
    assert taken.load_again == ("feb",)
    assert not store.has("orders", "content-feb")
    load(store, [("2", "1", "a", 2.0), ("3", "1", "a", 3.0)], "feb")
    assert contents(store) == [("2", "1", "a", 2.0), ("3", "1", "a", 3.0)]


def test_an_undone_load_can_be_loaded_again(store: Store) -> None:
    rows: list[Row] = [("1", "1", "a", 1.0)]
    facts = load(store, rows, "jan")
    assert store.has("orders", "content-jan")
    store.undo(facts.load_id)
    assert not store.has("orders", "content-jan")
    load(store, rows, "jan")
    assert store.has("orders", "content-jan")
    assert contents(store) == rows


def test_a_load_is_undone_only_once(store: Store) -> None:
    facts = load(store, [("1", "1", "a", 1.0)], "jan")
    store.undo(facts.load_id)
    with pytest.raises(UsageError):
        store.undo(facts.load_id)
    with pytest.raises(UnknownNameError):
        store.undo("no-such-load")


def test_the_history_lists_loads_and_undos(store: Store) -> None:
    first = load(store, [("1", "1", "a", 1.0)], "jan", bad=2)
    load(store, [("2", "1", "a", 1.0)], "feb")
    store.undo(first.load_id)
    told = [(found.facts.kind, found.facts.file, found.facts.rows, found.undone) for found in store.history()]
    assert told == [("load", "jan", 3, True), ("load", "feb", 1, False), ("undo", "jan", 0, False)]


def test_undoing_a_load_empties_its_quarantine(store: Store) -> None:
    facts = load(store, [("1", "1", "a", 1.0)], "jan", bad=2)
    load(store, [("2", "1", "a", 1.0)], "feb", bad=1)
    store.undo(facts.load_id)
    quarantine = store.quarantine()
    assert quarantine is not None
    assert quarantine.collect()["source_file"].to_list() == ["feb"]


@pytest.mark.slow
def test_loading_a_file_again_by_another_mapping_replaces_its_quarantine(store: Store) -> None:
    load(store, [("1", "1", "a", 1.0)], "jan", bad=2)
    load(store, [("1", "1", "a", 1.0)], "jan", bad=1)
    quarantine = store.quarantine()
    assert quarantine is not None
    assert len(quarantine.collect()) == 1


def test_on_conflict_keep_keeps_the_stored_row_and_error_loads_nothing(store: Store) -> None:
    load(store, [("1", "1", "a", 1.0)], "jan")
    kept = load(store, [("1", "1", "a", 9.0), ("2", "1", "a", 2.0)], "feb", on_conflict=OnConflict.KEEP)
    assert (kept.accepted, kept.unchanged) == (1, 1)
    with pytest.raises(ConflictError) as refused:
        load(store, [("1", "1", "a", 9.0), ("3", "1", "a", 3.0)], "mar", on_conflict=OnConflict.ERROR)
    assert refused.value.exit_code == 3
    assert contents(store) == [("1", "1", "a", 1.0), ("2", "1", "a", 2.0)]


@pytest.mark.slow
def test_a_row_replaces_a_row_of_another_source_only_with_on_conflict_replace(store: Store) -> None:
    load(store, [("1", "1", "a", 1.0)], "till-1", source="till 1")
    with pytest.raises(ConflictError):
        load(store, [("1", "1", "b", 5.0)], "till-2", source="till 2")
    assert contents(store) == [("1", "1", "a", 1.0)]
    load(store, [("1", "1", "b", 5.0)], "till-2", source="till 2", on_conflict=OnConflict.REPLACE)
    assert contents(store) == [("1", "1", "b", 5.0)]


def test_a_new_column_is_added_to_the_table_and_changes_the_row(store: Store) -> None:
    load(store, [("1", "1", "a", 1.0)], "jan")
    facts = load(store, [("1", "1", "a", 1.0)], "feb", more={"note": pl.lit("gift")})
    assert facts.updated == 1
    assert store.scan("orders").collect()["note"].to_list() == ["gift"]


@pytest.mark.slow
def test_an_erased_customer_is_in_no_table_and_no_file(store: Store) -> None:
    load(store, [("1", "1", "anna-secret", 1.0), ("2", "1", "b", 2.0)], "jan")
    load(store, [("1", "1", "anna-secret", 3.0)], "feb", bad=1)
    assert store.erase_customer("anna-secret") == {"orders": 1, "orders_replaced": 1, "quarantine": 0}
    assert contents(store) == [("2", "1", "b", 2.0)]
    left = [path for path in store.root.rglob("*.parquet") if b"anna-secret" in path.read_bytes()]
    assert left == []


@pytest.mark.slow
def test_other_programs_read_the_tables(store: Store) -> None:
    import duckdb

    load(store, [("1", "1", "a", 1.0), ("2", None, "b", 2.0)], "jan")
    load(store, [("1", "1", "a", 5.0)], "feb")
    found = pl.scan_delta(str(store.root / "orders")).select(pl.col("net").sum()).collect().item()
    assert found == 7.0
    files = [str(path) for path in (store.root / "orders").glob("*.parquet")]
    assert duckdb.sql(f"select count(*) from read_parquet({files})").fetchall() == [(4,)]


@pytest.mark.slow
def test_a_file_loaded_again_with_other_options_replaces_its_earlier_rows(store: Store) -> None:
    first = load(store, [("1", None, "a", 1.0), ("2", "1", "a", 2.0), ("3", "1", "b", 3.0)], "jan", reading="eur")
    load(store, [("9", None, "c", 9.0)], "feb")
    again = load(store, [("1", None, "a", 1.5), ("2", "1", "a", 2.5)], "jan", reading="gbp")
    assert contents(store) == [("1", None, "a", 1.5), ("2", "1", "a", 2.5), ("9", None, "c", 9.0)]
    assert (again.accepted, again.updated, again.superseded) == (1, 1, 2)
    assert not store.has("orders", first.content_id)
    store.undo(again.load_id)
    assert contents(store) == [("1", None, "a", 1.0), ("2", "1", "a", 2.0), ("3", "1", "b", 3.0), ("9", None, "c", 9.0)]


def test_two_mappings_of_one_file_do_not_replace_each_others_rows(store: Store) -> None:
    load(store, [("1", None, "a", 1.0)], "wide", source="billing", reading="billing")
    load(store, [("1", None, "b", 2.0)], "wide", source="shipping", reading="shipping")
    assert contents(store) == [("1", None, "a", 1.0), ("1", None, "b", 2.0)]
