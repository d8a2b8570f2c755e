"""Determine the position and the calendar of two-digit years."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Literal

import polars as pl

from ckm.io.values.date_parts import may_begin_with_year

DAYS = 31
CHANCE = 1e-6
"""Significance level. If real days would have so few distinct values with at most this probability, the numbers are not
days."""
OUTNUMBERED = 10
"""Ratio of dates with the year first to dates with the year last above which the latter are treated as errors."""
BUDDHIST_SHORT = (50, 79)
"""Two-digit years of 2007 to 2036 in the Buddhist era, unlikely as Gregorian years (1969 to 1979, 2050 to 2068)."""
THAI = r"[\u0E00-\u0E7F]"
PERSIAN_DIGITS = r"[\u06F0-\u06F9]"


@dataclass(frozen=True)
class TwoDigitYears:
    """Evidence of dates with two-digit years for the position of the year and its calendar.

    Attributes
    ----------
    either
        Numeric dates that can start or end with the year: first, second and last number.
    first, last
        Number of numeric dates that can only start with the year (``98/11/30``), or only end with it (``5/11/98``).
    thai, persian
        Dates in Thai script, or in Persian digits.
    era
        Dates whose years are in :data:`BUDDHIST_SHORT`.
    """

    either: frozenset[tuple[int, int, int]] = frozenset()
    first: int = 0
    last: int = 0
    thai: int = 0
    persian: int = 0
    era: int = 0

    def __add__(self, other: TwoDigitYears) -> TwoDigitYears:
        return TwoDigitYears(
            self.either | other.either,
            self.first + other.first,
            self.last + other.last,
            self.thai + other.thai,
            self.persian + other.persian,
            self.era + other.era,
        )

    @property
    def numeric(self) -> int:
        """Return the number of numeric dates."""
        return len(self.either) + self.first + self.last

    @property
    def begin(self) -> bool:
        """Return whether most dates begin with the year."""
        return self.first > self.last * OUTNUMBERED and 2 * self.first > self.numeric

    @property
    def are_unclear(self) -> bool:
        """Return whether the year may be first or last.

        It is last if clearly more dates are valid only with the year last, or if the last numbers have too few distinct
        values to be days and the first ones do not: the probability that n dates on any of 31 days all fall on some k
        days is at most C(31, k) (k / 31)^n.
        """
        if self.last > self.first * OUTNUMBERED or not self.either:
            return False
        lasts, firsts = (len({date[at] for date in self.either}) for at in (2, 0))
        return not (_are_too_few(lasts, len(self.either)) and not _are_too_few(firsts, len(self.either)))

    def calendar(self, short: int) -> Literal["buddhist", "jalali"] | None:
        """Return the non-Gregorian calendar of more than half of the dates with two-digit years; None if there is none.

        ``short`` is the number of dates with two-digit years.
        """
        if 2 * self.persian > short:
            return "jalali"
        return "buddhist" if 2 * max(self.thai, self.era) > short else None


def two_digit_years_evidence(written: pl.Series, parts: pl.DataFrame) -> TwoDigitYears:
    """Count the evidence of dates with two-digit years.

    Parameters
    ----------
    written
        The texts.
    parts
        Their parts; see :func:`ckm.io.values.date_parts.split`.
    """
    dates = parts.with_columns(written=pl.lit(written)).filter(pl.col("year").str.len_chars() == 2)
    if dates.is_empty():
        return TwoDigitYears()
    first, year = pl.col("day").cast(pl.Int32), pl.col("year").cast(pl.Int32)
    numeric = pl.col("shape") == "dmy"
    no_day = numeric & ~first.is_between(1, DAYS)
    may = numeric & may_begin_with_year()
    either = dates.filter(may & ~no_day).select(pl.col("day", "month", "year").cast(pl.Int32)).unique()
    counts = dates.select(
        first=(may & no_day).sum(),
        last=(numeric & ~may & ~no_day).sum(),
        thai=pl.col("written").str.contains(THAI).sum(),
        persian=pl.col("written").str.contains(PERSIAN_DIGITS).sum(),
        era=pl.when(no_day).then(first).otherwise(year).is_between(*BUDDHIST_SHORT).sum(),
    )
    return TwoDigitYears(frozenset(either.iter_rows()), **counts.row(0, named=True))


def _are_too_few(days: int, dates: int) -> bool:
    return comb(DAYS, min(days, DAYS)) * (days / DAYS) ** dates < CHANCE
