"""Usual days of the data: the range of days that is not stray. Examples of stray dates are 1970-01-01 and 2052-07-01.

The rules use only the number of rows per day (its *volume*). In case of doubt a day is usual.

1. A pause of ten years or more splits the days into parts. If one part has at least 80 % of the rows, all other parts
   are stray.
2. The *core* is the days without the first and the last 1 % of the rows. The days outside of the core are stray after a
   pause that is longer than a year and than ten times the longest pause in the core. They are not stray if the first
   day after the pause has usual volume, or if three days follow one another at intervals of the core.
3. At the end of the data, a day has usual volume with at least 5 % of the median volume in the last year of the core,
   and with more than one row if the median is three or more. The *latest* day is the newest day of usual volume. If it
   follows a long pause, it needs 40 % of the median volume, or two more days near it. Days after the latest day are
   usual if they follow at pauses of at most a fortnight, or three times the longest pause between days of usual volume
   in two years, and if there are at least a quarter as many as usual. All later days are stray.

Rules 2 and 3 need thirty days with rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

YEAR = 365
"""Days in a year. Shorter pauses are usual: a season, a sabbatical, a faulty data feed."""
SPLIT_DAYS = 10 * YEAR
"""Shortest pause in days that splits the data into parts (rule 1)."""
BULK_SHARE = 0.8
"""Smallest share of all rows in a part for all other parts to be stray."""
EDGE_SHARE = 0.01
"""Share of the rows at each end that are outside of the core (rule 2)."""
ENOUGH_DAYS = 30
"""Fewest days with rows for rules 2 and 3."""
MOST_PAUSE = 10
"""Largest usual pause at an end, as a multiple of the longest pause in the core."""
RUN = 3
"""Number of days that, following one another at usual intervals after a long pause, show that the shop reopened."""
LEAST_VOLUME = 0.05
"""Smallest usual volume of a day, relative to the median volume."""
FEW_ROWS = 3
"""Median volume from which a day with a single row is unusual."""
LEAST_SILENCE = 14
"""Pause in days that is always usual after a day of usual volume: holidays."""
MOST_SILENCE = 3
"""Largest usual pause, as a multiple of the longest pause between days of usual volume."""
LONG_PAUSE = 0.95
"""Quantile of the pauses between days of usual volume; a pause above :data:`MOST_SILENCE` times the quantile is
long."""
REOPENING = 0.4
"""Smallest volume of a single day after a long pause that shows a reopening, relative to the median volume."""
TRICKLE = 0.25
"""Smallest share of days with rows, relative to the usual share, for days of low volume at the end to be usual."""


class UsualDays(NamedTuple):
    """First and last usual day of the data, in days since 1970-01-01."""

    first: int
    last: int


def usual_days(days: Integers, rows: Integers) -> UsualDays:
    """Return the first and last usual day of the data; dates beyond them are stray.

    Parameters
    ----------
    days
        Days with rows, in days since 1970-01-01, ascending; at least one.
    rows
        Number of rows of each day, more than 0.

    >>> usual_days(np.array([0, *range(19_000, 19_100), 30_000]), np.ones(102, dtype=np.int64))
    UsualDays(first=19000, last=19099)
    """
    days, rows = _bulk(days, rows)
    if len(days) >= ENOUGH_DAYS:
        core = _core(rows)
        pause = int(np.diff(days[core]).max(initial=0))
        least = _least_volume(days, rows, core)
        open_again = (rows >= least) & (least > 1)
        last = _end(days, open_again, core.stop - 1, pause)
        first = len(days) - 1 - _end(-days[::-1], open_again[::-1], len(days) - 1 - core.start, pause)
        days, rows = days[first : last + 1], rows[first : last + 1]
        days = days[: _newest(days, rows >= least, rows) + 1]
    return UsualDays(int(days[0]), int(days[-1]))


def _bulk(days: Integers, rows: Integers) -> tuple[Integers, Integers]:
    """Return the part of the days with at least 80 % of the rows (rule 1), and its rows; if none has, all days."""
    cuts = [0, *(np.flatnonzero(np.diff(days) >= SPLIT_DAYS) + 1).tolist(), len(days)]
    for start, stop in pairwise(cuts):
        if rows[start:stop].sum() >= BULK_SHARE * rows.sum():
            return days[start:stop], rows[start:stop]
    return days, rows


def _core(rows: Integers) -> slice:
    """Return the core: the days without the first and the last 1 % of the rows (at least one row each)."""
    running, edge = np.cumsum(rows), max(1, int(EDGE_SHARE * rows.sum()))
    start = int(running.searchsorted(edge, side="right"))
    stop = int(running.searchsorted(running[-1] - edge, side="left")) + 1
    return slice(min(start, stop - 1), stop)


def _least_volume(days: Integers, rows: Integers, core: slice) -> float:
    """Return the smallest usual volume of a day, computed from the last year of the core; 1 if any volume is usual."""
    last_year = (days[core] > days[core.stop - 1] - YEAR).nonzero()[0]
    median = float(np.median(rows[core][last_year]))
    return max(LEAST_VOLUME * median, 2 if median >= FEW_ROWS else 1)


def _end(days: Integers, open_again: NDArray[np.bool_], position: int, pause: int) -> int:
    """Return the position of the last day before the first long pause after ``position``.

    A pause does not count if the shop reopened after it; ``open_again`` marks days whose volume alone proves that.
    """
    for at in range(position, len(days) - 1):
        following = days[at + 1 : at + 1 + RUN]
        runs_on = len(following) == RUN and int(np.diff(following).max()) <= max(pause, 1)
        if following[0] - days[at] > max(YEAR, MOST_PAUSE * pause) and not (runs_on or open_again[at + 1]):
            return at
    return len(days) - 1


def _newest(days: Integers, usual: NDArray[np.bool_], rows: Integers) -> int:
    """Return the position of the newest usual day (rule 3)."""
    latest = _last_usual(days, usual, rows)
    since = days[latest]
    volume_days = days[: latest + 1][usual[: latest + 1] & (days[: latest + 1] > since - 2 * YEAR)]
    pause = int(np.diff(volume_days).max(initial=1))
    year = int(days.searchsorted(since - YEAR, side="right"))
    often = (latest + 1 - year) / (since - days[year] + 1)
    allowed = max(LEAST_SILENCE, MOST_SILENCE * pause)

    def goes_on(at: int, silence: int) -> bool:
        apart, in_between = days[at] - since, at - latest
        return bool(days[at] - days[at - 1] <= allowed and (apart <= silence or in_between >= TRICKLE * often * apart))

    tail = range(latest + 1, len(days))
    if all(goes_on(at, allowed) for at in tail):
        return len(days) - 1
    return max((at for at in tail if goes_on(at, pause)), default=latest)


def _last_usual(days: Integers, usual: NDArray[np.bool_], rows: Integers) -> int:
    """Return the position of the last day of usual volume that is not isolated.

    Days after a long pause are isolated if there are fewer than three and none has 40 % of the median volume, such as
    an order of two lines that is dated half a year ahead.
    """
    at = usual.nonzero()[0]
    apart = np.diff(days[at])
    if not len(apart):
        return int(at[-1])
    allowed = max(LEAST_SILENCE, MOST_SILENCE * float(np.quantile(apart, LONG_PAUSE)))
    enough = REOPENING * float(np.median(rows[at]))
    for run in reversed(np.split(at, np.flatnonzero(apart > allowed) + 1)):
        if len(run) >= RUN or rows[run].max() >= enough:
            return int(run[-1])
    return int(at[-1])
