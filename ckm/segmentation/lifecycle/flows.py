"""The balance of customers per period: who came, who stayed, who was won back and who was lost.

For two ends of periods in a row, with everybody *active* who is in rhythm (:mod:`ckm.segmentation.lifecycle`),

    active(t)     = new + retained + won back
    active(t - 1) = retained + lost

in every period: each customer is in rhythm or not at either end, and bought first within the period or before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl

from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError
from ckm.feature_table.view import counted, need_transactions
from ckm.features import end_of_day, purchase_days, purchase_gaps
from ckm.models.rhythm import shrunk_gap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.segmentation.lifecycle.definition import LifecycleDefinition

MONTHS = {"month": 1, "quarter": 3, "year": 12}
"""Periods of the calendar, and how many months each has."""
COUNTS = ("active_before", "new", "retained", "won_back", "lost", "active")


@dataclass(frozen=True)
class Flows:
    """Balances of customers.

    Attributes
    ----------
    frame
        One row per period, in time: period (``2026-06``, ``2026-Q2`` or ``2026``), end (Date, the day at whose end
        the period is judged), then customers (Int64): active_before (in rhythm at the end of the period before), new
        (of those in rhythm now, who bought first within the period), retained (in rhythm at both ends), won_back (in
        rhythm now but not before, bought first before), lost (in rhythm before but not now), active (in rhythm now).
    period
        ``month``, ``quarter`` or ``year``.
    remarks
        What a reader should know beside the balances, as sentences.
    """

    frame: pl.DataFrame
    period: str
    remarks: tuple[str, ...]


def lifecycle_flows(
    tables: Mapping[str, pl.LazyFrame],
    definition: LifecycleDefinition,
    *,
    as_of: date,
    period: str = "month",
    periods: int = 12,
    time_zone: str = "UTC",
) -> Flows:
    """Balance the customers in rhythm over the last periods.

    Reads the transactions once; what is held grows with the customers and their days of purchase. Each end sees what
    had happened by then and nothing else, and says of everyone what :meth:`LifecycleDefinition.assign` would say.

    Parameters
    ----------
    tables
        ``transactions``, as for :func:`ckm.feature_table.table.feature_table`.
    definition
        Thresholds, and the rhythm that a customer with little history borrows: one ruler for all periods.
    as_of
        Nothing after this day is seen; the last period is the one that it lies in, cut there.
    period
        ``month``, ``quarter`` or ``year``.
    periods
        How many at most; the first is never before the first purchase.
    time_zone
        Zone whose calendar says what a day is.

    Raises
    ------
    UsageError
        There is no such period, or fewer than one is asked for.
    NotEnoughDataError
        Nobody bought anything by ``as_of``.
    """
    starts = _starts(as_of, period, periods)
    purchases = _purchases(need_transactions(tables, time_zone), as_of, time_zone)
    if purchases.is_empty():
        raise NotEnoughDataError(f"no purchase by a known customer on or before {as_of}", hint="choose a later --as-of")
    first = date.fromordinal(purchases["number"].min())  # type: ignore[arg-type]  # an Int64 column, not empty
    starts = [start for start, following in zip(starts, [*starts[1:], date.max], strict=True) if following > first]
    ends = [start - timedelta(days=1) for start in starts] + [as_of]

    rows, unseen = [], 0
    customers = _judged(_rhythms(purchases, definition, ends[0]), definition, ends[0])
    for start, (before, end) in zip(starts, pairwise(ends), strict=True):
        later = _judged(_carried_on(customers, purchases, definition, before, end), definition, end)
        counts = _balance(customers, later, before)
        rows.append({"period": _label(start, period), "end": end, **{name: counts[name] for name in COUNTS}})
        unseen += counts["unseen"]
        customers = later
    return Flows(pl.DataFrame(rows), period, _remarks(starts, period, as_of, first, unseen))


def _starts(as_of: date, period: str, periods: int) -> list[date]:
    """Return the first days of the periods up to the one of ``as_of``."""
    if period not in MONTHS:
        raise UnknownNameError("period", period, MONTHS)
    if periods < 1:
        raise UsageError(f"{periods} periods are asked for, at least 1 is needed")
    months = MONTHS[period]
    latest = (as_of.year * 12 + as_of.month - 1) // months
    numbers = (number * months for number in range(latest - periods + 1, latest + 1))
    return [date(number // 12, number % 12 + 1, 1) for number in numbers if number > 12]


def _following(start: date, period: str) -> date:
    number = start.year * 12 + start.month - 1 + MONTHS[period]
    return date(number // 12, number % 12 + 1, 1)


def _label(start: date, period: str) -> str:
    if period == "year":
        return f"{start.year}"
    return f"{start.year}-Q{start.month // 3 + 1}" if period == "quarter" else f"{start:%Y-%m}"


def _purchases(transactions: pl.LazyFrame, as_of: date, time_zone: str) -> pl.DataFrame:
    """Return ``customer``, ``number`` (of the day) and ``gap``, which is the same for every end to come.

    Customers are numbered, in no particular order: each end groups them anew, and numbers group faster than text.
    """
    until = end_of_day(as_of, time_zone)
    days = purchase_days(nw.from_native(transactions), until=until, time_zone=time_zone, money_scale=1)
    gaps = purchase_gaps(days).select("customer_id", "number", "gap").to_native().collect().lazy()
    customers = gaps.select("customer_id").unique().with_row_index("customer")
    return gaps.join(customers, on="customer_id").select("customer", "number", "gap").sort("customer", "gap").collect()


def _rhythms(purchases: pl.DataFrame, definition: LifecycleDefinition, end: date) -> pl.DataFrame:
    """Return ``customer``, ``first`` and ``last`` (numbers of days) and the long gap of who bought by ``end``.

    The own 80th percentile as :func:`ckm.features.rhythm_features` takes it, from the gaps up to ``end``.
    """
    gap = pl.col("gap")
    return (
        purchases.lazy()
        .filter(pl.col("number") <= end.toordinal())
        .group_by("customer")
        .agg(
            first=pl.col("number").min(),
            last=pl.col("number").max(),
            gaps=gap.count().cast(pl.Int64),
            own=gap.quantile(0.8, "linear"),
        )
        .select(
            "customer",
            "first",
            "last",
            long_gap_days=definition.long_gap_days(shrunk_gap(pl.col("own"), pl.col("gaps"), definition.gap_p80_days)),
        )
        .collect()
    )


def _carried_on(
    customers: pl.DataFrame, purchases: pl.DataFrame, definition: LifecycleDefinition, before: date, end: date
) -> pl.DataFrame:
    """Return the rhythms at ``end``, anew for who bought since ``before``; the others' have not changed."""
    since = purchases.filter(pl.col("number").is_between(before.toordinal() + 1, end.toordinal()))
    buyers = since.select("customer").unique()
    fresh = _rhythms(purchases.join(buyers, on="customer", how="semi"), definition, end)
    return pl.concat([customers.drop("in_rhythm").join(buyers, on="customer", how="anti"), fresh])


