"""Counts of few customers are suppressed, and cannot be computed from the total."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ckm._mcp.small_groups import suppressed


def test_the_next_smallest_group_is_suppressed_with_a_single_small_group() -> None:
    assert suppressed([100, 3, 40, 0, 60], 5) == {1, 2}
    assert suppressed([100, 40, 0], 5) == frozenset()
    assert suppressed([3, 4, 100], 5) == {0, 1}


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(0, 10))
def test_total_less_shown_counts_is_zero_or_of_two_groups_and_enough_customers(counts: list[int], least: int) -> None:
    hidden = suppressed(counts, least)
    assert all(count == 0 or count >= least for at, count in enumerate(counts) if at not in hidden)
    together = sum(counts[at] for at in hidden)
    shown = [count for at, count in enumerate(counts) if at not in hidden and count]
    assert not hidden or not shown or (together >= least and len(hidden) > 1)
