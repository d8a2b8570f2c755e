"""Usual days of the data: a stray date (1970, 2052) sets neither their beginning nor their end.

The rules use only the number of rows per day, and keep a day in case of doubt:

1. Days at least ten years apart belong to different histories; the one with at least 80 % of the rows is used.
2. The first and the last 1 % of its rows are compared with the days between. Days at an edge are stray after a pause
   of more than a year that is also more than ten times the longest pause between the middle days, unless they have a
   usual volume, or three of them follow one another at usual intervals.
3. At the end, the volume of a day is usual compared with the median of the last year: at least a twentieth of it, and
   more than one row in a shop with three rows a day or more. After a long pause, a day of usual volume counts only
   with two fifths of the median, or together with two more days. After the newest of these days, a silence of a
   fortnight, or of three times the longest pause between them in two years, is usual, and so are single rows on a
   quarter of the usual days. A single day beyond that is stray, and so are all days beyond the longest usual pause.

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
"""Days in a year: pauses for a season, a sabbatical or a faulty feed are shorter."""
SPLIT_DAYS = 10 * YEAR
"""Shortest pause in days that splits the data into disconnected parts."""
BULK_SHARE = 0.8
"""Smallest share of all rows in a part for the other parts to be ignored as stray."""
EDGE_SHARE = 0.01
"""Share of the rows, at each end, that may be stray."""
ENOUGH_DAYS = 30
"""Fewest days with rows to detect stray dates by the usual pauses and volume."""
MOST_PAUSE = 10
"""Ratio of a pause to the longest one between usual days, above which the days beyond it are stray."""
RUN = 3
"""Number of days at usual intervals after a long pause that show a reopening of the shop."""
LEAST_VOLUME = 0.05
"""Smallest usual number of rows of a day (its volume), relative to the median day."""
FEW_ROWS = 3
"""Rows of the median day from which a day with a single row is unusual."""
LEAST_SILENCE = 14
"""Pause in days that is always usual, after a day of usual volume: holidays, or part of a week."""
MOST_SILENCE = 3
"""Largest ratio of a usual pause to the longest one between days of usual volume."""
LONG_PAUSE = 0.95
"""Quantile of the pauses between days of usual volume. A pause of more than :data:`MOST_SILENCE` times this is long."""
REOPENING = 0.4
"""Smallest number of rows by which a single day after a long pause shows a reopening, relative to the median day."""
TRICKLE = 0.25
"""Smallest share of days with rows, relative to the usual one, of a business that continues with single rows."""


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
    """Return the part of the days with nearly all rows (parts are separated by ten years); without one, all days."""
    cuts = [0, *(np.flatnonzero(np.diff(days) >= SPLIT_DAYS) + 1).tolist(), len(days)]
    for start, stop in pairwise(cuts):
        if rows[start:stop].sum() >= BULK_SHARE * rows.sum():
            return days[start:stop], rows[start:stop]
    return days, rows


def _core(rows: Integers) -> slice:
    """Return the days between the first and the last 1 % of the rows (at least one row)."""
    running, edge = np.cumsum(rows), max(1, int(EDGE_SHARE * rows.sum()))
    start = int(running.searchsorted(edge, side="right"))
    stop = int(running.searchsorted(running[-1] - edge, side="left")) + 1
    return slice(min(start, stop - 1), stop)


def _least_volume(days: Integers, rows: Integers, core: slice) -> float:
    """Return the smallest usual volume of a day by the last year of the core; 1 if any volume is usual."""
    last_year = (days[core] > days[core.stop - 1] - YEAR).nonzero()[0]
    median = float(np.median(rows[core][last_year]))
    return max(LEAST_VOLUME * median, 2 if median >= FEW_ROWS else 1)


def _end(days: Integers, open_again: NDArray[np.bool_], position: int, pause: int) -> int:
    """Return the position of the last day before the first long pause after ``position``.

    A pause is not long if the shop reopens after it. ``open_again`` marks days whose volume alone shows this.
    """
    for at in range(position, len(days) - 1):
        following = days[at + 1 : at + 1 + RUN]
        runs_on = len(following) == RUN and int(np.diff(following).max()) <= max(pause, 1)
        if following[0] - days[at] > max(YEAR, MOST_PAUSE * pause) and not (runs_on or open_again[at + 1]):
            return at
    return len(days) - 1


def _newest(days: Integers, usual: NDArray[np.bool_], rows: Integers) -> int:
    """Return the position of the newest day that has usual volume, or follows one without an unusual silence."""
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
    """Return the position of the last day of usual volume, without isolated days after a long pause.

    Days after a long pause are not isolated if three or more follow one another at usual intervals, or if one of them
    has two fifths of the median rows: a two-line order dated half a year ahead is no reopening.
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
