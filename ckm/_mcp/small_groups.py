"""Suppress counts of few customers in a list of groups whose total is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def suppressed(counts: Sequence[int], least: int) -> frozenset[int]:
    """Return the positions of the groups that are not shown.

    A group of 1 to ``least - 1`` customers is not shown. If the groups that are not shown have fewer than ``least``
    customers together, or are only one, the next smallest is not shown either: else the total would reveal them. The
    same rule as in :mod:`ckm.metrics.cell_suppression`, for one breakdown.
    """
    hidden = {at for at, count in enumerate(counts) if 0 < count < least}
    others = sorted((at for at, count in enumerate(counts) if at not in hidden and count), key=lambda at: counts[at])
    while hidden and others and (len(hidden) < 2 or sum(counts[at] for at in hidden) < least):
        hidden.add(others.pop(0))
    return frozenset(hidden)
