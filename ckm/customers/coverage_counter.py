"""Coverage of transactions, counted batch by batch while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.coverage import Coverage, Currency
from ckm.customers.day_totals import DAY_BITS, EPOCH
from ckm.customers.definitions import FIRST_CUSTOMER_KIND, KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence


class CoverageCounter:
    """Counter of lines that builds a :class:`Coverage` batch by batch.

    Parameters
    ----------
    amounts
        Amount columns that will be summed.
    first_used
        Index of the first used kind in :data:`ckm.customers.definitions.KINDS`.
    last_day
        Last used day, in days since 1970-01-01; None means the newest.
    """

    def __init__(self, amounts: Sequence[str], first_used: int, last_day: int | None) -> None:
        self._amounts, self._first_used, self._last_day = tuple(amounts), first_used, last_day
        self._lines = np.zeros((1 << DAY_BITS, len(KINDS)), dtype=np.int64)
        self._largest = 0.0
        self._currencies: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Count the lines of a batch; return those of a used kind up to the last used day.

        Columns: ``kind``, ``day`` (days since 1970-01-01 plus the offset of the epoch), ``currency``, and the amounts.
        """
        if batch.is_empty():
            return batch
        kind, day = batch["kind"].to_numpy(), batch["day"].to_numpy()
        first = int(day.min())
        cells = np.bincount((day - first).astype(np.int64) * len(KINDS) + kind)
        cells = np.pad(cells, (0, -len(cells) % len(KINDS))).reshape(-1, len(KINDS))
        self._lines[first : first + len(cells)] += cells
        used = batch
        if cells[:, : self._first_used].any():
            used = used.filter(pl.col("kind") >= self._first_used)
        if self._last_day is not None and first + len(cells) > self._last_day + EPOCH:
            used = used.filter(pl.col("day") <= self._last_day + EPOCH)
        if used.height:
            largest = (used[name].abs().max() for name in self._amounts)
            self._largest = max(self._largest, *(float(each) for each in largest if each is not None), 0.0)  # type: ignore[arg-type]
            self._add_currencies(used)
        return used

    def _add_currencies(self, used: pl.DataFrame) -> None:
        of_customers = pl.col("day").filter(pl.col("kind") >= FIRST_CUSTOMER_KIND).min()
        firsts = [of_customers.alias("of_customers"), pl.col("day").min().alias("of_the_shop")]
        currency = used["currency"]
        least, most = currency.min(), currency.max()
        if least == most and not currency.null_count():
            found = used.select(pl.lit(least).cast(pl.String).alias("currency"), *firsts)
        else:
            found = used.group_by(pl.col("currency").cast(pl.String)).agg(firsts)
        self._currencies.append(found)

    def coverage(self) -> Coverage:
        """Return the coverage of all batches."""
        days = np.flatnonzero(self._lines.any(axis=1))
        found: list[Currency] = []
        if self._currencies:
            firsts = pl.concat(self._currencies).group_by("currency").agg(pl.all().min()).drop_nulls("currency")
            offset = pl.col("of_customers", "of_the_shop").cast(pl.Int64) - EPOCH
            found = [Currency(*each) for each in firsts.with_columns(offset).sort("currency").rows()]
        as_of = self._last_day if self._last_day is not None else int(days.max(initial=EPOCH)) - EPOCH
        return Coverage(days - EPOCH, self._lines[days], tuple(found), self._largest, as_of)
