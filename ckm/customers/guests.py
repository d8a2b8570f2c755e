"""Guest sales by day: lines without a customer, such as cash sales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.calendar import day_number
from ckm.customers.day_totals import EPOCH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.period import Period

    Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Guests:
    """Purchases and returns of guests, by day.

    Attributes
    ----------
    day
        Days with a line (int32, days since 1970-01-01), ascending.
    purchases, returns
        Net of each day (int64, in ``1 / scale`` of the currency's unit); the net of returns is negative or zero.
    """

    day: NDArray[np.int32]
    purchases: Integers
    returns: Integers

    @classmethod
    def of(cls, sums: pl.DataFrame) -> Guests:
        """Return the sums by day from the result of :meth:`GuestSums.collected`."""
        bought, money = pl.col("bought"), pl.col("money")
        days = (
            sums.group_by((pl.col("day") - EPOCH).cast(pl.Int32))
            .agg(purchases=money.filter(bought).sum(), returns=money.filter(~bought).sum())
            .sort("day")
        )
        return cls(*(days[name].to_numpy() for name in ("day", "purchases", "returns")))

    @classmethod
    def none(cls) -> Guests:
        """Return an empty result."""
        return cls.of(GuestSums().collected())

    def sums(self, period: Period) -> tuple[int, int]:
        """Return the net of purchases and the net of returns in a period."""
        within = (self.day >= day_number(period.first)) & (self.day <= day_number(period.last))
        return int(self.purchases[within].sum()), int(self.returns[within].sum())

    def changed(self, added: Guests, removed: Guests, days: Integers) -> Guests:
        """Return the sums plus ``added`` minus ``removed``; ``days`` are the days with a line afterwards, ascending."""
        purchases, returns = np.zeros(len(days), dtype=np.int64), np.zeros(len(days), dtype=np.int64)
        for each, sign in ((self, 1), (added, 1), (removed, -1)):
            remaining = np.isin(each.day, days)  # a day without remaining lines needs no sum
            places = np.searchsorted(days, each.day[remaining])
            purchases[places] += sign * each.purchases[remaining]
            returns[places] += sign * each.returns[remaining]
        return Guests(days.astype(np.int32), purchases, returns)

    def until(self, day: int) -> Guests:
        """Return the sums of the days up to ``day``."""
        stop = int(self.day.searchsorted(day, side="right"))
        return Guests(self.day[:stop], self.purchases[:stop], self.returns[:stop])

    def since(self, day: int) -> Guests:
        """Return the sums of ``day`` and later days."""
        start = int(self.day.searchsorted(day))
        return Guests(self.day[start:], self.purchases[start:], self.returns[start:])


class GuestSums:
    """Sums of guest lines, collected batch by batch."""

    def __init__(self) -> None:
        self._pieces: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame, value: Integers | None) -> None:
        """Add lines with ``day`` (plus EPOCH), ``bought`` and ``money``.

        ``value`` is the number of each line's value; None means 0 for all lines.
        """
        numbers = pl.lit(0) if value is None else pl.Series(value)
        lines = rows.select("day", "bought", "money", value=numbers.cast(pl.Int64))
        self._pieces.append(_sum_by_key(lines))

    def collected(self) -> pl.DataFrame:
        """Return ``value``, ``day`` (plus EPOCH), ``bought`` (whether a purchase) and ``money`` (net), sorted."""
        schema = {"value": pl.Int64, "day": pl.Int32, "bought": pl.Boolean, "money": pl.Int64}
        if not self._pieces:
            return pl.DataFrame(schema=schema)
        return _sum_by_key(pl.concat(self._pieces)).sort("value", "day", "bought")


def _sum_by_key(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.group_by("value", "day", "bought").agg(pl.col("money").sum())
