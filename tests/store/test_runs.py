"""Saved runs: read back unchanged, separate from the sources, and removed with an erased customer."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import deltalake
import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from bench.crash import half_made, orphans
from ckm.errors import UnknownNameError
from ckm.store import Run, Store
from tests.conftest import examples
from tests.store.death import dying_after
from tests.store.shop import contents, load

JANUARY, FEBRUARY, MARCH = date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)
FACTS = {"method": "rfm", "fingerprint": "5f2a"}
State = list[tuple[int, str, int, date, int, str]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def said(**segments: str) -> pl.DataFrame:
    """Return a result with the segment of each customer."""
    rows = [(customer, segment, len(segment), 0.5) for customer, segment in segments.items()]
    return pl.DataFrame(rows, schema={"customer_id": str, "segment": str, "rows": int, "net": float}, orient="row")


def keep(store: Store, as_of: date, frame: pl.DataFrame, *, name: str = "default", version: int = 1) -> Run:
    return store.save_run("segments", name, version, as_of, frame, FACTS)


def files_of(store: Store, folder: str = "") -> dict[str, tuple[bytes, int]]:
    found = sorted(path for path in (store.root / folder).rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def state(store: Store) -> State:
    return [
        (run.number, run.name, run.version, run.as_of, run.rows, store.read_run(run).write_json())
        for run in store.runs("segments")
    ]


def test_the_rows_of_some_customers_come_from_the_chosen_runs_only(store: Store) -> None:
    first = keep(store, JANUARY, said(ann="new", bob="loyal"))
    keep(store, FEBRUARY, said(ann="loyal"))
    last = keep(store, MARCH, said(ann="lost", cho="new"))
    found = store.read_customers("segments", [first, last], ["ann", "cho", "dan"], ["segment", "no such column"])
    assert found.rows() == [(first.number, "ann", "new"), (last.number, "ann", "lost"), (last.number, "cho", "new")]
    assert store.read_customers("segments", [], ["ann"], ["segment"]).is_empty()


def test_a_saved_run_is_read_back_sorted_by_customer(store: Store) -> None:
    run = keep(store, JANUARY, said(b="loyal", a="new"))
    assert run == Run("segments", "default", 1, JANUARY, 1, 2, FACTS)
    assert store.runs("segments") == [run]
    assert_frame_equal(store.read_run(run), said(a="new", b="loyal"))
    assert_frame_equal(store.read_run(run, ["segment", "cause"]), said(a="new", b="loyal")["customer_id", "segment"])


@pytest.mark.slow
def test_runs_are_numbered_in_the_order_in_which_they_were_first_saved(store: Store) -> None:
    keep(store, MARCH, said(a="new"))
    keep(store, JANUARY, said(a="new"), name="spring")
    keep(store, JANUARY, said(a="new"))
    keep(store, JANUARY, said(a="new"), version=2)
    keep(store, MARCH, said(a="old"))
    assert store.save_run("warnings", "default", 1, JANUARY, said(a="late"), {}).number == 1
    assert [run.as_of for run in store.runs("segments")] == [MARCH, JANUARY, JANUARY, JANUARY]
    assert [run.number for run in store.runs("segments", "default")] == [1, 3, 4]
    assert store.runs("segments", "autumn") == store.runs("other") == []


keeps = st.tuples(
    st.sampled_from(["default", "spring"]),
    st.sampled_from([JANUARY, FEBRUARY]),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["new", "loyal"])),
)


@pytest.mark.slow
@settings(max_examples=examples(10))
@given(st.lists(keeps, max_size=5))
def test_the_last_saved_run_of_a_name_and_a_day_applies(told: list[tuple[str, date, dict[str, str]]]) -> None:
    expected: dict[tuple[str, date], dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for name, as_of, segments in told:
            keep(store, as_of, said(**segments), name=name)
            expected[name, as_of] = segments
        found = {
            (run.name, run.as_of): dict(store.read_run(run, ["segment"]).iter_rows()) for run in store.runs("segments")
        }
    assert found == expected
    assert list(found) == list(expected)


def test_saving_the_same_run_again_writes_nothing(store: Store) -> None:
    frame = said(a="new", b="loyal", c="lost").with_columns(
        pl.Series("net", [math.nan, None, 1.0]), pl.Series("segment", ["new", None, "lost"], dtype=pl.Categorical)
    )
    keep(store, FEBRUARY, said(a="new"))
    first = keep(store, JANUARY, frame)
    before = files_of(store)
    assert keep(store, JANUARY, frame[::-1]) == first
    assert files_of(store) == before
    assert keep(store, JANUARY, frame.with_columns(net=2.0)).number == first.number
    assert store.save_run("segments", "default", 1, JANUARY, frame, {"method": "value"}).facts == {"method": "value"}


def test_rows_in_any_order_make_the_same_files(tmp_path: Path) -> None:
    frame = said(**{f"c{number:04d}": "new" if number % 3 else "loyal" for number in range(3000)})
    one, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    keep(one, JANUARY, frame)
    keep(other, JANUARY, frame.sample(fraction=1.0, shuffle=True, seed=7))
    [mine], [theirs] = (list(each.root.rglob("*.parquet")) for each in (one, other))
    assert (mine.name, mine.read_bytes()) == (theirs.name, theirs.read_bytes())


def test_a_run_is_read_from_its_own_files_only(store: Store) -> None:
    keep(store, JANUARY, said(a="new"))
    others = set(store.root.rglob("*.parquet"))
    run = keep(store, FEBRUARY, said(a="loyal"))
    for path in others:
        path.unlink()
    assert store.read_run(run)["segment"].to_list() == ["loyal"]


def test_a_run_is_read_with_the_columns_that_it_was_saved_with(store: Store) -> None:
    first = keep(store, JANUARY, said(a="new"))
    second = keep(store, FEBRUARY, said(a="new").drop("rows").with_columns(cause=pl.lit("ageing")))
    assert store.read_run(first).columns == ["customer_id", "segment", "rows", "net"]
    assert store.read_run(second).columns == ["customer_id", "segment", "net", "cause"]
    everything = pl.read_delta(str(store.root / "runs_segments")).sort("run_number")
    assert everything["cause"].to_list() == [None, "ageing"]
    assert everything["rows"].to_list() == [3, None]


def test_a_run_without_customers_is_saved(store: Store) -> None:
    run = keep(store, JANUARY, said())
    assert run.rows == 0
    assert_frame_equal(store.read_run(run), said())


def test_types_are_widened_within_their_kind_so_that_later_runs_fit(store: Store) -> None:
    small = said(a="new").with_columns(pl.col("rows").cast(pl.UInt8), pl.col("net").cast(pl.Float32), nothing=None)
    first = keep(store, JANUARY, small)
    assert_frame_equal(store.read_run(first), said(a="new"))
    whole = keep(store, FEBRUARY, said(a="new").with_columns(net=pl.lit(2)))
    assert store.read_run(whole)["net"].to_list() == [2.0]
    with pytest.raises(ValueError, match="column rows of a run is String, and was Int64 in earlier runs"):
        keep(store, MARCH, said(a="new").with_columns(rows=pl.lit("three")))


BROKEN: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "no customer_id": lambda frame: frame.drop("customer_id"),
    "customer_id as a number": lambda frame: frame.with_columns(customer_id=1),
    "customer_id null": lambda frame: frame.with_columns(customer_id=pl.lit(None, pl.String)),
    "a customer twice": lambda frame: pl.concat([frame, frame]),
    "a column of lists": lambda frame: frame.with_columns(products=pl.concat_list("customer_id")),
    "a column of the store's": lambda frame: frame.with_columns(run_number=1),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_invalid_frame_is_refused_and_writes_nothing(what: str, store: Store) -> None:
    with pytest.raises(ValueError, match="run") as refused:
        keep(store, JANUARY, BROKEN[what](said(anna="new")))
    assert "anna" not in str(refused.value)
    assert files_of(store) == {}


def test_a_run_that_was_never_saved_is_unknown(store: Store) -> None:
    run = keep(store, JANUARY, said(a="new"))
    with pytest.raises(UnknownNameError):
        store.read_run(Run("segments", "default", 1, JANUARY, run.number + 1, 1, {}))
    with pytest.raises(ValueError, match="name of an analysis"):
        store.runs("../orders")


@pytest.mark.slow
def test_runs_are_not_source_tables(store: Store) -> None:
    first = load(store, [("1", "1", "a", 1.0)], "jan")
    keep(store, JANUARY, said(a="new"))
    before = files_of(store, "runs_segments")
    load(store, [("1", "1", "a", 2.0), ("2", "1", "b", 2.0)], "feb", bad=1)
    store.undo(first.load_id)
    assert store.tables() == ["orders"]
    assert [found.facts.table for found in store.history()] == ["orders"] * 3
    assert files_of(store, "runs_segments") == before


def test_a_run_saved_in_a_dry_run_does_not_change_the_store(store: Store) -> None:
    keep(store, JANUARY, said(a="new"))
    before = files_of(store)
    with store.rehearsal() as copy:
        assert keep(copy, JANUARY, said(a="old")).number == 1
        assert keep(copy, FEBRUARY, said(a="old")).number == 2
    assert files_of(store) == before


@pytest.mark.slow
def test_no_file_of_the_store_contains_an_erased_customer(store: Store) -> None:
    load(store, [("1", "1", "aa", 1.0), ("2", "1", "anna-secret", 1.0), ("3", "1", "zz", 2.0)], "jan")
    keep(store, JANUARY, said(**{"anna-secret": "new", "bert": "new"}))
    keep(store, JANUARY, said(**{"anna-secret": "loyal", "bert": "new"}))
    keep(store, FEBRUARY, said(**{"anna-secret": "loyal"}))
    keep(store, MARCH, said(bert="new"))
    assert any(b"anna-secret" in content for content, _ in files_of(store).values())
    assert store.erase_customer("anna-secret") == {"orders": 1, "runs_segments": 2}
    assert [path for path, (content, _) in files_of(store).items() if b"anna-secret" in content] == []
    assert [run.rows for run in store.runs("segments")] == [1, 0, 1]
    assert [store.read_run(run)["customer_id"].to_list() for run in store.runs("segments")] == [["bert"], [], ["bert"]]
    assert contents(store) == [("1", "1", "aa", 1.0), ("3", "1", "zz", 2.0)]


def test_other_programs_read_saved_runs(store: Store) -> None:
    keep(store, JANUARY, said(a="new", b="loyal"))
    keep(store, FEBRUARY, said(a="loyal").with_columns(cause=pl.lit("behaviour")))
    table = deltalake.DeltaTable(store.root / "runs_segments")
    found = pl.DataFrame(pl.scan_delta(table).filter(pl.col("run_as_of") == FEBRUARY).collect())
    assert found.row(0, named=True) == {
        "run_number": 2, "run_name": "default", "run_version": 1, "run_as_of": FEBRUARY,
        "customer_id": "a", "segment": "loyal", "rows": 5, "net": 0.5, "cause": "behaviour",
    }  # fmt: skip
    rows = duckdb.sql(f"select run_number, count(*) from read_parquet({table.file_uris()}) group by all order by all")
    assert rows.fetchall() == [(1, 2), (2, 1)]


def test_a_run_that_cannot_be_written_leaves_no_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, JANUARY, said(a="new"))
    before = files_of(store)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(OSError, match="no space"):
            keep(store, JANUARY, said(a="loyal"))
    assert files_of(store) == before


SCENES: dict[str, tuple[date, pl.DataFrame]] = {
    "a second run with a new column": (FEBRUARY, said(a="loyal").with_columns(cause=pl.lit("behaviour"))),
    "a run in the place of another": (JANUARY, said(a="loyal", c="new")),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see test_crash
@pytest.mark.parametrize("scene", ["the first run of all", *SCENES])
def test_a_writer_killed_before_any_change_leaves_the_old_runs_or_the_new_ones(scene: str, tmp_path: Path) -> None:
    prepared = Store(tmp_path / "prepared")
    prepared.root.mkdir()
    as_of, frame = SCENES.get(scene, (JANUARY, said(a="new", b="loyal")))
    if scene in SCENES:
        keep(prepared, JANUARY, said(a="new", b="loyal"))
    old = state(prepared)
    whole = Store(Path(shutil.copytree(prepared.root, tmp_path / "whole")))
    with dying_after(None) as clock:
        keep(whole, as_of, frame)
    new = state(whole)
    assert clock.changes > 5
    for moment in range(clock.changes):
        store = Store(Path(shutil.copytree(prepared.root, tmp_path / f"dead-{moment}")))
        with dying_after(moment):
            keep(store, as_of, frame)
        assert state(store) in (old, new), f"died before change {moment} of {clock.changes}"  # readers take no lock
        with store.locked():
            assert state(store) in (old, new)
        assert [*orphans(store.root), *half_made(store.root), *store.root.glob(".journal*")] == []
        keep(store, as_of, frame)
        assert state(store) == new
        assert [*orphans(store.root), *half_made(store.root), *store.root.glob(".journal*")] == []
        shutil.rmtree(store.root)
