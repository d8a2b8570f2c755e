"""End of the data: an unusually long silence between the last transaction and the as-of date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import calendar_day
from ckm.wording import counted

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

MOST_SILENCE = 2
"""Largest usual silence at the end of the data, as a multiple of the longest pause within the data."""
LEAST_SILENCE = 7
"""Days of silence at the end that are always usual: the last week may not be loaded yet."""
FEW_DAYS = 10
"""Fewest days with lines for the rule of the longest pause; with fewer, their whole span replaces the pause."""
FEW_DAYS_SILENCE = 30
"""Days of silence at the end that are usual if fewer than :data:`FEW_DAYS` days have lines."""


@dataclass(frozen=True)
class DataEnd:
    """Data that end unusually long before the as-of date.

    Attributes
    ----------
    last
        Newest day with a line.
    as_of
        As-of date.
    longest_pause
        Longest pause in days between two days with lines.
    usual_silence
        Longest usual silence before the as-of date, in days.
    """

    last: date
    as_of: date
    longest_pause: int
    usual_silence: int

    @property
    def silent_days(self) -> int:
        """Days from the end of the data to the as-of date."""
        return (self.as_of - self.last).days

    @property
    def sentence(self) -> str:
        """Remark with the end of the data and the longest pause in them."""
        pause = f"; the longest pause in them is {counted(self.longest_pause, 'day')}" if self.longest_pause else ""
        return f"the data end on {self.last}, {counted(self.silent_days, 'day')} before {self.as_of}{pause}"


def data_end(days: NDArray[np.int64], as_of: int) -> DataEnd | None:
    """Return the end of the data if it is unusually long before ``as_of``; else None.

    A silence is usual up to a week, or up to twice the longest pause between two days with lines. With fewer than ten
    days with lines, it is usual up to thirty days, or up to twice the span from the first to the last day.

    Parameters
    ----------
    days
        Days with a line, in days since 1970-01-01, ascending, none after ``as_of``.
    as_of
        As-of date.

    >>> str(data_end(np.arange(100), 180).sentence)
    'the data end on 1970-04-10, 81 days before 1970-06-30; the longest pause in them is 1 day'
    """
    if not len(days):
        return None
    last, pause = int(days[-1]), int(np.diff(days).max(initial=0))
    usual = max(LEAST_SILENCE, MOST_SILENCE * pause)
    if len(days) < FEW_DAYS:
        usual = max(FEW_DAYS_SILENCE, MOST_SILENCE * (last - int(days[0])))
    if as_of - last <= usual:
        return None
    return DataEnd(calendar_day(last), calendar_day(as_of), pause, usual)
