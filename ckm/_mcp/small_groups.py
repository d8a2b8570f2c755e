"""Suppress counts of few customers in a list of groups whose total is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def suppressed(counts: Sequence[int], least: int) -> frozenset[int]:
    """Return the positions of the groups whose counts must be suppressed.

    Groups of 1 to ``least - 1`` customers are suppressed. If only one group is suppressed, or the suppressed groups
    have fewer than ``least`` customers in total, the next smallest groups are suppressed too, since the total would
    reveal the count. This is the rule of :mod:`ckm.metrics.cell_suppression` for a single breakdown.

    Parameters
    ----------
    counts
        Number of customers of each group.
    least
        Fewest customers of a group that is shown.
    """
    hidden = {at for at, count in enumerate(counts) if 0 < count < least}
    others = sorted((at for at, count in enumerate(counts) if at not in hidden and count), key=lambda at: counts[at])
    while hidden and others and (len(hidden) < 2 or sum(counts[at] for at in hidden) < least):
        hidden.add(others.pop(0))
    return frozenset(hidden)
