"""A store works in a folder of any name."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from ckm.store import Store
from ckm.store.delta import StoredTable
from ckm.store.log_access import log_path
from tests.folder_names import NAMES, on_this_system
from tests.store.shop import contents, load

POSSIBLE = [name for name in NAMES if on_this_system(name)]
FIRST = [("o1", "1", "a", 1.0), ("o2", "1", "b", 2.0), ("o3", None, "c", 3.0)]
SECOND = [("o1", "1", "a", 9.0), ("o4", "1", "d", 4.0)]


@pytest.mark.slow
@pytest.mark.parametrize("names", [POSSIBLE[start::8] for start in range(8)], ids=ascii)
def test_loads_reads_updates_dry_runs_and_undos_work_in_folders_of_any_name(tmp_path: Path, names: list[str]) -> None:
    folder = tmp_path.joinpath(*names)
    folder.mkdir(parents=True)
    store = Store(folder / "store")
    load(store, FIRST, "one.csv", bad=1)
    before = contents(store)
    assert before == sorted(FIRST, key=lambda row: tuple(map(str, row)))
    facts = load(store, SECOND, "two.csv")
    assert (facts.accepted, facts.updated) == (1, 1)
    assert len(contents(store)) == 4
    with store.rehearsal() as mirror:
        mirror.undo(facts.load_id)
        assert contents(mirror) == before
    assert len(contents(store)) == 4
    store.undo(facts.load_id)
    assert contents(store) == before
    assert [load.facts.kind for load in store.history()] == ["load", "load", "undo"]
    assert store.erase_customer("c")["orders"] == 1
    data = {path.name for path in (folder / "store" / "orders").glob("*.parquet")}
    assert data == {file.name for file in StoredTable(store.root / "orders").files}  # an erased row is in no old file
    above = [folder, *folder.parents]
    assert [path.name for path in folder.iterdir()] == ["store"]
    for name, place in zip(reversed(names), above[1:], strict=False):  # no file was written to a misread path
        assert [path.name for path in place.iterdir()] == [name]


@pytest.mark.slow
def test_deltalake_opens_a_folder_with_any_ascii_character_by_the_path_from_ckm(tmp_path: Path) -> None:
    """With some characters deltalake would open another folder, and with others find no history."""
    names = [f"a{chr(code)}b" for code in range(1, 128) if chr(code) != "/"]
    for name in filter(on_this_system, [*names, "a%41b", "%E0%B8"]):
        folder = tmp_path / name / "t"
        StoredTable(folder).commit(schema=pl.Schema({"a": pl.Int64()}), load={"n": 1})
        assert [facts["n"] for facts in StoredTable(folder).history()] == [1], ascii(name)
        assert (folder / "_delta_log" / "00000000000000000001.json").exists(), ascii(name)
    assert len(list(tmp_path.iterdir())) == len([*filter(on_this_system, names)]) + 2


def test_a_table_partitioned_by_another_program_is_read_with_its_partition_columns(tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": [1, 2], "part": ["x y", "ü%"]})
    write_deltalake(tmp_path / "t", rows.to_arrow(), partition_by=["part"])
    assert StoredTable(tmp_path / "t").scan().sort("a").collect().select("a", "part").equals(rows)


def test_files_of_another_program_with_encoded_names_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "my shop" / "t"
    table = StoredTable(folder)
    table.commit(schema=pl.Schema({"a": pl.Int64()}))
    write_deltalake(log_path(folder), pl.DataFrame({"a": [7]}).to_arrow(), mode="append")
    assert StoredTable(folder).scan().collect()["a"].to_list() == [7]


def test_a_plain_path_is_unchanged(tmp_path: Path) -> None:
    assert log_path(tmp_path) == tmp_path
    assert log_path(Path(os.path.realpath(tmp_path))) == Path(os.path.realpath(tmp_path))
