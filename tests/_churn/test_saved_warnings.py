"""Saved warnings: a warning is new once, a repeated run changes nothing, and no run reads a later one."""

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
    ANALYSIS,
    REPORT_COLUMNS,
    RUN_COLUMNS,
    VERSION,
    EarlierWarnings,
    WarningChanges,
    closed_warnings,
    compare,
    current_warnings,
    last_warnings,
    newest_closed_warnings,
    run_name,
    same_day_warnings,
    save_warnings,
    warning_outcome,
    without_listed,
)
from ckm._churn.warning_levels import LEVELS, Thresholds
from ckm.store import Store
from tests.conftest import examples

MAY, JUNE, JULY = date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31)
HORIZON, MARGIN = 30, 0.1
LIMITS = Thresholds(0.5, 0.7, 0.85)
FACTS = {"model": "rule"}
SCHEMA = {
    "customer_id": pl.String,
    "p_churn": pl.Float64,
    "level": pl.String,
    "suppressed": pl.String,
    "last_order": pl.Date,
    "days_left": pl.Int64,
}
Said = dict[str, tuple[float, str | None]]


def level(p: float) -> str | None:
    reached = [name for name in LEVELS if p >= getattr(LIMITS, name)]
    return reached[-1] if reached else None


def now(bought: date | None = None, **customers: float | tuple[float, str]) -> pl.DataFrame:
    """Return customers by their probability; with a word, they are suppressed for it."""
    said = {name: each if isinstance(each, tuple) else (each, None) for name, each in customers.items()}
    return pl.DataFrame(
        [(name, p, level(p), held, bought or date(2026, 1, 1), 40) for name, (p, held) in said.items()],
        schema=SCHEMA,
        orient="row",
    )


def run(store: Store, as_of: date, frame: pl.DataFrame) -> WarningChanges:
    compared = compare(frame, last_warnings(store, HORIZON, as_of), as_of=as_of, margin=MARGIN)
    save_warnings(store, compared.frame, as_of=as_of, horizon=HORIZON, facts=FACTS)
    return compared


def told(comparison: WarningChanges) -> dict[str, str | None]:
    return dict(comparison.frame.select("customer_id", "change").iter_rows())


