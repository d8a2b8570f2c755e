"""End of the data: when a silence before the as-of date is reported as unusual."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers.calendar import day_number
from ckm.customers.data_end import data_end
from ckm.customers.ledger_reader import read_ledger
from tests.customers.rows import frame, row

END = day_number(date(2025, 12, 30))


def test_daily_data_that_end_weeks_before_the_as_of_date_are_reported() -> None:
    found = data_end(np.arange(END - 900, END + 1), day_number(date(2026, 3, 15)))
    assert found is not None
    assert (found.last, found.silent_days, found.longest_pause) == (date(2025, 12, 30), 75, 1)
    assert "end on 2025-12-30, 75 days before 2026-03-15" in found.sentence


def test_a_usual_silence_is_not_reported() -> None:
    assert data_end(np.arange(END - 900, END + 1), END + 7) is None, "a week that is not loaded yet"
    assert data_end(np.arange(END - 900, END + 1, 31), END + 31) is None, "one order a month"
    closed = np.concatenate([np.arange(END - 900, END - 500), np.arange(END - 380, END + 1)])
    assert data_end(closed, END + 120) is None, "closed for months, as it was before"


def test_with_few_days_a_silence_is_compared_with_the_span_of_the_data() -> None:
    assert data_end(np.array([END]), END + 30) is None
    assert data_end(np.array([END - 90, END]), END + 180) is None
    assert data_end(np.array([END - 90, END]), END + 181) is not None
    assert data_end(np.array([], dtype=np.int64), END) is None


@given(st.sets(st.integers(0, 1_000), min_size=1, max_size=60), st.integers(0, 3_000))
def test_if_a_silence_is_unusual_a_longer_one_is_too(days: set[int], silent: int) -> None:
    ordered = np.array(sorted(days))
    last = int(ordered[-1])
    told = [data_end(ordered, last + each) is not None for each in (silent, silent + 1)]
    assert told != [True, False]
    assert data_end(ordered, last) is None


def test_the_end_of_the_data_is_in_the_remarks_of_the_ledger() -> None:
    rows = [row("ann", day, 1.0) for day in range(60)]
    told = read_ledger({"transactions": frame(*rows)}, as_of=date(2024, 8, 1)).left_out
    assert told.data_end is not None
    assert told.remarks == [told.data_end.sentence]
    assert read_ledger({"transactions": frame(*rows)}).left_out.remarks == []
