"""Saved warnings: a repeated run changes nothing, and no run reads a later one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ckm._churn.saved_warnings import (
    ANALYSIS,
    REPORT_COLUMNS,
    RUN_COLUMNS,
    VERSION,
    WarningRun,
    closed_warnings,
    current_warnings,
    last_warnings,
    newest_closed_warnings,
    run_name,
)
from ckm._churn.warning_changes import compare
from ckm.store import Store
from tests._churn.saved_runs import FACTS, HORIZON, JULY, JUNE, MARGIN, MAY, change_of, now, run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_repeating_a_run_of_the_same_day_changes_no_file(store: Store, tmp_path: Path) -> None:
    run(store, MAY, now(a=0.8))
    once = run(store, JUNE, now(a=0.9, b=0.8))
    files = {path: path.read_bytes() for path in sorted((tmp_path / "store").rglob("*")) if path.is_file()}
    again = run(store, JUNE, now(a=0.9, b=0.8))
    assert_frame_equal(once.frame, again.frame)
    assert {path: path.read_bytes() for path in sorted((tmp_path / "store").rglob("*")) if path.is_file()} == files


def test_a_run_reads_no_later_run_and_none_of_another_horizon(store: Store) -> None:
    run(store, JULY, now(a=0.8))
    assert last_warnings(store, HORIZON, JULY) is None
    assert change_of(run(store, MAY, now(a=0.8))) == {"a": "new"}
    earlier = last_warnings(store, HORIZON, JUNE)
    assert earlier is not None
    assert (earlier.as_of, earlier.facts) == (MAY, FACTS)
    assert last_warnings(store, 90, JULY) is None


@pytest.mark.slow
def test_a_run_without_warnings_is_saved_too(store: Store) -> None:
    run(store, MAY, now(a=0.8))
    run(store, JUNE, now(a=0.1))
    earlier = last_warnings(store, HORIZON, JULY)
    assert earlier is not None
    assert (earlier.as_of, earlier.frame.height, earlier.frame.schema) == (
        JUNE,
        0,
        pl.Schema(RUN_COLUMNS | REPORT_COLUMNS),
    )
    assert change_of(run(store, JULY, now(a=0.8))) == {"a": "new"}


def test_a_run_has_no_outcome_before_its_horizon_has_passed(store: Store) -> None:
    run(store, JUNE, now(a=0.8))
    assert closed_warnings(store, HORIZON, JUNE + timedelta(days=HORIZON - 1)) is None


def test_an_erased_customer_leaves_the_saved_warnings(store: Store) -> None:
    run(store, MAY, now(a=0.8, b=0.8))
    store.erase_customer("a")
    assert change_of(run(store, JUNE, now(b=0.8))) == {"b": "same"}


def test_runs_of_older_versions_with_fewer_columns_can_be_read(store: Store) -> None:
    old = compare(now(a=0.8), None, as_of=MAY, margin=MARGIN).frame.with_columns(gone_on=pl.lit(JULY))
    store.save_run(ANALYSIS, run_name(HORIZON), VERSION, MAY, old.select(list(RUN_COLUMNS)), FACTS)
    worth = now(a=0.9).with_columns(value_at_risk=pl.lit(12.5), unanswered=pl.lit(value=True))
    later = compare(worth, None, as_of=JUNE, margin=MARGIN).frame
    WarningRun(store, later, JUNE, HORIZON, FACTS).save()
    found = [last_warnings(store, HORIZON, day) for day in (JUNE, JULY)]
    told = [each.frame.select(list(REPORT_COLUMNS)).row(0) for each in found if each is not None]
    assert told == [(None, None, None), (12.5, None, True)]


@pytest.mark.slow
def test_a_run_is_current_until_its_horizon_has_passed_and_closed_from_then_on(store: Store) -> None:
    run(store, MAY, now(a=0.8))
    ends = MAY + timedelta(days=HORIZON)
    days = [MAY - timedelta(1), MAY, ends, ends + timedelta(1)]
    assert [current_warnings(store, day) is not None for day in days] == [False, True, True, False]
    assert [newest_closed_warnings(store, day) is not None for day in days] == [False, False, True, True]
    assert [each.horizon for each in (current_warnings(store, MAY), newest_closed_warnings(store, ends)) if each] == [
        30,
        30,
    ]