def first(comparison: WarningChanges) -> dict[str, date | None]:
    return dict(comparison.frame.select("customer_id", "first_warned_on").iter_rows())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_each_change_is_told_from_the_others(store: Store) -> None:
    initial = run(store, MAY, now(a=0.72, b=0.72, c=0.72, d=0.9, e=0.82, f=0.6, g=0.2))
    assert set(told(initial).values()) == {"new", None}
    assert initial.sentence == "no saved warnings of an earlier run: all are new"
    later = run(store, JUNE, now(a=0.86, b=0.82, c=0.75, d=0.8, e=0.7, f=0.3, g=0.55, h=0.99))
    assert told(later) == {
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


def test_a_second_run_of_a_day_lists_only_what_is_new_since_the_first(store: Store) -> None:
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
    changes = [told(run(store, day, now(a=p)))["a"] for day, p in zip(days, (0.5, 0.56, 0.61, 0.66, 0.69), strict=True)]
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
    assert [told(each)["a"] for each in runs.values()] == ["new", None, "new", "same"]
    assert [first(each)["a"] for each in runs.values()] == [days[0]] * 4
    assert [told(each)["b"] for each in runs.values()] == [None, "new", None, "new"]
    assert [first(each)["b"] for each in runs.values()] == [None, days[1], None, days[3]]


def test_a_purchase_ends_a_warning(store: Store) -> None:
    run(store, MAY, now(a=0.8, b=0.8))
    later = run(store, JUNE, pl.concat([now(bought=date(2026, 6, 10), a=0.8), now(b=0.8)]))
    assert told(later) == {"a": "new", "b": "same"}
    assert first(later) == {"a": JUNE, "b": MAY}


def test_a_run_of_the_same_day_is_the_same_run_and_writes_nothing(store: Store, tmp_path: Path) -> None:
    run(store, MAY, now(a=0.8))
    once = run(store, JUNE, now(a=0.9, b=0.8))
    files = {path: path.read_bytes() for path in sorted((tmp_path / "store").rglob("*")) if path.is_file()}
    again = run(store, JUNE, now(a=0.9, b=0.8))
    assert_frame_equal(once.frame, again.frame)
    assert {path: path.read_bytes() for path in sorted((tmp_path / "store").rglob("*")) if path.is_file()} == files


def test_the_past_sees_no_later_run_and_another_horizon_has_its_own(store: Store) -> None:
    run(store, JULY, now(a=0.8))
    assert last_warnings(store, HORIZON, JULY) is None
    assert told(run(store, MAY, now(a=0.8))) == {"a": "new"}
    earlier = last_warnings(store, HORIZON, JUNE)
    assert earlier is not None
    assert (earlier.as_of, earlier.facts) == (MAY, FACTS)
    assert last_warnings(store, 90, JULY) is None


@pytest.mark.slow
def test_a_run_without_warnings_is_a_run_too(store: Store) -> None:
    run(store, MAY, now(a=0.8))
    run(store, JUNE, now(a=0.1))
    earlier = last_warnings(store, HORIZON, JULY)
    assert earlier is not None
    assert (earlier.as_of, earlier.frame.height, earlier.frame.schema) == (
        JUNE,
        0,
        pl.Schema(RUN_COLUMNS | REPORT_COLUMNS),
    )
    assert told(run(store, JULY, now(a=0.8))) == {"a": "new"}


def test_labelled_tables_have_no_days(store: Store) -> None:
    frame = now(a=0.8).drop("last_order", "days_left")
    assert told(run(store, MAY, frame)) == {"a": "new"}
    assert told(run(store, JUNE, frame)) == {"a": "same"}


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


def test_the_outcome_of_warnings_is_reported_once_their_horizon_has_passed(store: Store) -> None:
    run(store, date(2026, 5, 1), now(a=0.8))
    run(store, MAY, now(a=0.8, b=0.8, c=0.8, d=(0.8, "contacted"), e=0.1, f=0.1))
    assert closed_warnings(store, HORIZON, JUNE - timedelta(days=1)) is not None
    earlier = closed_warnings(store, HORIZON, MAY + timedelta(days=HORIZON))
    assert earlier is not None
    assert earlier.as_of == MAY
    since = pl.DataFrame(
        {
            "customer_id": list("abcdef"),
            "next_order": [None, date(2026, 6, 30), date(2026, 7, 1), None, None, date(2026, 6, 1)],
        }
    )
    outcome = warning_outcome(earlier, since, horizon=HORIZON)
    assert (outcome.customers, outcome.churned, outcome.warned, outcome.warned_churned) == (6, 4, 3, 2)
    # gone on 10 July (MAY + 40 days): a was first warned on 1 May, 70 days before, and c on 31 May, 40 days before
    assert outcome.median_days_before == 55.0
    assert outcome.sentence == (
        "of 3 customers with a warning on 2026-05-31, 2 churned by 2026-06-30; "
        "of 4 churned customers, 2 had a warning; median lead time 55 days"
    )


def test_warnings_that_hit_nobody_have_no_median() -> None:
    earlier = EarlierWarnings(MAY, pl.DataFrame(schema=RUN_COLUMNS), {})
    outcome = warning_outcome(
        earlier,
        pl.DataFrame(
            {"customer_id": ["a"], "next_order": [None]}, schema={"customer_id": pl.String, "next_order": pl.Date}
        ),
        horizon=HORIZON,
    )
    assert (outcome.churned, outcome.warned, outcome.median_days_before) == (1, 0, None)


def test_a_run_whose_horizon_is_open_is_not_judged(store: Store) -> None:
    run(store, JUNE, now(a=0.8))
    assert closed_warnings(store, HORIZON, JUNE + timedelta(days=HORIZON - 1)) is None


def test_an_erased_customer_leaves_the_saved_warnings(store: Store) -> None:
    run(store, MAY, now(a=0.8, b=0.8))
    store.erase_customer("a")
    assert told(run(store, JUNE, now(b=0.8))) == {"b": "same"}


def test_runs_of_older_versions_with_fewer_columns_can_be_read(store: Store) -> None:
    old = compare(now(a=0.8), None, as_of=MAY, margin=MARGIN).frame.with_columns(gone_on=pl.lit(JULY))
    store.keep_run(ANALYSIS, run_name(HORIZON), VERSION, MAY, old.select(list(RUN_COLUMNS)), FACTS)
    worth = now(a=0.9).with_columns(value_at_risk=pl.lit(12.5), unanswered=pl.lit(value=True))
    later = compare(worth, None, as_of=JUNE, margin=MARGIN).frame
    save_warnings(store, later, as_of=JUNE, horizon=HORIZON, facts=FACTS)
    found = [last_warnings(store, HORIZON, day) for day in (JUNE, JULY)]
    told = [each.frame.select(list(REPORT_COLUMNS)).row(0) for each in found if each is not None]
    assert told == [(None, None, None), (12.5, None, True)]


@pytest.mark.slow
def test_a_run_is_current_until_its_horizon_has_passed_and_judged_from_then_on(store: Store) -> None:
    run(store, MAY, now(a=0.8))
    ends = MAY + timedelta(days=HORIZON)
    days = [MAY - timedelta(1), MAY, ends, ends + timedelta(1)]
    assert [current_warnings(store, day) is not None for day in days] == [False, True, True, False]
    assert [newest_closed_warnings(store, day) is not None for day in days] == [False, False, True, True]
    assert [each.horizon for each in (current_warnings(store, MAY), newest_closed_warnings(store, ends)) if each] == [
        30,
        30,
    ]
