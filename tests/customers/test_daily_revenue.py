"""Daily revenue by value: equal sums with and without a dense grid."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.customers import daily_revenue
from ckm.customers.daily_revenue import DailyRevenue
from ckm.customers.day_totals import EPOCH
from ckm.customers.value_codes import ValueCodes

rows = st.lists(
    st.tuples(
        st.sampled_from(["web", "till", "a value of more than twelve bytes", "", "ชา", None]),
        st.integers(0, 2**17 - 1) | st.integers(52_000, 52_009),
        st.integers(-(10**12), 10**12),
    ),
    max_size=40,
)


def added(those: list[tuple[str | None, int, int]], batch: int) -> list[tuple[str, int, int]]:
    sums = DailyRevenue()
    for start in range(0, len(those) + 1, batch):
        values, days, money = (
            zip(*those[start : start + batch], strict=True) if those[start : start + batch] else ((),) * 3
        )
        sums.add(pl.Series(values, dtype=pl.String), np.array(days, np.int64), np.array(money, np.int64))
    return sums.frame(none="(none)").rows()


@pytest.mark.slow
@given(rows, st.integers(1, 50), st.sampled_from([0, 10**3, 10**9]))
def test_sums_by_value_and_day_equal_a_plain_sum(those: list, batch: int, most_cells: int) -> None:
    wanted: Counter[tuple[str, int]] = Counter()
    for value, day, money in those:
        wanted["(none)" if value is None else value, day - EPOCH] += money
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daily_revenue, "MOST_CELLS", min(most_cells, 2**22))
        found = added(those, batch)
    assert found == sorted((value, day, net) for (value, day), net in wanted.items() if net)


def test_values_are_numbered_from_1_and_null_is_0() -> None:
    values = ValueCodes()
    assert values.numbers(pl.Series(["b", None, "a"])).tolist() == [1, 0, 2]
    assert values.numbers(pl.Series(["a", "c"])).tolist() == [2, 3]
    assert values.names.to_list() == [None, "b", "a", "c"]
