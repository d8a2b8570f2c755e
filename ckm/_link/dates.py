"""Dates of birth: levels of two different dates, and years."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Codes: TypeAlias = NDArray[np.int64]
    Levels: TypeAlias = NDArray[np.int8]

YEARS = (1500, 2100)
"""Years that a date of birth may have."""
HALF, ERROR = 2, 4
"""Level of two dates of one year, or of one day and month (the rest of one was unknown or is wrong); and level of two
dates with day and month exchanged, or of one day in successive years."""


class Dates:
    """Compares different dates of birth by year, month and day.

    Parameters
    ----------
    values
        Distinct dates of eight digits, with the year first or last; String. The code of a date is its position.
    """

    def __init__(self, values: pl.Series) -> None:
        day_first = values.str.slice(2, 2) + values.str.head(2) + values.str.slice(4)
        year_first = values.str.head(4) + values.str.slice(6) + values.str.slice(4, 2)
        self._whole, self._day_first, self._year_first, self._start, self._end = (
            each.hash().to_numpy() for each in (values, day_first, year_first, values.str.head(4), values.str.slice(4))
        )
        self._year = years_of_birth(values)

    def levels(self, left: Codes, right: Codes) -> Levels:
        """Return the level of each pair of different dates: :data:`ERROR`, :data:`HALF` or 0; shape (pairs,)."""
        start, end = (half[left] == half[right] for half in (self._start, self._end))
        exchanged = (self._whole[left] == self._day_first[right]) | (self._whole[left] == self._year_first[right])
        successive = (start | end) & (np.abs(self._year[left] - self._year[right]) == 1)
        return np.select([exchanged | successive, start | end], [np.int8(ERROR), np.int8(HALF)], np.int8(0))


def years_of_birth(dates: pl.Series) -> Floats:
    """Return the years of normalised dates, NaN if unknown; shape (dates,)."""
    years = [part.cast(pl.Int64, strict=False) for part in (dates.str.head(4), dates.str.tail(4))]
    found = [pl.select(pl.when(each.is_between(*YEARS)).then(each)).to_series() for each in years]
    return pl.select(pl.coalesce(*found)).to_series().cast(pl.Float64).fill_null(np.nan).to_numpy()
