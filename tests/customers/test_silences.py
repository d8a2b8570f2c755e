"""What silences promise: found where the data end early or a shop was closed, not where days without rows are usual."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers.silences import silences


@given(st.integers(30, 900), st.integers(0, 400))
def test_of_a_shop_that_sells_every_day_the_end_is_early_after_a_week(days: int, later: int) -> None:
    found = silences(np.arange(days), days - 1 + later)
    assert found == (((days, days - 1 + later),) if later > 7 else ())


@pytest.mark.parametrize(("every", "silent"), [(1, 8), (2, 8), (7, 22), (30, 91)])
def test_what_is_long_depends_on_how_often_there_are_rows(every: int, silent: int) -> None:
    days = np.arange(0, 60 * every, every)
    last = int(days[-1])
    assert silences(days, last + silent - 1) == ()
    assert silences(days, last + silent) == ((last + 1, last + silent),)


def test_a_shop_closed_for_two_months_has_a_silence_within() -> None:
    days = np.concatenate([np.arange(100), np.arange(160, 300)])
    assert silences(days, 299) == ((100, 159),)
    assert silences(days, 400) == ((100, 159), (300, 400))


def test_few_days_tell_nothing() -> None:
    assert silences(np.arange(29), 1_000) == ()


@given(st.lists(st.integers(0, 2_000), min_size=30, max_size=300, unique=True), st.integers(0, 3_000))
def test_a_silence_holds_no_row_and_lies_by_the_day(days: list[int], as_of: int) -> None:
    seen = np.array(sorted(day for day in days if day <= as_of))
    for first, last in silences(seen, as_of):
        assert last <= as_of
        assert not [day for day in days if first <= day <= last]
