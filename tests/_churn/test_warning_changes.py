"""A warning is new once: changes are those since the previous run, of level or of enough probability."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm._churn.saved_warnings import (
    RUN_COLUMNS,
    EarlierWarnings,
    same_day_warnings,
)
from ckm._churn.warning_changes import WarningChanges, compare, without_listed
from ckm.store import Store
from tests._churn.saved_runs import HORIZON, JULY, JUNE, MARGIN, MAY, change_of, first_warned, now, run
from tests.conftest import examples


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_warning_is_new_worse_the_same_or_better_by_level_and_probability(store: Store) -> None:
    initial = run(store, MAY, now(a=0.72, b=0.72, c=0.72, d=0.9, e=0.82, f=0.6, g=0.2))
    assert set(change_of(initial).values()) == {"new", None}
    assert initial.sentence == "no saved warnings of an earlier run: all are new"
    later = run(store, JUNE, now(a=0.86, b=0.82, c=0.75, d=0.8, e=0.7, f=0.3, g=0.55, h=0.99))
    assert change_of(later) == {
        "a": "worse",  # a higher level
        "b": "worse",  # the same level, a tenth more
        "c": "same",
        "d": "better",
        "e": "better",
        "f": None,
        "g": "new",
        "h": "new",
    }
    assert later.sentence == "since 2026-05-31: 2 new, 2 worse, 1 same, 2 better, 1 ended"
    assert sorted(later.new["customer_id"]) == ["a", "b", "g", "h"]


def test_a_second_run_of_a_day_lists_only_warnings_that_are_new_or_worse_since_the_first(store: Store) -> None:
    def listed(changes: WarningChanges, earlier: EarlierWarnings | None) -> list[str]:
        new = without_listed(changes.new, earlier, as_of=JUNE, margin=MARGIN)
        assert new.columns == changes.new.columns
        return sorted(new["customer_id"])

    run(store, MAY, now(a=0.72, b=0.72, c=0.72))
    assert same_day_warnings(store, HORIZON, JUNE) is None
    first = run(store, JUNE, now(a=0.86, b=0.72, c=0.72, d=0.8))
    assert listed(first, None) == ["a", "d"]
    earlier = same_day_warnings(store, HORIZON, JUNE)
    assert listed(first, earlier) == []
    later = run(store, JUNE, now(a=0.88, b=0.86, c=0.72, d=0.95, e=0.6))
    assert sorted(later.new["customer_id"]) == ["a", "b", "d", "e"]
    assert listed(later, earlier) == ["b", "d", "e"]  # a was listed; d is worse since then


@pytest.mark.slow
def test_a_slowly_rising_probability_is_reported_when_it_has_risen_enough(store: Store) -> None:
    days = [MAY + timedelta(days=7 * week) for week in range(5)]
    rising = zip(days, (0.5, 0.56, 0.61, 0.66, 0.69), strict=True)
    changes = [change_of(run(store, day, now(a=p)))["a"] for day, p in rising]
    assert changes == ["new", "same", "worse", "same", "same"]


@pytest.mark.slow
def test_first_warned_on_lasts_through_suppression_and_ends_with_the_warnings(store: Store) -> None:
    frames = {
        date(2026, 1, 1): now(a=0.8, b=(0.8, "open_complaint")),
        date(2026, 2, 1): now(a=(0.8, "contacted"), b=0.8),
        date(2026, 3, 1): now(a=0.8, b=0.1),
        date(2026, 4, 1): now(a=0.8, b=0.8),
    }
    runs = {day: run(store, day, frame) for day, frame in frames.items()}
    days = list(frames)
    assert [change_of(each)["a"] for each in runs.values()] == ["new", None, "new", "same"]
    assert [first_warned(each)["a"] for each in runs.values()] == [days[0]] * 4
    assert [change_of(each)["b"] for each in runs.values()] == [None, "new", None, "new"]
    assert [first_warned(each)["b"] for each in runs.values()] == [None, days[1], None, days[3]]


def test_a_purchase_ends_a_warning(store: Store) -> None:
    run(store, MAY, now(a=0.8, b=0.8))
    later = run(store, JUNE, pl.concat([now(bought=date(2026, 6, 10), a=0.8), now(b=0.8)]))
    assert change_of(later) == {"a": "new", "b": "same"}
    assert first_warned(later) == {"a": JUNE, "b": MAY}


def test_data_without_dates_are_compared_too(store: Store) -> None:
    frame = now(a=0.8).drop("last_order", "days_left")
    assert change_of(run(store, MAY, frame)) == {"a": "new"}
    assert change_of(run(store, JUNE, frame)) == {"a": "same"}


people = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1) | st.tuples(st.floats(0, 1), st.just("contacted")))


@pytest.mark.slow
@settings(deadline=None)
@given(people, people, st.randoms())
def test_the_counts_add_up_and_the_order_of_rows_does_not_matter(
    before: dict[str, float], after: dict[str, float], random: object
) -> None:
    then = compare(now(**before), None, as_of=MAY, margin=MARGIN).frame
    rows = then.filter(pl.col("level").is_not_null()).with_columns(gone_on=pl.lit(JULY)).select(list(RUN_COLUMNS))
    earlier = EarlierWarnings(MAY, rows, {})
    found = compare(now(**after), earlier, as_of=JUNE, margin=MARGIN)
    warned_then = set(rows.filter(pl.col("suppressed").is_null())["customer_id"])
    warned_now = set(found.frame.filter(pl.col("change").is_not_null())["customer_id"])
    assert sum(found.counts.values()) - found.counts["ended"] == len(warned_now)
    assert found.counts["ended"] == len(warned_then - warned_now)
    assert found.counts["new"] == len(warned_now - warned_then)
    keys = list(after)
    random.shuffle(keys)  # type: ignore[attr-defined]
    shuffled = compare(now(**{key: after[key] for key in keys}), earlier, as_of=JUNE, margin=MARGIN)
    assert_frame_equal(shuffled.frame.sort("customer_id"), found.frame.sort("customer_id"))


@pytest.mark.slow
@settings(max_examples=examples(5))
@given(people)
def test_unchanged_data_give_no_new_warnings(customers: dict[str, float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        run(store, MAY, now(**customers))
        assert run(store, JUNE, now(**customers)).new.is_empty()
