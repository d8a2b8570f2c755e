"""Late deliveries, and the day on which each became late."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.day_totals import NEVER
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.required_tables import readable
from ckm.customers.value_codes import positions
from ckm.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger

UNRECORDED_AFTER_DAYS = 60
"""Days after the promised day from which a delivery without a delivery date is reported as unrecorded."""
REMARKABLE_SHARE = 0.1
"""Smallest share of unrecorded deliveries for a remark."""


@dataclass(frozen=True)
class Deliveries:
    """Late deliveries; orders of a customer on one day with the same promised day and delivery day count once.

    A delivery is late from the day after the promised day, whether it is delivered later or not at all. So it is known
    on each day which deliveries are late.

    Attributes
    ----------
    codes
        Customer code of each delivery.
    late_from
        First day on which the delivery is late.
    promised
        Promised day.
    delivered
        Day of delivery; :data:`ckm.customers.day_totals.NEVER` if not delivered.
    first_day
        First day with a recorded delivery; before it, late deliveries are unknown.
    remarks
        Remarks for the user.
    """

    codes: NDArray[np.uint32]
    late_from: NDArray[np.int32]
    promised: NDArray[np.int32]
    delivered: NDArray[np.int32]
    first_day: int
    remarks: tuple[str, ...] = ()

    def of(self, codes: NDArray[np.uint32]) -> Deliveries:
        """Return the deliveries of the customers ``codes`` (ascending), whose new code is the position in ``codes``."""
        mine, new = positions(codes, self.codes)
        return replace(self, codes=new, late_from=self.late_from[mine], promised=self.promised[mine],
                       delivered=self.delivered[mine])  # fmt: skip

    def late(self, customers: int, after: int, until: int) -> NDArray[np.int64]:
        """Return the number of deliveries of each customer code that became late in the days ``(after, until]``."""
        return np.bincount(self.codes[self._within(after, until)], minlength=customers)

    def days_late(self, customers: int, after: int, until: int) -> NDArray[np.int64]:
        """Return each customer code's longest delay in days; 0 without a late delivery.

        Deliveries that became late in the days ``(after, until]`` count, with their delay as of ``until``.
        """
        within = self._within(after, until)
        days = np.minimum(self.delivered[within], until) - self.promised[within]
        longest = np.zeros(customers, np.int64)
        np.maximum.at(longest, self.codes[within], days)
        return longest

    def _within(self, after: int, until: int) -> NDArray[np.bool_]:
        within: NDArray[np.bool_] = (self.late_from > after) & (self.late_from <= until)
        return within


def read_deliveries(ledger: Ledger, transactions: pl.LazyFrame, codes: pl.Expr, *, since: int) -> Deliveries:
    """Read late deliveries; without ``promised_on`` or ``delivered_on`` the result is empty.

    Parameters
    ----------
    ledger
        Ledger of the transactions; its as-of date is the last used day.
    transactions
        Transactions, with the columns of :class:`ckm.schema.Transactions`.
    codes
        Expression of a customer's code from ``customer_id``; null for customers without a purchase.
    since
        First used day, in days since 1970-01-01, without stray dates.
    """
    if not {"promised_on", "delivered_on"} <= set(transactions.collect_schema().names()):
        nothing = np.empty(0, np.int32)
        return Deliveries(nothing.astype(np.uint32), nothing, nothing, nothing, NEVER)
    found = ledger.of_lines(
        transactions, partial(_promised, since, ledger.today, ledger.time_zone), partial(_late, ledger.today)
    )
    late = pl.concat([each for _, each in found]).with_columns(code=codes).drop("customer_id")
    late = late.select("code", "promised", "delivered", "late_from").sort("code", "promised", "delivered", "late_from")
    counts = [each for each, _ in found]
    return Deliveries(
        codes=late["code"].to_numpy(),
        late_from=late["late_from"].to_numpy(),
        promised=late["promised"].to_numpy(),
        delivered=late["delivered"].to_numpy(),
        first_day=min(each["first"] for each in counts),
        remarks=tuple(_remarks(sum(each["rows"] for each in counts), sum(each["unrecorded"] for each in counts))),
    )


def _promised(since: int, as_of: int, time_zone: str, transactions: pl.LazyFrame) -> pl.LazyFrame:
    """Return customer and days (Int32) of the order, the promise and the delivery, of lines with a promised day."""
    day, delivered = pl.col("day"), pl.col("delivered")
    return (
        transactions.filter(pl.col("customer_id").is_not_null(), is_purchase(), pl.col("promised_on").is_not_null())
        .select(
            pl.col("customer_id").cast(pl.String),
            day=local_day("ordered_at", time_zone).to_physical(),
            promised=pl.col("promised_on").cast(pl.Date).to_physical(),
            delivered=pl.col("delivered_on").cast(pl.Date).to_physical(),
        )
        .filter(day.is_between(since, as_of))
        # a delivery after the as-of date is not known yet
        .with_columns(delivered=pl.when(delivered <= as_of).then(delivered).otherwise(NEVER))
    )


def _late(as_of: int, deliveries: pl.LazyFrame) -> tuple[dict[str, int], pl.DataFrame]:
    """Return the counts of deliveries of :func:`_promised` by name, and the distinct late ones."""
    day, promised, delivered = (pl.col(name) for name in ("day", "promised", "delivered"))
    late_from = pl.max_horizontal(day, promised + 1)
    with readable():
        counts, late = pl.collect_all(
            [
                deliveries.select(
                    first=pl.max_horizontal(day, delivered).min().fill_null(NEVER),
                    rows=pl.len(),
                    unrecorded=(promised + UNRECORDED_AFTER_DAYS < as_of).and_(delivered == NEVER).sum(),
                ),
                deliveries.filter((delivered > promised) & (late_from <= as_of))
                .select("customer_id", "promised", "delivered", late_from=late_from)
                .unique(),
            ],
            engine="streaming",
        )
    return counts.row(0, named=True), late


def _remarks(rows: int, unrecorded: int) -> list[str]:
    if unrecorded <= REMARKABLE_SHARE * rows:
        return []
    return [
        f"{counted(unrecorded, 'row')} of {rows:,} with a promised day ({unrecorded / rows:.1%}) have had no "
        f"'delivered_on' for {UNRECORDED_AFTER_DAYS} days: they count as late"
    ]
