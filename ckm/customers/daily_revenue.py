"""Revenue of the shop, including guests, by day and value of a column; summed batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.day_totals import DAY_BITS, DAY_MASK, EPOCH
from ckm.customers.value_codes import ValueCodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

MOST_CELLS = 2**19
"""Maximum cells of the dense grid of values and days for one batch; 4 MB."""


class DailyRevenue:
    """Revenue by value of one column and by day."""

    def __init__(self) -> None:
        self._values = ValueCodes()
        self._pieces: list[pl.DataFrame] = []

    def add(self, values: pl.Series, days: Integers, money: Integers) -> None:
        """Add a batch of lines: value (text or null), day (0 or later) and integer amount of each line."""
        if len(values):
            self._pieces.append(_summed(self._values.numbers(values), days, money))

    def frame(self, *, none: str) -> pl.DataFrame:
        """Return ``value`` (String; ``none`` replaces null), ``day`` (Int32) and ``net`` (Int64), sorted.

        Days are days since 1970-01-01; rows with a net of 0 are omitted.
        """
        if not self._pieces:
            return pl.DataFrame(schema={"value": pl.String, "day": pl.Int32, "net": pl.Int64})
        sums = pl.concat(self._pieces).group_by("key").agg(net=pl.col("money").sum())
        names = self._values.names.fill_null(none)
        named = sums.select(
            value=names.gather(sums["key"] // (1 << DAY_BITS)),
            day=((pl.col("key") & DAY_MASK) - EPOCH).cast(pl.Int32),
            net="net",
        )
        return revenue_of(named)


def revenue_of(sums: pl.DataFrame) -> pl.DataFrame:
    """Sum ``net`` by ``value`` and ``day``, sorted, without zeros; a value may equal the label of null."""
    return sums.group_by("value", "day").agg(pl.col("net").sum()).filter(pl.col("net") != 0).sort("value", "day")


def _summed(numbers: Integers, days: Integers, money: Integers) -> pl.DataFrame:
    """Return ``key`` (number and day) and summed ``money``.

    With few values, such as a dozen channels, the sums are computed in a dense grid of values and days.
    """
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
