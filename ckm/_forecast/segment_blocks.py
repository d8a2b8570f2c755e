"""Segments of customers at the beginning of past blocks of weeks, to divide past demand by segment without look-ahead.

Today's segments depend on recent purchases: lost customers have none, new customers have only recent ones. Past demand
divided by today's segments would therefore fall to zero in some segments. So the demand of each past block of weeks is
divided by the segments at the beginning of the block, as the forecast is divided by the segments of today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._forecast.weekly_demand import FIRST_TIME, GUESTS

if TYPE_CHECKING:
    from datetime import date

    from ckm.dataset import Dataset

MOST_WEEKS = 104
"""Most weeks of history with segments: two years, which the method of the same weeks last year needs."""


@dataclass(frozen=True)
class SegmentBlocks:
    """Segments of the customers at the beginning of each past block of weeks.

    Attributes
    ----------
    frame
        One row per customer and block: ``customer_id``, ``block`` (0 is the last one before the as-of date),
        ``segment``.
    length
        Number of weeks of a block.
    blocks
        Number of blocks.
    """

    frame: pl.DataFrame
    length: int
    blocks: int

    @property
    def weeks(self) -> int:
        """Number of weeks of history with segments."""
        return self.length * self.blocks

    def joined(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Add ``segment``, at the beginning of the block, to lines with ``customer_id`` and ``week`` (0 is the last).

        ``segment`` is GUESTS for lines without a customer, and FIRST_TIME for customers who had no segment yet
        (constants of :mod:`ckm._forecast.weekly_demand`).
        """
        found = rows.with_columns(block=pl.col("week") // self.length).join(
            self.frame.lazy(), on=["customer_id", "block"], how="left"
        )
        return found.with_columns(
            segment=pl.when(pl.col("customer_id").is_null())
            .then(pl.lit(GUESTS))
            .otherwise(pl.col("segment").fill_null(FIRST_TIME))
        )


def segment_blocks(dataset: Dataset, as_of: date, first: date, length: int) -> SegmentBlocks:
    """Return the customers' segments at the beginning of each block of ``length`` weeks from ``first`` to ``as_of``.

    At most :data:`MOST_WEEKS` weeks are divided into blocks.
    """
    from ckm.segment import segment_history

    most = min(MOST_WEEKS, ((as_of - first).days + 1) // 7) // length
    days = [as_of - timedelta(days=7 * length * (block + 1)) for block in range(most)]
    found = segment_history(dataset, days, as_of=as_of)
    numbers = pl.DataFrame({"day": days, "block": range(len(days))}, schema={"day": pl.Date, "block": pl.Int64})
    frame = found.join(numbers, on="day").select("customer_id", "block", "segment")
    return SegmentBlocks(frame, length, frame["block"].n_unique())
