"""Rows that an analysis does not use, by reason: stray date, after the as-of date, cancelled, without a customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.remark import assumption, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from datetime import date

    from ckm.customers.data_end import DataEnd
    from ckm.customers.shared_ids import SharedId

DATES_NAMED = 3
"""Maximum number of stray dates listed in a sentence; of more, only the first and the last are named."""


@dataclass(frozen=True)
class StrayRows:
    """Rows with a stray date: before or after the usual days of the data.

    Attributes
    ----------
    rows
        Number of rows.
    dates
        Dates of the rows, ascending.
    first, last
        First and last usual day of the data (:func:`ckm.customers.usual_days.usual_days`).
    """

    rows: int
    dates: tuple[date, ...]
    first: date
    last: date

    @property
    def named(self) -> str:
        """Number and dates of the rows as text, such as ``1 row of 2052-07-01``."""
        if len(self.dates) <= DATES_NAMED:
            return f"{counted(self.rows, 'row')} of {', '.join(map(str, self.dates))}"
        return f"{counted(self.rows, 'row')} of {len(self.dates):,} days from {self.dates[0]} to {self.dates[-1]}"

    @property
    def sentence(self) -> str:
        """Remark with the number and dates of the rows, and the usual days."""
        return (
            f"left out: {self.named}, far outside of the usual days of the data ({self.first} to {self.last}); "
            "if these dates are correct, give --as-of, or set stray_dates: keep"
        )


@dataclass(frozen=True)
class LeftOut:
    """Rows that an analysis does not use; each row is counted once, by the first reason that applies."""

    rows: int
    """Number of all rows, used or not."""
    rows_after_as_of: int
    rows_cancelled: int
    rows_without_customer: int
    cancelled_credits: int
    """Cancelled rows with a negative amount, which is not subtracted."""
    customers_without_purchase: int
    """Customers with returns only, who are not in the feature table."""
    data_end: DataEnd | None = None
    """End of the data if it is unusually long before the as-of date; else None."""
    stray: StrayRows | None = None
    """Excluded rows with a stray date; None without such rows."""
    shared_ids: tuple[SharedId, ...] = ()
    """Customer ids that may each be used for many customers; the rows of such an id are used, as one customer."""

    @property
    def rows_stray(self) -> int:
        """Number of excluded rows with a stray date."""
        return self.stray.rows if self.stray is not None else 0

    @property
    def remarks(self) -> list[str]:
        """Remarks for the user on excluded rows and on doubtful rows that are used, as sentences."""
        remarks: list[str] = [
            assumption(f"left out: {count:,} of {counted(self.rows, 'row')} ({count / self.rows:.1%}) {what}")
            for count, what in (
                (self.rows_after_as_of, "after the as-of date"),
                (self.rows_cancelled, "of cancelled orders"),
                (self.rows_without_customer, "without a customer"),
            )
            if count
        ]
        if self.cancelled_credits:
            remarks.append(
                doubt(
                    f"{counted(self.cancelled_credits, 'cancelled row')} with a negative amount, which was not "
                    "subtracted; if it is a refund, map it to type 'return'"
                )
            )
        if self.customers_without_purchase:
            returned = counted(self.customers_without_purchase, "customer")
            remarks.append(assumption(f"left out: {returned} with returns only"))
        if self.stray is not None:
            remarks.insert(0, doubt(self.stray.sentence))
        if self.data_end is not None:
            remarks.append(doubt(self.data_end.sentence))
        remarks += [doubt(f"{each.finding}; {each.hint}") for each in self.shared_ids]
        return remarks
