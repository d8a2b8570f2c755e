"""Days with rows in the transactions, and the first and last day of the data that an analysis uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.data_end import DataEnd, data_end
from ckm.customers.definitions import local_day
from ckm.customers.required_tables import readable
from ckm.customers.usual_days import usual_days
from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from datetime import date

    import polars as pl
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]


class DataDays(NamedTuple):
    """First day of the data, as-of date, and a warning if the data end unusually long before that date (else None)."""

    first: date
    as_of: date
    end: DataEnd | None


def row_days(transactions: pl.LazyFrame, time_zone: str) -> tuple[Integers, Integers]:
    """Return the days with rows (days since 1970-01-01, ascending) and the number of rows of each; shapes (days,)."""
    counts = transactions.select(day=local_day("ordered_at", time_zone)).drop_nulls().group_by("day").len().sort("day")
    with readable():
        found = counts.collect(engine="streaming")
    return found["day"].to_physical().to_numpy().astype(np.int64), found["len"].to_numpy().astype(np.int64)


def data_days(
    transactions: pl.LazyFrame, time_zone: str, *, as_of: date | None = None, keep_stray_dates: bool = False
) -> DataDays:
    """Return first day, as-of date and end of the data. Unlike a customer ledger, this works without customer ids.

    Parameters
    ----------
    transactions
        Transactions, one row per line.
    time_zone
        Time zone of the days.
    as_of
        As-of date; None means the newest day that is not stray (:mod:`ckm.customers.usual_days`).
    keep_stray_dates
        Whether stray days count as days of the data.

    Raises
    ------
    NotEnoughDataError
        There are no transactions by ``as_of``.
    """
    days, rows = row_days(transactions, time_zone)
    if as_of is not None:
        seen = int(days.searchsorted(day_number(as_of), side="right"))
        if len(days) and not seen:
            raise NotEnoughDataError(
                f"no transactions by {as_of}",
                hint=f"the transactions reach from {calendar_day(int(days[0]))} to {calendar_day(int(days[-1]))}",
            )
        days, rows = days[:seen], rows[:seen]
    if not len(days):
        raise NotEnoughDataError("no transactions", hint="load some: ckm ingest FILE --as transactions")
    first, last = (int(days[0]), int(days[-1])) if keep_stray_dates else usual_days(days, rows)
    used = days[(days >= first) & (days <= last)]
    end = last if as_of is None else day_number(as_of)
    return DataDays(calendar_day(first), calendar_day(end), data_end(used, end))
