"""Sums of money by day and value of a column, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.churning.timeline import DAY_BITS
from ckm.feature_table.register import CustomerRegister, id_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

MOST_CELLS = 2**19
"""Of a grid of values and days that is filled for one batch; 4 MB."""
DAY_MASK = (1 << DAY_BITS) - 1


class Values:
    """Numbers for the values of a column of texts, in order of appearance."""

    def __init__(self) -> None:
        self._register = CustomerRegister(pl.String())

    def numbers(self, values: pl.Series) -> Whole:
        """Number of each value, from 1 on; 0 where there is none."""
        nulls = values.null_count()
        if not nulls:
            return self._register.numbers(values, *id_words(values)) + 1
        if nulls == len(values):
            return np.zeros(nulls, dtype=np.int64)
        some = values.drop_nulls()
        numbers = np.zeros(len(values), dtype=np.int64)
        numbers[values.is_not_null().to_numpy()] = self._register.numbers(some, *id_words(some)) + 1
        return numbers

    @property
    def names(self) -> pl.Series:
        """The values by number; null comes first."""
        return pl.concat([pl.Series("value", [None], dtype=pl.String), self._register.ids.alias("value")])


class DaySums:
    """Money by value of one column and day."""

    def __init__(self) -> None:
        self._values = Values()
        self._pieces: list[pl.DataFrame] = []

    def add(self, values: pl.Series, days: Whole, money: Whole) -> None:
        """Add a batch: texts or nulls, days of 0 or more, and whole numbers, all as long as it has rows."""
        if len(values):
            self._pieces.append(_summed(self._values.numbers(values), days, money))

    def frame(self, *, none: str) -> pl.DataFrame:
        """Return ``value`` (String; ``none`` where there is none), ``day`` and ``net`` (Int64), sorted; no net is 0."""
        if not self._pieces:
            return pl.DataFrame(schema={"value": pl.String, "day": pl.Int64, "net": pl.Int64})
        sums = pl.concat(self._pieces).group_by("key").agg(net=pl.col("money").sum()).filter(pl.col("net") != 0)
        names = self._values.names.fill_null(none)
        return sums.select(
            value=names.gather(sums["key"] // (1 << DAY_BITS)), day=pl.col("key") & DAY_MASK, net="net"
        ).sort("value", "day")


def _summed(numbers: Whole, days: Whole, money: Whole) -> pl.DataFrame:
    """``key`` (number and day) and ``money``: on a grid where it is small, as it is for a dozen channels."""
    first = int(days.min())
    span = int(days.max()) - first + 1
    height = int(numbers.max()) + 1
    if height * span > MOST_CELLS:
        keys = pl.DataFrame({"key": numbers << DAY_BITS | days, "money": money})
        return keys.group_by("key").agg(pl.col("money").sum())
    grid = np.zeros(height * span, dtype=np.int64)
    np.add.at(grid, numbers * span + (days - first), money)
    cells = np.flatnonzero(grid)
    return pl.DataFrame({"key": cells // span << DAY_BITS | (cells % span + first), "money": grid[cells]})
