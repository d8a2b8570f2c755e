"""Days as whole numbers, and months before a day."""

from __future__ import annotations

from calendar import monthrange
from datetime import MINYEAR, date

_EPOCH_ORDINAL = 719_163  # of 1970-01-01, as date.toordinal counts


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def calendar_day(number: int) -> date:
    """Return the day of a number of days since 1970-01-01."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


def months_before(day: date, months: int) -> date:
    """Same day of the month ``months`` earlier, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    year = max(year, MINYEAR + 1)  # a window of ten thousand months is all time, also east of Greenwich
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
