"""Sums per customer from the ledger, from which the columns of the feature table are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.baskets import main_values
from ckm.customers.calendar import day_number, months_before
from ckm.customers.columns import OTHER, WEEKDAYS
from ckm.customers.coverage import SUM_LIMIT
from ckm.customers.day_totals import EPOCH, NO_DAY
from ckm.customers.shop_facts import common_channels, count_channel_days

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ckm.customers.day_totals import DayTotals
    from ckm.customers.ledger import Ledger
    from ckm.customers.shop_facts import ShopFacts

    Integers = NDArray[np.int64]


def _all_codes(ledger: Ledger) -> NDArray[np.uint32]:
    return np.arange(len(ledger.customers), dtype=np.uint32)


def _after(ledger: Ledger, months: int) -> int:
    """Return the last day before the ``months`` months up to the as-of date, in days since 1970-01-01."""
    return day_number(months_before(ledger.as_of, months))


def rfm_sums(ledger: Ledger, window: int | None) -> dict[str, Integers | pl.Series]:
    """Return purchase days, orders, money and rows of all time and, with the prefix ``window_``, of the window.

    Parameters
    ----------
    ledger
        Ledger of customers with a purchase. In all functions of this module, arrays have one element per code.
    window
        Length of the window in months; None means all time.
    """
    purchases, who = ledger.purchases, _all_codes(ledger)
    sums: dict[str, Integers | pl.Series] = {
        "last_purchase": pl.Series(purchases.last_days()).cast(pl.Date),
        "days": purchases.counts,
        "orders": _all_time(purchases, "orders"),
        "money": _added(_all_time(each, "net") for each in ledger.all_lines),
        "purchases": _added(_all_time(each, "net") for each in ledger.bought),
        "rows": _added(_all_time(each, "lines") for each in ledger.all_lines),
    }
    sums |= {"window_days": sums["days"], "window_money": sums["money"], "window_orders": sums["orders"]}
    if window is not None:
        after, today = _after(ledger, window), ledger.today
        sums["window_days"] = purchases.count(who, after, today)
        sums["window_money"] = _added(each.between("net", who, after, today) for each in ledger.all_lines)
        sums["window_orders"] = purchases.between("orders", who, after, today)
    return sums


def _added(arrays: Iterable[Integers]) -> Integers:
    first, *rest = arrays
    return sum(rest, first)


def _all_time(totals: DayTotals, name: str) -> Integers:
    return np.diff(totals.totals[name][totals.bounds])


def spend_sums(ledger: Ledger, window: int | None) -> pl.DataFrame:
    """Return sums of net and cost by period, of purchases and of all lines, and discounts.

    ``PERIOD`` is ``all``, ``year`` (12 months), ``previous`` (the 12 months before) or ``window``. ``PERIOD_bought`` is
    the net of purchases, and ``PERIOD_net`` the net of purchases and returns. ``PERIOD_bought_costed`` and
    ``PERIOD_costed`` are the same for lines with a known cost; ``PERIOD_cost`` is the cost of these lines. ``discount``
    is the sum of discounts.
    """
    who, today = _all_codes(ledger), ledger.today
    year = _after(ledger, 12)
    periods = {"all": (-EPOCH, today), "year": (year, today), "previous": (_after(ledger, 24), year)}
    if window is not None:
        periods["window"] = (_after(ledger, window), today)
    nothing = np.zeros(len(who), np.int64)
    sums: dict[str, Integers] = {}

    def between(all_of: tuple[DayTotals, ...], name: str, after: int, until: int) -> Integers:
        return sum((each.between(name, who, after, until) for each in all_of if name in each.totals), nothing)

    for period, (after, until) in periods.items():
        for name, total in (("bought", "net"), ("bought_costed", "costed")):
            sums[f"{period}_{name}"] = between(ledger.bought, total, after, until)
        for name in ("net", "costed", "cost"):
            sums[f"{period}_{name}"] = between(ledger.all_lines, name, after, until)
    sums["discount"] = between(ledger.bought, "discount", -EPOCH, today)
    return pl.DataFrame(sums)


def trend_sums(ledger: Ledger, facts: ShopFacts | None = None) -> pl.DataFrame:
    """Return the sums for the trend of the order value, and purchase days by weekday.

    Time ``x`` is in days since the first purchase in the data. Money ``v`` of a day is divided by a power of ten if
    sums of ``x * v`` would not fit into Int64; the relative trend does not depend on this unit.
    ``facts`` are those of all customers if the ledger has some of them.
    """
    purchases = ledger.purchases
    firsts, day = purchases.bounds[:-1], purchases.day.astype(np.int64)
    x, v = day - (day.min(initial=NO_DAY) if facts is None else facts.first_day), purchases.of("net")
    largest, divisor = int(_all_time(purchases, "net").max(initial=0)) if facts is None else facts.largest_net, 1
    span = ledger.today - int(day.min(initial=ledger.today) if facts is None else facts.first_day)
    while largest // divisor * span >= SUM_LIMIT:
        divisor *= 10
    if divisor > 1:
        v = np.round(v / divisor).astype(np.int64)
    weekday = (day + 3) % 7 + 1  # 1970-01-01 was a Thursday
    sums = {
        f"sum_{name}": np.add.reduceat(each, firsts)
        for name, each in (("x", x), ("v", v), ("xx", x * x), ("xv", x * v))
    }
    sums |= {f"weekday_{number}": np.add.reduceat((weekday == number).astype(np.int64), firsts) for number in WEEKDAYS}
    return pl.DataFrame(sums)


def basket_sums(
    ledger: Ledger, facts: ShopFacts | None = None
) -> tuple[pl.DataFrame, tuple[str, ...], dict[str, bool]]:
    """Return categories and channels by customer, the most common channels, and whether both columns have any values.

    Columns: ``category_values``, ``category_main``, ``channel_values``, ``channel_main``, ``channel_total``;
    ``days_NAME``, the purchase days in each of the :data:`MOST_CHANNELS` most common channels; ``days_other``, the
    purchase days in all other channels, if there are any. ``facts`` are those of all customers if the ledger has some
    of them.
    """
    categories, channels = ledger.categories.counts(of_days=False), ledger.channels.counts(of_days=True)
    channel_days = count_channel_days(channels) if facts is None else facts.channel_days
    common = common_channels(channel_days)
    value, count = pl.col("value"), pl.col("count")
    days = {f"days_{channel}": count.filter(value == channel).sum() for channel in common}
    if len(channel_days) > len(common):
        days[f"days_{OTHER}"] = count.filter(~value.is_in(common)).sum()
    by_channel = channels.lazy().group_by("code").agg(each.alias(name) for name, each in days.items())
    joined = pl.LazyFrame({"code": _all_codes(ledger)})
    for name, counts in (("category", categories), ("channel", channels)):
        named = main_values(counts).lazy().rename({each: f"{name}_{each}" for each in ("values", "total", "main")})
        joined = joined.join(named, on="code", how="left", maintain_order="left")
    joined = joined.join(by_channel, on="code", how="left", maintain_order="left").drop("code")
    categories_known = not categories.is_empty() if facts is None else facts.categories_known
    return joined.collect(), common, {"category": categories_known, "channel": bool(channel_days)}


def add_prospects(sums: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return the sums with rows for prospects, by ``customer_id``; counts and money of prospects are 0."""
    counts = ("days", "orders", "money", "purchases", "rows", "window_days", "window_money", "window_orders")
    return (
        pl.concat([sums, new], how="diagonal")
        .sort("customer_id")
        .with_columns(pl.col(name).fill_null(0) for name in counts)
    )
