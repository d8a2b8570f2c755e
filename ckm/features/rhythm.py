"""When a customer buys: the days, the gaps between them, the days of the week, and how the value of a day develops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from ckm.features.purchases import is_purchase, is_used, local_day, whole_money

if TYPE_CHECKING:
    from datetime import datetime

    from narwhals.typing import LazyFrameT

WEEKDAYS = range(1, 8)
"""Monday to Sunday, as ISO 8601 counts them."""


def purchase_days(
    transactions: LazyFrameT, *, until: datetime, time_zone: str, money_scale: int, by: tuple[str, ...] = ()
) -> LazyFrameT:
    """Every day on which a customer bought, and for how much.

    Parameters
    ----------
    transactions, until, time_zone, money_scale
        See :func:`ckm.features.purchases.purchase_features`.
    by
        Further columns; a day is then one row for each of their combinations.

    Returns
    -------
    LazyFrameT
        ``customer_id``, ``day`` (Date), the columns of ``by``, ``money`` (Int64, of the purchases alone).
    """
    return (
        transactions.filter(is_used(until) & is_purchase())
        .select("customer_id", *by, day=local_day("ordered_at", time_zone), money=whole_money("net", money_scale))
        .group_by("customer_id", "day", *by)
        .agg(nw.col("money").sum())
    )


def day_number(column: str) -> nw.Expr:
    """Number of a day, as ``date.toordinal`` counts: 1 January of the year 1 is day 1, a Monday.

    From year and day of the year, because Spark has no difference of dates in days through narwhals.
    """
    years = nw.col(column).dt.year().cast(nw.Int64) - 1
    leap_days = years // 4 - years // 100 + years // 400
    return years * 365 + leap_days + nw.col(column).dt.ordinal_day().cast(nw.Int64)


def purchase_gaps(days: LazyFrameT) -> LazyFrameT:
    """Days between each purchase day of a customer and the one before it.

    Parameters
    ----------
    days
        ``customer_id``, ``day``, ``money``: one row per customer and day.

    Returns
    -------
    LazyFrameT
        ``customer_id``, ``number`` (Int64, of the day), ``money``, ``gap`` (Int64, at least 1; null on the first
        day), ``is_last`` (whether no later day follows).
    """
    number = nw.col("number")
    return (
        days.select("customer_id", "money", number=day_number("day"))
        .with_columns(
            previous=number.shift(1).over("customer_id", order_by="number"),
            following=number.shift(-1).over("customer_id", order_by="number"),
        )
        .select(
            "customer_id",
            "number",
            "money",
            gap=number - nw.col("previous"),
            is_last=nw.col("following").is_null(),
        )
    )


def gap_histogram(gaps: LazyFrameT) -> LazyFrameT:
    """How often each gap occurs among customers with equally many gaps.

    Returns
    -------
    LazyFrameT
        ``gap`` (days), ``gaps_of_customer`` (how many gaps such a customer has), ``count`` (Int64).
    """
    return (
        gaps.filter(~nw.col("gap").is_null())
        .select("gap", gaps_of_customer=nw.col("gap").count().over("customer_id").cast(nw.Int64))
        .group_by("gap", "gaps_of_customer")
        .agg(nw.len().cast(nw.Int64).alias("count"))
    )


def rhythm_features(gaps: LazyFrameT, *, origin: int, money_divisor: int = 1) -> LazyFrameT:
    """Own gaps, weekdays, and the sums from which the trend of the order value is computed.

    Quantiles interpolate linearly (type 7 in Hyndman and Fan 1996), the one kind that every engine has.

    Parameters
    ----------
    gaps
        Of :func:`purchase_gaps`.
    origin
        Number of a day that is not after any purchase; time ``x`` counts from it.
    money_divisor
        By which the money ``v`` of a day is divided, so that sums of ``x * v`` fit an Int64.

    Returns
    -------
    LazyFrameT
        ``customer_id``; ``first_number`` and ``last_number`` (Int64, of days); ``days`` (Int64); ``gap_median``,
        ``gap_p80``, ``gap_last`` (days, null where there is no gap); ``before_median``, ``before_p80`` (the same over
        all gaps but the last); ``sum_x``, ``sum_v``, ``sum_xx``, ``sum_xv`` (Int64); ``weekday_1`` (Monday) to
        ``weekday_7`` (Int64, purchase days).
    """
    gap, is_last = nw.col("gap"), nw.col("is_last")
    money = nw.col("money")
    x, v = nw.col("x"), nw.col("v")
    weekday = (nw.col("number") - 1) % 7 + 1
    return (
        gaps.select(
            "customer_id",
            "number",
            "gap",
            x=nw.col("number") - origin,
            v=money if money_divisor == 1 else (money / money_divisor).round(0).cast(nw.Int64),
            weekday=weekday,
            last_gap=nw.when(is_last).then(gap),
            earlier_gap=nw.when(~is_last).then(gap),
        )
        .with_columns(
            xx=x * x, xv=x * v, **{f"weekday_{day}": (nw.col("weekday") == day).cast(nw.Int64) for day in WEEKDAYS}
        )
        .group_by("customer_id")
        .agg(
            nw.col("number").min().alias("first_number"),
            nw.col("number").max().alias("last_number"),
            nw.len().cast(nw.Int64).alias("days"),
            gap.quantile(0.5, "linear").alias("gap_median"),
            gap.quantile(0.8, "linear").alias("gap_p80"),
            nw.col("last_gap").max().alias("gap_last"),
            nw.col("earlier_gap").quantile(0.5, "linear").alias("before_median"),
            nw.col("earlier_gap").quantile(0.8, "linear").alias("before_p80"),
            *(nw.col(name).sum().alias(f"sum_{name}") for name in ("x", "v", "xx", "xv")),
            *(nw.col(f"weekday_{day}").sum() for day in WEEKDAYS),
        )
    )