def _judged(rhythms: pl.DataFrame, definition: LifecycleDefinition, end: date) -> pl.DataFrame:
    silence = (end.toordinal() - pl.col("last")) / pl.col("long_gap_days")
    return rhythms.with_columns(in_rhythm=definition.is_in_rhythm(silence))


def _balance(earlier: pl.DataFrame, later: pl.DataFrame, before: date) -> dict[str, int]:
    now, then = pl.col("in_rhythm"), pl.col("was_in_rhythm").fill_null(False)
    is_new = pl.col("first") > before.toordinal()
    kinds = {
        "active_before": then,
        "new": now & is_new,
        "retained": now & then,
        "won_back": now & ~then & ~is_new,
        "lost": ~now & then,
        "active": now,
        "unseen": ~now & is_new,
    }
    joined = later.lazy().join(earlier.lazy().select("customer", was_in_rhythm="in_rhythm"), on="customer", how="left")
    return (
        joined.select(kind.sum().cast(pl.Int64).alias(name) for name, kind in kinds.items())
        .collect()
        .row(0, named=True)
    )


def _remarks(starts: list[date], period: str, as_of: date, first: date, unseen: int) -> tuple[str, ...]:
    remarks = []
    if _following(starts[-1], period) != as_of + timedelta(days=1):
        remarks.append(f"the last {period} ends on {as_of}, before its time")
    if starts[0] <= first:
        remarks.append(f"the data begin on {first}: who bought before counts as new at the first purchase in them")
    if unseen:
        remarks.append(
            f"{counted(unseen, 'customer')} bought first within a {period} and fell out of rhythm before its end; "
            "no column counts them"
        )
    return tuple(remarks)
