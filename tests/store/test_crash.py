"""After a writer is killed, the next one finds the old state or the new one, without files of the unfinished work."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from bench.crash import attack, half_made, orphans
from ckm.store import Store, compaction
from ckm.store.delta import StoredTable
from tests.store.death import dying_after
from tests.store.shop import contents, load

Step = Callable[[Store], object]
State = tuple[object, ...]

# A Parquet writer of a killed process tries to close its file again when Python collects it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def load_first(store: Store) -> None:
    load(store, [("1", "1", "a", 1.0), ("2", None, "b", 2.0), ("2", None, "b", 2.0)], "jan", bad=2)


def load_second(store: Store) -> None:
    """Load a file with an update, an unchanged row, a repeated key, a new column and quarantined rows."""
    rows = [("1", "1", "a", 9.0), ("2", None, "b", 2.0), ("3", "1", "c", 3.0), ("3", "1", "c", 4.0)]
    load(store, rows, "feb", bad=1, more={"note": pl.lit("n")})


def load_first_again(store: Store) -> None:
    """Load the first file with another mapping, which replaces its quarantined rows."""
    load(store, [("1", "1", "a", 1.0), ("5", None, "b", 2.0)], "jan", bad=1)


def load_over_second(store: Store) -> None:
    load(store, [("1", "1", "a", 10.0), ("3", "1", "c", 30.0)], "mar")


def undo_of(file: str) -> Step:
    def undo(store: Store) -> None:
        [load_id] = [found.facts.load_id for found in store.history() if found.facts.file == file and not found.undone]
        store.undo(load_id)

    return undo


def erase(store: Store) -> None:
    store.erase_customer("a")


def load_one(store: Store) -> None:
    load(store, [("1", "1", "a", 1.0)], "mar", bad=1)


def load_more(store: Store) -> None:
    load(store, [("3", "1", "a", 3.0)], "apr", bad=1)


SCENES: dict[str, tuple[list[Step], Step]] = {
    "the first load of all": ([], load_first),
    "a load that updates": ([load_first], load_second),
    "a load that replaces its quarantine": ([load_first, load_second], load_first_again),
    "an undo below a later load": ([load_first, load_second, load_over_second], undo_of("feb")),
    "a load after which small files are merged": ([load_one], load_more),
    "an erasure": ([load_first, load_second], erase),
}


def state(store: Store) -> State:
    """Return the rows of all tables and the load history, without load ids."""
    side = store.root / "orders_replaced"
    replaced = pl.scan_delta(str(side)).collect() if (side / "_delta_log").exists() else None
    quarantine = store.quarantine()
    return (
        contents(store),
        [] if quarantine is None else sorted(quarantine.select("source_file", "source_row").collect().rows()),
        [] if replaced is None else sorted(replaced.select("order_id", "net", "source_file").rows()),
        [(found.facts.kind, found.facts.file, found.undone) for found in store.history()],
    )


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_a_writer_killed_before_any_change_leaves_the_old_state_or_the_new_one(
    scene: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, step = SCENES[scene]
    if step is load_more:
        monkeypatch.setattr(compaction, "FANOUT", 2)
    prepared = Store(tmp_path / "prepared")
    for earlier in before:
        earlier(prepared)
    prepared.root.mkdir(exist_ok=True)
    old = state(prepared)
    whole = Store(Path(shutil.copytree(prepared.root, tmp_path / "whole")))
    with dying_after(None) as clock:
        step(whole)
    new = state(whole)
    assert clock.changes > 5
    merged = [StoredTable(whole.root / name).history(compaction.COMPACTION_KEY) for name in ("orders", "quarantine")]
    assert all(merged) == (step is load_more)
    for moment in range(clock.changes):
        store = Store(Path(shutil.copytree(prepared.root, tmp_path / f"dead-{moment}")))
        with dying_after(moment):
            step(store)
        with store.locked():  # what every next writer does first
            found = state(store)
        if step is not erase:
            assert found in (old, new), f"died before change {moment} of {clock.changes}"
        assert [*orphans(store.root), *half_made(store.root), *store.root.glob(".journal*")] == [] or step is erase
        if step is erase or (found != new and moment % 3 == 0):
            step(store)
            assert state(store) == new
        assert [*orphans(store.root), *half_made(store.root), *store.root.glob(".journal*")] == []
        shutil.rmtree(store.root)


@pytest.mark.slow
def test_a_killed_recovery_is_finished_by_the_next_one(tmp_path: Path) -> None:
    prepared = Store(tmp_path / "prepared")
    load_first(prepared)
    old = state(prepared)
    whole = Store(Path(shutil.copytree(prepared.root, tmp_path / "whole")))
    with dying_after(None) as clock:
        load_second(whole)
    new = state(whole)
    for moment in range(1, clock.changes, 5):
        for again in range(0, 8, 3):
            store = Store(Path(shutil.copytree(prepared.root, tmp_path / f"dead-{moment}-{again}")))
            with dying_after(moment):
                load_second(store)
            with dying_after(again), store.locked():
                pass
            with store.locked():
                assert state(store) in (old, new)
            assert [*orphans(store.root), *half_made(store.root), *store.root.glob(".journal*")] == []
            shutil.rmtree(store.root)


def test_a_log_without_a_commit_is_no_table(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "orders" / "_delta_log").mkdir(parents=True)
    (tmp_path / "orders" / "_delta_log" / "_commit_1.json.tmp").touch()
    assert store.tables() == []
    assert store.history() == []
    load_first(store)
    assert len(contents(store)) == 3


@pytest.mark.slow
def test_processes_killed_at_random_neither_lose_nor_duplicate_rows() -> None:
    tally = attack(runs=2, stores=1, seed=4, writers=2)
    assert tally.killed >= 2
    assert not any(tally.damage.values()), tally
