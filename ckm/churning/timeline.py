"""Events of all customers in one sorted array, so that a window of time is a range and its sum a difference.

As of a day a customer's past is a prefix of that customer's events. Two binary searches per customer find any window,
whatever it holds: a snapshot costs what there are customers, not what there are events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Codes = NDArray[np.uint32]
    Whole = NDArray[np.int64]

DAY_BITS = 17
"""Days from 1900 to 2200, and more, fit."""
ITEM_BITS = 16
EPOCH = 1 << 15
"""Added to a day, which is negative before 1970."""
DAY_MASK = (1 << DAY_BITS) - 1
MOST_ITEMS = 1 << ITEM_BITS
NEVER = 1 << 16
"""A day after every day."""

_EPOCH_ORDINAL = 719_163  # of 1970-01-01, as date.toordinal counts


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def calendar_day(number: int) -> date:
    """Return the day of a number of days since 1970-01-01."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


def pack(code: pl.Expr, day: pl.Expr, item: pl.Expr | None = None) -> pl.Expr:
    """One whole number (Int64) that sorts by customer, item (if any) and day."""
    key = code.cast(pl.Int64)
    if item is not None:
        key = key * MOST_ITEMS + item.cast(pl.Int64)
    return key * (1 << DAY_BITS) + day.cast(pl.Int64) + EPOCH


def unpack_day(keys: Whole) -> NDArray[np.int32]:
    """Days since 1970-01-01."""
    return ((keys & DAY_MASK) - EPOCH).astype(np.int32)


def unpack_code(keys: Whole) -> Codes:
    """Customers' codes, of keys without an item."""
    return (keys >> DAY_BITS).astype(np.uint32)


@dataclass(frozen=True)
class Timeline:
    """Events, one or none per customer and day.

    Attributes
    ----------
    keys
        Of :func:`pack`, ascending.
    totals
        By name, running totals over ``keys``, one longer than they are: whole numbers, so that differences are exact.
    """

    keys: Whole
    totals: Mapping[str, Whole] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Timeline:
        """Build from a frame with the column ``key`` (distinct, in any order) and columns of whole numbers to total."""
        frame = frame.sort("key")
        totals = {}
        for name in frame.columns:
            if name != "key":
                running = np.zeros(frame.height + 1, np.int64)
                np.cumsum(frame[name].to_numpy(), out=running[1:])
                totals[name] = running
        return cls(frame["key"].to_numpy(), totals)

    @property
    def days(self) -> NDArray[np.int32]:
        """Day of each event."""
        return unpack_day(self.keys)

    @property
    def codes(self) -> Codes:
        """Customer of each event."""
        return unpack_code(self.keys)

    def after(self, customers: Codes, day: int) -> Whole:
        """Position of each customer's first event after ``day``, or where it would stand."""
        return np.searchsorted(self.keys, (customers.astype(np.int64) << DAY_BITS) + (day + EPOCH), side="right")

    def start(self, customers: Codes) -> Whole:
        """Position of each customer's first event."""
        return np.searchsorted(self.keys, customers.astype(np.int64) << DAY_BITS)

    def count(self, customers: Codes, after: int, until: int) -> Whole:
        """How many events each customer has in the days ``(after, until]``."""
        return self.after(customers, until) - self.after(customers, after)

    def total(self, name: str, start: Whole, stop: Whole) -> Whole:
        """Sum over the positions ``[start, stop)``."""
        running = self.totals[name]
        return running[stop] - running[start]

    def between(self, name: str, customers: Codes, after: int, until: int) -> Whole:
        """Sum over the days ``(after, until]`` of each customer."""
        return self.total(name, self.after(customers, after), self.after(customers, until))
