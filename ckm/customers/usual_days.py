"""Which days the data are about: a stray date (1970, 2052) sets neither where they begin nor where they end.

The rule looks at nothing but how many rows each day has, and keeps what it cannot tell:

1. Days at least ten years apart are not of one history. The part that holds at least 80 % of the rows is.
2. In the rest, the first and the last per cent of the rows are compared with the days between. A day there is stray,
and
   all beyond it are, after a pause of more than a year that is also more than ten times the longest pause between those
   days; unless it has the volume of a usual day, or three days of rows follow one another as they usually do.
3. At the end, the last year's median tells what volume is usual: a day with a single row has none in a shop of three
   rows a day or more, nor has one below a twentieth of the median. A day of usual volume long after the others counts
   only with two fifths of their median, or with two more. After the newest such day a fortnight, or
   three times the longest pause between such days in two years, is nothing unusual, and neither is a trickle of rows on
   a quarter of the usual days. A lone day beyond that is stray, and with it what lies beyond the longest usual pause.

Rules 2 and 3 ask for thirty days with rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

YEAR = 365
"""Days: a season, a sabbatical or a wrong feed makes a shop pause for less."""
AGES = 10 * YEAR
"""Days of a pause that no history has."""
BULK_SHARE = 0.8
"""Share of the rows that the main part of disconnected data must have."""
EDGE_SHARE = 0.01
"""Of the rows, at each end, that may be stray."""
ENOUGH_DAYS = 30
"""Fewest days with rows for usual pauses and volume."""
MOST_PAUSE = 10
"""Times the longest pause, beyond which a day does not belong to the others."""
RUN = 3
"""Days in a row, as usual, that show that a shop has opened again."""
LEAST_VOLUME = 0.05
"""Of the median day's rows."""
FEW_ROWS = 3
"""Rows of the median day below which a day with one row is a usual one."""
LEAST_SILENCE = 14
"""Days after the newest day of usual volume that are nothing unusual: holidays, a part of a week."""
MOST_SILENCE = 3
"""Times the longest pause between days of usual volume that is nothing unusual either."""
LONG_PAUSE = 0.95
"""Quantile of the pauses between days of usual volume: three times that is a long one."""
REOPENING = 0.4
"""Of the median rows of such days, which a day has on which a shop opens again."""
TRICKLE = 0.25
"""Of the usual share of days with rows: a business that goes on."""


class UsualDays(NamedTuple):
    """First and last day that the data are about, in days since 1970-01-01."""

    first: int
    last: int


def usual_days(days: Whole, rows: Whole) -> UsualDays:
    """Return the first and last day that the data are about; days beyond them are stray.

    Parameters
    ----------
    days
        Days with rows, in days since 1970-01-01, ascending; at least one.
    rows
        How many each has, more than 0.

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


def _bulk(days: Whole, rows: Whole) -> tuple[Whole, Whole]:
    """The part of days that are ages apart in which nearly all rows lie; all of them where there is none."""
    cuts = [0, *(np.flatnonzero(np.diff(days) >= AGES) + 1).tolist(), len(days)]
    for start, stop in pairwise(cuts):
        if rows[start:stop].sum() >= BULK_SHARE * rows.sum():
            return days[start:stop], rows[start:stop]
    return days, rows


def _core(rows: Whole) -> slice:
    """The days between the first and the last per cent of the rows, and of one row at least."""
    running, edge = np.cumsum(rows), max(1, int(EDGE_SHARE * rows.sum()))
    start = int(running.searchsorted(edge, side="right"))
    stop = int(running.searchsorted(running[-1] - edge, side="left")) + 1
    return slice(min(start, stop - 1), stop)


def _least_volume(days: Whole, rows: Whole, core: slice) -> float:
    """Rows from which on a day has the volume of a usual one, by the last year of the core; 1 where any day has."""
    last_year = (days[core] > days[core.stop - 1] - YEAR).nonzero()[0]
    median = float(np.median(rows[core][last_year]))
    return max(LEAST_VOLUME * median, 2 if median >= FEW_ROWS else 1)


def _end(days: Whole, open_again: NDArray[np.bool_], position: int, pause: int) -> int:
    """Position of the last day that a pause does not part from the others, from one of them on.

    ``open_again`` marks the days whose volume alone shows that the shop is open again.
    """
    for at in range(position, len(days) - 1):
        following = days[at + 1 : at + 1 + RUN]
        runs_on = len(following) == RUN and int(np.diff(following).max()) <= max(pause, 1)
        if following[0] - days[at] > max(YEAR, MOST_PAUSE * pause) and not (runs_on or open_again[at + 1]):
            return at
    return len(days) - 1


def _newest(days: Whole, usual: NDArray[np.bool_], rows: Whole) -> int:
    """Position of the newest day that is of usual volume, or not unusually long after one."""
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


def _last_usual(days: Whole, usual: NDArray[np.bool_], rows: Whole) -> int:
    """Position of the last day of usual volume that belongs to those before it.

    Days after a long pause do where three of them or more follow one another as usual, or where one has two fifths of
    the median rows: an order of two lines that is dated half a year ahead is no shop that has opened again.
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
