"""From the ledger to one row per customer, as of a day: every feature that segments are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ckm.customers.baskets import main_values
from ckm.customers.calendar import day_number, months_before
from ckm.customers.columns import (
    MONEY_DIGITS,
    OTHER,
    WEEKDAYS,
    amount,
    habit_columns,
    margin,
    order_value_columns,
    rhythm_columns,
    spend_columns,
)
from ckm.customers.coverage import SUM_LIMIT
from ckm.customers.day_totals import EPOCH
from ckm.customers.interpurchase import own_gaps
from ckm.customers.needs import Needs
from ckm.customers.parties import PARTY_COLUMNS, party, prospects
from ckm.customers.posting import read_ledger
from ckm.errors import UnknownNameError
from ckm.models.rhythm import population_gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.coverage import LeftOut
    from ckm.customers.day_totals import DayTotals
    from ckm.customers.ledger import Ledger

    Whole = NDArray[np.int64]

RFM_COLUMNS = ("customer_id", "last_purchase", "recency_days", "frequency", "monetary", "net_total", "rows", "orders")
"""Columns that every table has."""


MONEY = ("net", "margin", "mean")
"""What ``monetary`` may be."""
SCOPES = ("rfm", "all")
MOST_CHANNELS = 8
"""Channels with a column of their own."""


@dataclass(frozen=True)
class Population:
    """What is usual among all customers, which a customer of whom little is known borrows.

    Attributes
    ----------
    gap_median_days, gap_p80_days
        Median and 80th percentile of the days between two purchases; None where nobody came back, or not asked for.
    margin_share
        Margin of a unit of net where the cost is known; None where it is nowhere, or not asked for. Net without a
        cost then counts as margin in full.
    """

    gap_median_days: float | None = None
    gap_p80_days: float | None = None
    margin_share: float | None = None


@dataclass(frozen=True)
class FeatureTable:
    """Customers and their features.

    Attributes
    ----------
    frame
        One row per customer with a purchase, by ``customer_id``; with prospects, also those of the customers' table
        without one. Columns: ``ckm/data/features.yaml``.
    as_of
        The day the table stands on; it saw nothing after it.
    currency
        Of every amount.
    time_zone
        Zone whose calendar says what a day is.
    money_scale
        Amounts are whole numbers of ``1 / money_scale`` of the currency's unit; sums of them are exact.
    population
        What was learned from all customers, or given.
    left_out
        What was not used, and why.
    features
        Names of the columns that hold a value for at least one customer.
    remarks
        What a reader should know of the features, as sentences.
    """

    frame: pl.DataFrame
    as_of: date
    currency: str
    time_zone: str
    money_scale: int
    population: Population
    left_out: LeftOut
    features: frozenset[str]
    remarks: tuple[str, ...] = ()


def feature_table(
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None = None,
    time_zone: str = "UTC",
    scope: Literal["rfm", "all"] = "all",
    window: int | None = None,
    money: Literal["net", "margin", "mean"] = "net",
    population: Population | None = None,
    with_prospects: bool = False,
) -> FeatureTable:
    """Return the features of every customer who bought by ``as_of``.

    Parameters
    ----------
    tables
        ``transactions``, with the columns of :class:`ckm.schema.Transactions`; of these ``order_id``, ``category``,
        ``channel``, ``cost`` and ``discount`` may be absent. ``customers``, if there. What is a purchase and what a
        return:
        :mod:`ckm.customers`.
    as_of
        The day the table stands on; everything after its end is left out. Default: the newest transaction.
    time_zone
        Zone whose calendar says what a day is.
    scope
        ``rfm``: recency, frequency, money and orders alone, for half the cost; ``all``: every feature.
    window
        Months up to ``as_of`` that ``frequency`` and ``monetary`` look at. Default: all time. Who bought before it
        alone is there with a frequency of zero.
    money
        What ``monetary`` is: net of returns, margin, or net per order.
    population
        Frozen by an earlier table: it is used, and nothing is learned. Default: learned from these customers.
    with_prospects
        Add the customers of the table ``customers`` who have bought and returned nothing by then and were created by
        then, suppliers aside.

    Raises
    ------
    InputError
        A column is missing, or amounts are too large to be summed exactly.
    UsageError
        The amounts have several currencies, or there is no such time zone or measure of money.
    NotEnoughDataError
        There are no transactions, or nobody bought anything by ``as_of``.
    """
    needs = needs_of(scope, money)
    ledger = read_ledger(tables, as_of=as_of, time_zone=time_zone, needs=needs)
    return features_of(
        ledger, tables.get("customers"), scope=scope, window=window, money=money, population=population,
        with_prospects=with_prospects,
    )  # fmt: skip


def needs_of(scope: str, money: str) -> Needs:
    """Return what the features of a scope need of the ledger.

    Raises
    ------
    UnknownNameError
        There is no such scope or measure of money.
    """
    for what, name, known in (("measure of money", money, MONEY), ("scope", scope, SCOPES)):
        if name not in known:
            raise UnknownNameError(what, str(name), known)
    return Needs(amounts=scope == "all" or money == "margin", baskets=scope == "all")


def features_of(
    ledger: Ledger,
    customers: pl.LazyFrame | None = None,
    *,
    scope: str = "all",
    window: int | None = None,
    money: str = "net",
    population: Population | None = None,
    with_prospects: bool = False,
) -> FeatureTable:
    """Return the features of every customer of a ledger who has bought, as of its day.

    Parameters
    ----------
    ledger
        Read with :func:`needs_of` the scope and the money.
    customers
        The customers' own table.
    scope, window, money, population, with_prospects
        See :func:`feature_table`.
    """
    needs = needs_of(scope, money)
    buyers = ledger.of_buyers()
    sums = pl.DataFrame({"customer_id": buyers.customers, **_rfm_sums(buyers, window)})
    if needs.amounts:
        sums = sums.hstack(_spend_sums(buyers, window))
    population = population or _learn(ledger, buyers, needs)
    channels: tuple[str, ...] = ()
    known = {"channel": False, "category": False}
    if needs.baskets:
        habits, channels, known = _habits(buyers)
        sums = (
            sums.hstack(own_gaps(buyers.purchases, buyers.gaps).drop("gaps")).hstack(_trend_sums(buyers)).hstack(habits)
        )
    if with_prospects and customers is not None:
        sums = _with_prospects(sums, prospects(customers, ledger.customers.to_frame(), ledger.as_of))
    costs_known = ledger.costs_known
    table = sums.lazy().select(*_rfm_columns(buyers, population, window, money))
    if needs.baskets:
        columns = [
            *rhythm_columns(ledger.as_of, population.gap_median_days, population.gap_p80_days),
            *spend_columns(ledger.scale, population.margin_share, cost_known=costs_known),
            *order_value_columns(ledger.scale),
            *habit_columns(
                channels,
                rest=f"days_{OTHER}" in sums.columns,
                category_known=known["category"],
                channel_known=known["channel"],
                discount_known=any(each.sum_of("discounts_known") for each in ledger.bought),
            ),
        ]
        parties = party(customers).lazy()
        table = (
            sums.lazy()
            .join(parties, on="customer_id", how="left", maintain_order="left")
            .select(*_rfm_columns(buyers, population, window, money), *columns, *PARTY_COLUMNS)
        )
    frame = table.collect()
    return FeatureTable(
        frame=frame,
        as_of=ledger.as_of,
        currency=ledger.currency,
        time_zone=ledger.time_zone,
        money_scale=ledger.scale,
        population=population,
        left_out=ledger.left_out,
        features=frozenset(name for name in frame.columns[1:] if frame[name].null_count() < frame.height),
        remarks=tuple(_margin_remarks(sums, population, _measured(scope, window, money), costs_known=costs_known)),
    )


def _everyone(ledger: Ledger) -> NDArray[np.uint32]:
    return np.arange(len(ledger.customers), dtype=np.uint32)


def _after(ledger: Ledger, months: int) -> int:
    """Day after which the last so many months begin."""
    return day_number(months_before(ledger.as_of, months))


def _rfm_sums(ledger: Ledger, window: int | None) -> dict[str, Whole | pl.Series]:
    purchases, who = ledger.purchases, _everyone(ledger)
    sums: dict[str, Whole | pl.Series] = {
        "last_purchase": pl.Series(purchases.last_days()).cast(pl.Date),
        "days": purchases.counts,
        "orders": _all_time(purchases, "orders"),
        "money": _added(_all_time(each, "net") for each in ledger.all_lines),
        "rows": _added(_all_time(each, "lines") for each in ledger.all_lines),
    }
    sums |= {"window_days": sums["days"], "window_money": sums["money"], "window_orders": sums["orders"]}
    if window is not None:
        after, today = _after(ledger, window), ledger.today
        sums["window_days"] = purchases.count(who, after, today)
        sums["window_money"] = _added(each.between("net", who, after, today) for each in ledger.all_lines)
        sums["window_orders"] = purchases.between("orders", who, after, today)
    return sums


def _added(arrays: Iterable[Whole]) -> Whole:
    first, *rest = arrays
    return sum(rest, first)


def _all_time(totals: DayTotals, name: str) -> Whole:
    return np.diff(totals.totals[name][totals.bounds])


def _spend_sums(ledger: Ledger, window: int | None) -> pl.DataFrame:
    """Net, and net and cost where the cost is known, of purchases and of all, by period; and discounts.

    ``PERIOD_net`` (net of returns), ``PERIOD_bought`` (of the purchases alone), ``PERIOD_costed`` and
    ``PERIOD_bought_costed`` (the same of lines whose cost is known), ``PERIOD_cost``, of ``all``, ``year``,
    ``previous`` (the year before) and ``window``; and ``discount``.
    """
    who, today = _everyone(ledger), ledger.today
    year = _after(ledger, 12)
    periods = {"all": (-EPOCH, today), "year": (year, today), "previous": (_after(ledger, 24), year)}
    if window is not None:
        periods["window"] = (_after(ledger, window), today)
    nothing = np.zeros(len(who), np.int64)
    sums: dict[str, Whole] = {}

    def between(all_of: tuple[DayTotals, ...], name: str, after: int, until: int) -> Whole:
        return sum((each.between(name, who, after, until) for each in all_of if name in each.totals), nothing)

    for period, (after, until) in periods.items():
        for name, total in (("bought", "net"), ("bought_costed", "costed")):
            sums[f"{period}_{name}"] = between(ledger.bought, total, after, until)
        for name in ("net", "costed", "cost"):
            sums[f"{period}_{name}"] = between(ledger.all_lines, name, after, until)
    sums["discount"] = between(ledger.bought, "discount", -EPOCH, today)
    return pl.DataFrame(sums)


def _trend_sums(ledger: Ledger) -> pl.DataFrame:
    """Sums behind the trend of the order value, and purchase days by day of the week.

    Time ``x`` counts days from the first purchase of all; the money ``v`` of a day is divided so that sums of
    ``x * v`` fit an Int64.
    """
    purchases = ledger.purchases
    firsts, day = purchases.bounds[:-1], purchases.day.astype(np.int64)
    x, v = day - day.min(), purchases.of("net")
    largest, divisor = int(_all_time(purchases, "net").max()), 1
    while largest // divisor * int(x.max()) >= SUM_LIMIT:
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


def _habits(ledger: Ledger) -> tuple[pl.DataFrame, tuple[str, ...], dict[str, bool]]:
    """Categories and channels of each customer, the common channels, and whether anything is known of either.

    ``category_values``, ``category_main``, ``channel_values``, ``channel_main``, ``channel_total``, and the purchase
    days through each of the common channels, ``days_NAME``, and through the rest, ``days_other``, if there are any.
    """
    categories, channels = ledger.categories.counts(of_days=False), ledger.channels.counts(of_days=True)
    common = tuple(
        channels.filter(pl.col("value") != OTHER)
        .group_by("value")
        .agg(pl.col("count").sum())
        .sort("count", "value", descending=[True, False])["value"]
        .head(MOST_CHANNELS)
    )
    value, count = pl.col("value"), pl.col("count")
    days = {f"days_{channel}": count.filter(value == channel).sum() for channel in common}
    others = ~value.is_in(common)
    if channels.select(others.any()).item():
        days[f"days_{OTHER}"] = count.filter(others).sum()
    by_channel = channels.lazy().group_by("code").agg(each.alias(name) for name, each in days.items())
    joined = pl.LazyFrame({"code": _everyone(ledger)})
    for name, counts in (("category", categories), ("channel", channels)):
        named = main_values(counts).lazy().rename({each: f"{name}_{each}" for each in ("values", "total", "main")})
        joined = joined.join(named, on="code", how="left", maintain_order="left")
    joined = joined.join(by_channel, on="code", how="left", maintain_order="left").drop("code")
    return joined.collect(), common, {"category": not categories.is_empty(), "channel": not channels.is_empty()}


def _with_prospects(sums: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    counts = ("days", "orders", "money", "rows", "window_days", "window_money", "window_orders")
    return (
        pl.concat([sums, new], how="diagonal")
        .sort("customer_id")
        .with_columns(pl.col(name).fill_null(0) for name in counts)
    )


def _learn(ledger: Ledger, buyers: Ledger, needs: Needs) -> Population:
    histogram = buyers.gaps.histogram() if needs.baskets else None
    return Population(
        gap_median_days=None if histogram is None else population_gap(histogram, 0.5),
        gap_p80_days=None if histogram is None else population_gap(histogram, 0.8),
        margin_share=ledger.margin_share() if needs.amounts else None,
    )


def _rfm_columns(buyers: Ledger, population: Population, window: int | None, money: str) -> list[pl.Expr]:
    monetary = pl.col("window_money")
    if money == "margin":
        monetary = margin("all" if window is None else "window", population.margin_share).fill_null(0)
    digits = len(str(buyers.scale)) - 1
    monetary = (monetary / buyers.scale).round(digits)
    if money == "mean":
        monetary = (monetary / pl.col("window_orders").clip(lower_bound=1)).round(MONEY_DIGITS)
    return [
        pl.col("customer_id"),
        pl.col("last_purchase"),
        (pl.lit(buyers.as_of) - pl.col("last_purchase")).dt.total_days().alias("recency_days"),
        pl.col("window_days").alias("frequency"),
        monetary.alias("monetary"),
        amount("money", buyers.scale).alias("net_total"),
        pl.col("rows"),
        pl.col("orders"),
    ]


def _measured(scope: str, window: int | None, money: str) -> dict[str, str]:
    """Columns of margins, and the period of each."""
    measured = {"margin_12mo": "year"} if scope == "all" else {}
    if money == "margin":
        measured["monetary"] = "all" if window is None else "window"
    return measured


def _margin_remarks(
    sums: pl.DataFrame, population: Population, measured: Mapping[str, str], *, costs_known: bool
) -> list[str]:
    usual = population.margin_share
    assumed = "all of it counts as margin" if usual is None else f"{usual:.1%} of it counts as margin"
    remarks = []
    for column, period in measured.items():
        bought, costed = (int(sums[f"{period}_{name}"].sum()) for name in ("bought", "bought_costed"))
        if not costs_known and usual is None:
            remarks.append(f"no cost is known: {column} is the net amount")
        elif bought > costed:
            remarks.append(f"{column}: {(bought - costed) / bought:.1%} of the net amount has no cost; {assumed}")
    return remarks
