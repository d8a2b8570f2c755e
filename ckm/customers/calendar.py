"""Days as whole numbers, and months before a day."""

from __future__ import annotations

from calendar import monthrange
from datetime import MINYEAR, date

_EPOCH_ORDINAL = 719_163  # ordinal of 1970-01-01 (date.toordinal)


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def calendar_day(number: int) -> date:
    """Return the day of a number of days since 1970-01-01."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


def months_before(day: date, months: int) -> date:
    """Return the same day of the month ``months`` earlier, and the end of a month for the end of a month.

    If the earlier month does not have the day, its last day is returned. The days of the last months are those after
    the returned day: one month to 2025-04-30 begins on 2025-04-01, one month to 2024-02-28 on 2024-01-29, and twelve
    months to it on 2023-03-01.

    >>> [str(months_before(date(2025, 4, 30), 1)), str(months_before(date(2024, 2, 28), 12))]
    ['2025-03-31', '2023-02-28']
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    year = max(year, MINYEAR + 1)  # a window of ten thousand months means all time, also east of Greenwich
    last = monthrange(year, month + 1)[1]
    is_end = day.day == monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if is_end else min(day.day, last))
