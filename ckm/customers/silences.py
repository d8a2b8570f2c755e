"""Days in a row on which there are unusually long no rows at all: a shop was closed, or data are incomplete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.coverage import Coverage

FEWEST_DAYS = 30
"""Days with rows below which nobody knows how long a shop has none as a rule."""
SHORTEST_AT_THE_END, SHORTEST_WITHIN = 7, 28
"""Days without any row that are never unusual: a week that is not loaded yet, and holidays within the data."""
TIMES_THE_GAPS = 3
"""Times the 95th percentile of the days from one day with rows to the next that a silence is longer than."""


def silences(days: NDArray[np.int64], as_of: int) -> tuple[tuple[int, int], ...]:
    """Return the spans of days, first and last, on which there are unusually long no rows.

    The span after the last row is one too. Unlike :func:`ckm.customers.coverage.data_end`, which a long pause earlier
    in the data makes more patient, it counts what is missing of a period and not what is worth a warning.

    Parameters
    ----------
    days
        Days with any row, as numbers, ascending, distinct and none after ``as_of``.
    as_of
        The day of the analysis.

    >>> silences(np.arange(100), 110)
    ((100, 110),)
    >>> silences(np.arange(100), 105)
    ()
    """
    if len(days) < FEWEST_DAYS:
        return ()
    gaps = np.diff(days)
    usual = TIMES_THE_GAPS * float(np.quantile(gaps, 0.95))
    long = np.flatnonzero(gaps > max(SHORTEST_WITHIN, usual))
    found = [(int(days[each]) + 1, int(days[each + 1]) - 1) for each in long]
    last = int(days[-1])
    if as_of - last > max(SHORTEST_AT_THE_END, usual):
        found.append((last + 1, as_of))
    return tuple(found)


def silences_of(coverage: Coverage) -> tuple[tuple[int, int], ...]:
    """Return the silences of the days that the data are about, to the as-of date."""
    usual = coverage.usual_days
    if usual is None:
        return ()
    return silences(coverage.days[(coverage.days >= usual.first) & (coverage.days <= usual.last)], coverage.as_of)
