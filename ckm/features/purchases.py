"""What counts as a purchase, what is left out, and recency, frequency and money of every customer."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import narwhals as nw

if TYPE_CHECKING:
    from narwhals.typing import LazyFrameT

NEEDED_COLUMNS = ("customer_id", "ordered_at", "net", "currency", "type")
"""Columns of :class:`ckm.schema.Transactions` that every analysis reads."""
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
"""After every instant that the contract allows."""


def end_of_day(day: date, time_zone: str) -> datetime:
    """First instant after ``day`` in ``time_zone``, in UTC: what is from then on is the future."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone))
    return midnight.astimezone(UTC)


def local_day(column: str, time_zone: str) -> nw.Expr:
    """Calendar day of an instant as the shop's own clock shows it.

    A sale at half past midnight in Berlin is still the evening before in UTC. The conversion is left out for
    UTC, because Spark knows no other zone than its session's.
    """
    instant = nw.col(column)
    return (instant if time_zone == "UTC" else instant.dt.convert_time_zone(time_zone)).dt.date()


def is_cancelled() -> nw.Expr:
    """Whether the row belongs to a cancelled order."""
    return nw.col("type") == "cancel"


def is_purchase() -> nw.Expr:
    """Whether the row is a purchase; a free item (``net`` of zero) is one."""
    return ~nw.col("type").is_in(["return", "cancel"]) & (nw.col("net") >= 0)


def is_after(until: datetime) -> nw.Expr:
    """Whether the row lies in the future of an analysis that sees what is before ``until``."""
    return nw.col("ordered_at") >= until


def is_used(until: datetime) -> nw.Expr:
    """Whether an analysis that sees what is before ``until`` uses the row: a purchase or a return of a customer."""
    return ~is_after(until) & ~nw.col("customer_id").is_null() & ~is_cancelled()


def whole_money(column: str, money_scale: int) -> nw.Expr:
    """Amounts as whole numbers (Int64) of ``1 / money_scale``, so that their sums depend on no order of rows."""
    return (nw.col(column) * money_scale).round(0).cast(nw.Int64)


def row_counts(transactions: LazyFrameT, *, until: datetime, amounts: tuple[str, ...] = ("net",)) -> LazyFrameT:
    """What is there, what an analysis may use of it, and what it leaves out, as one row.

    A row that is left out is counted once: as after ``until``, else as cancelled, else as without a customer.

    Parameters
    ----------
    transactions
        Lazy frame with :data:`NEEDED_COLUMNS`.
    until
        First instant that the analysis must not see; :data:`END_OF_TIME` when it may see everything.
    amounts
        Columns of money that will be summed.

    Returns
    -------
    LazyFrameT
        ``rows``, ``rows_after``, ``rows_cancelled``, ``rows_without_customer``, ``rows_used``, ``purchases``
        (rows); ``cancelled_credits`` (cancelled rows with a negative ``net``); ``earliest``, ``latest`` (instants
        over all rows); ``largest`` (absolute amount of the used rows); ``first_currency``, ``last_currency``
        (in alphabetical order, of the used rows: they differ when there are several). Null where no row is.
    """
    seen, used = ~is_after(until), is_used(until)
    used_currency = nw.when(used).then(nw.col("currency"))

    def count(rows: nw.Expr) -> nw.Expr:
        return rows.cast(nw.Int64).sum()

    return transactions.select(
        rows=nw.len(),
        rows_after=count(~seen),
        rows_cancelled=count(seen & is_cancelled()),
        rows_without_customer=count(seen & ~is_cancelled() & nw.col("customer_id").is_null()),
        rows_used=count(used),
        purchases=count(used & is_purchase()),
        cancelled_credits=count(seen & is_cancelled() & (nw.col("net") < 0)),
        earliest=nw.col("ordered_at").min(),
        latest=nw.col("ordered_at").max(),
        largest=nw.max_horizontal(*(nw.when(used).then(nw.col(column).abs()).max() for column in amounts)),
        first_currency=used_currency.min(),
        last_currency=used_currency.max(),
    )


def purchase_features(transactions: LazyFrameT, *, until: datetime, time_zone: str, money_scale: int) -> LazyFrameT:
    """Recency, frequency and money of every customer with at least one row that counts.

    Money is summed as whole numbers of ``1 / money_scale``: a sum of floats changes with the order of the rows
    and the number of threads, a sum of whole numbers does not.

    Parameters
    ----------
    transactions
        Lazy frame with :data:`NEEDED_COLUMNS`, in one currency.
    until
        First instant that must not be seen; :data:`END_OF_TIME` when everything may be.
    time_zone
        Zone whose calendar says what a day is.
    money_scale
        Parts into which one unit of the currency is cut.

    Returns
    -------
    LazyFrameT
        In no particular order: ``customer_id``; ``last_purchase`` (Date, null for a customer who only returned);
        ``frequency`` (Int64, days with a purchase: several rows of one day are one); ``money`` (Int64, net of
        returns, in ``1 / money_scale`` of the currency's unit); ``rows`` (Int64, rows that count).
    """
    return (
        transactions.filter(is_used(until))
        .select(
            "customer_id",
            purchase_day=nw.when(is_purchase()).then(local_day("ordered_at", time_zone)),
            no_purchase=(~is_purchase()).cast(nw.Int64),
            money=whole_money("net", money_scale),
        )
        .group_by("customer_id")
        .agg(
            nw.col("purchase_day").max().alias("last_purchase"),
            nw.col("purchase_day").n_unique().alias("days"),
            nw.col("no_purchase").max(),
            nw.col("money").sum(),
            nw.len().alias("rows"),
        )
        .select(
            "customer_id",
            "last_purchase",
            # n_unique counts null as one more value, and null is what a return has for a purchase day
            frequency=nw.col("days").cast(nw.Int64) - nw.col("no_purchase"),
            money=nw.col("money"),
            rows=nw.col("rows").cast(nw.Int64),
        )
    )


def currencies(transactions: LazyFrameT, *, until: datetime, nameless: bool = False) -> LazyFrameT:
    """Every currency of the rows that count, one row each, as ``currency``.

    ``nameless``: of rows without a customer too, where they are summed.
    """
    used = ~is_after(until) & ~is_cancelled() if nameless else is_used(until)
    return transactions.filter(used).select("currency").unique()
