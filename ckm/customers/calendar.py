"""Day numbers (days since 1970-01-01), and the date some months before a date."""

from __future__ import annotations

from calendar import monthrange
from datetime import MINYEAR, date

_EPOCH_ORDINAL = 719_163  # ordinal of 1970-01-01 (date.toordinal)


def day_number(day: date) -> int:
    """Return the number of days from 1970-01-01 to a date."""
    return day.toordinal() - _EPOCH_ORDINAL


def calendar_day(number: int) -> date:
    """Return the date that is a number of days after 1970-01-01."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


def months_before(day: date, months: int) -> date:
    """Return the same day of the month, ``months`` months earlier.

    If ``day`` is the last day of its month, or if the earlier month is shorter, the last day of the earlier month is
    returned. A period of ``months`` months that ends on ``day`` begins on the day after the returned one: one month to
    2025-04-30 begins on 2025-04-01, one month to 2024-02-28 on 2024-01-29, twelve months to 2024-02-28 on 2023-03-01.

    >>> [str(months_before(date(2025, 4, 30), 1)), str(months_before(date(2024, 2, 28), 12))]
    ['2025-03-31', '2023-02-28']
    """
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    year = max(
        year, MINYEAR + 1
    )  # 10,000 months mean all time; not year 1, so that a time zone's offset still gives a valid date
    last = monthrange(year, month + 1)[1]
    is_end = day.day == monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if is_end else min(day.day, last))
