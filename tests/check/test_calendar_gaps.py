"""Days without a sale: a weekday with sales only sometimes is no selling day."""

from datetime import date, timedelta

import polars as pl
import pytest

from ckm.check import CheckLimits
from ckm.check.calendar_gaps import gaps

FIRST = date(2024, 1, 1)


def _open(days: int, sundays: int) -> pl.Series:
    """Return the days with sales: all but Sundays, and the last ``sundays`` Sundays."""
    all_days = [FIRST + timedelta(number) for number in range(days)]
    closed = [day for day in all_days if day.weekday() == 6][: -sundays or None]
    return pl.Series([day for day in all_days if day not in closed])


@pytest.mark.parametrize("sundays", [1, 5, 9, 30])
def test_sundays_that_are_open_only_sometimes_are_no_gap(sundays: int) -> None:
    assert gaps(_open(728, sundays), CheckLimits()) == []


def test_a_shop_that_sells_on_random_days_has_no_gap() -> None:
    days = pl.Series([FIRST + timedelta(number) for number in range(700) if (number * 7919) % 5 < 2])
    assert gaps(days, CheckLimits()) == []


def test_a_selling_day_without_a_sale_is_a_gap() -> None:
    days = _open(364, 0)
    (gap,) = gaps(days.filter(days != date(2024, 5, 14)), CheckLimits())
    assert (gap.start, gap.end, gap.days) == (date(2024, 5, 14), date(2024, 5, 14), 1)
