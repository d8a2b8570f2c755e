"""From transactions to one row per customer, as of a day: the one door that every analysis goes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm.errors import UnknownNameError
from ckm.feature_table.columns import (
    MONEY_DIGITS,
    amount,
    habit_columns,
    margin,
    order_value_columns,
    rhythm_columns,
    spend_columns,
)
from ckm.feature_table.sums import OTHER, PARTY_COLUMNS, Habits, habit_sums, party, prospects, spend_sums, total
from ckm.feature_table.tally import tally_purchases
from ckm.feature_table.view import LeftOut, View, counted, need_transactions, view_transactions
from ckm.features import is_after
from ckm.models.rhythm import population_gap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

__all__ = ["FeatureTable", "LeftOut", "Population", "amount", "counted", "feature_table"]

RFM_COLUMNS = ("customer_id", "last_purchase", "recency_days", "frequency", "monetary", "net_total", "rows")
"""Columns that every table has."""
POPULATION_DIGITS = 6
"""Significant digits of what is learned: it is rounded before it is used, so that a saved definition says what was."""


MONEY = ("net", "margin", "mean")
"""What ``monetary`` may be."""
SCOPES = ("rfm", "all")


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

    Reads the transactions once for ``rfm``, else a few times; what is held grows with the customers and their
    days of purchase, not with the rows.

    Parameters
    ----------
    tables
        ``transactions``, with the columns of :class:`ckm.schema.Transactions`; of these ``category``, ``channel``,
        ``cost`` and ``discount`` may be absent. ``customers``, if there. What is a purchase and what a return:
        :mod:`ckm.features`.
    as_of
        The day the table stands on; everything after its end is left out. Default: the newest transaction.
    time_zone
        Zone whose calendar says what a day is.
    scope
        ``rfm``: recency, frequency and money alone, for less than half the cost; ``all``: every feature.
    window
        Months up to ``as_of`` that ``frequency`` and ``monetary`` look at. Default: all time. Who bought before it
        alone is there with a frequency of zero.
    money
        What ``monetary`` is: net of returns, margin, or net per purchase day.
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
    for what, name, known in (("measure of money", money, MONEY), ("scope", scope, SCOPES)):
        if name not in known:
            raise UnknownNameError(what, str(name), known)
    needs_spend = scope == "all" or money == "margin"
    view = view_transactions(
        need_transactions(tables, time_zone),
        as_of=as_of,
        time_zone=time_zone,
        amounts=("net", "cost", "discount") if needs_spend else ("net",),
    )
    customers = tables.get("customers")
    sums = _purchases(view)
    members = sums.drop_nulls("last_purchase")
    left_out = view.left_out(customers_without_purchase=sums.height - members.height)
    if with_prospects and customers is not None:
        members = pl.concat([members, prospects(customers, sums, view.as_of)], how="diagonal")
    members = members.sort("customer_id").with_columns(pl.col("frequency", "money", "rows").fill_null(0))

    spend = spend_sums(view, window) if needs_spend else None
    habits = habit_sums(view, spend) if spend is not None and scope == "all" else None
    population = population or _learn(spend, habits)
    table = _measures(view, members, spend, population, window, money)
    if spend is not None and habits is not None:
        table = _all_columns(view, table, spend, habits, population, party(customers))
    return FeatureTable(
        frame=table,
        as_of=view.as_of,
        currency=view.currency,
        time_zone=time_zone,
        money_scale=view.scale,
        population=population,
        left_out=left_out,
        features=frozenset(name for name in table.columns[1:] if table[name].null_count() < table.height),
        remarks=tuple(_margin_remarks(spend, population, scope, window, money)),
    )


def _purchases(view: View, since: datetime | None = None) -> pl.DataFrame:
    """Purchases, in no particular order: of all time, or from ``since`` on."""
    if since is None and view.customers is not None:
        return view.customers
    rows = view.frame if since is None else view.frame.filter(is_after(since))
    tally = tally_purchases(rows.to_native(), until=view.until, time_zone=view.time_zone, money_scale=view.scale)
    return tally.customers


def _learn(spend: pl.DataFrame | None, habits: Habits | None) -> Population:
    return Population(
        gap_median_days=None if habits is None else population_gap(habits.gaps, 0.5),
        gap_p80_days=None if habits is None else population_gap(habits.gaps, 0.8),
        margin_share=None if spend is None else _margin_share(spend),
    )


def _margin_share(spend: pl.DataFrame) -> float | None:
    costed, cost = total(spend, "all_costed"), total(spend, "all_cost")
    if not total(spend, "costs_known") or costed <= 0:
        return None
    return float(f"{(costed - cost) / costed:.{POPULATION_DIGITS}g}")


def _measures(
    view: View,
    members: pl.DataFrame,
    spend: pl.DataFrame | None,
    population: Population,
    window: int | None,
    money: str,
) -> pl.DataFrame:
    table = members.lazy().select(
        "customer_id",
        "last_purchase",
        (pl.lit(view.as_of) - pl.col("last_purchase")).dt.total_days().alias("recency_days"),
        "frequency",
        pl.col("money").alias("monetary"),
        amount("money", view.scale).alias("net_total"),
        "rows",
    )
    if window is not None:
        recent = _purchases(view, view.since(window)).lazy().select("customer_id", "frequency", monetary="money")
        table = table.drop("frequency", "monetary").join(recent, on="customer_id", how="left", maintain_order="left")
    if money == "margin" and spend is not None:
        measured = margin("all" if window is None else "window", population.margin_share)
        margins = spend.lazy().select("customer_id", monetary=measured)
        table = table.drop("monetary").join(margins, on="customer_id", how="left", maintain_order="left")
    table = table.with_columns(pl.col("frequency", "monetary").fill_null(0)).with_columns(
        amount("monetary", view.scale)
    )
    if money == "mean":
        per_day = pl.col("monetary") / pl.col("frequency").clip(lower_bound=1)
        table = table.with_columns(monetary=per_day.round(MONEY_DIGITS))
    return table.select(RFM_COLUMNS).collect()


def _all_columns(
    view: View,
    table: pl.DataFrame,
    spend: pl.DataFrame,
    habits: Habits,
    population: Population,
    parties: pl.DataFrame,
) -> pl.DataFrame:
    named = {"values": "{}_values", "total": "{}_total", "main": "{}_main"}
    joined = table.lazy()
    for part in (
        spend,
        habits.rhythm,
        habits.categories.rename({old: new.format("category") for old, new in named.items()}),
        habits.channels.rename({old: new.format("channel") for old, new in named.items()}),
        habits.visits,
        parties,
    ):
        joined = joined.join(part.lazy(), on="customer_id", how="left", maintain_order="left")
    columns = [
        *rhythm_columns(view.as_of, population.gap_median_days, population.gap_p80_days),
        *spend_columns(view.scale, population.margin_share, cost_known=bool(total(spend, "costs_known"))),
        *order_value_columns(view.scale),
        *habit_columns(
            habits.common_channels,
            rest=bool(total(habits.visits, f"visits_{OTHER}")),
            category_known=not habits.categories.is_empty(),
            channel_known=not habits.channels.is_empty(),
            discount_known=bool(total(spend, "discounts_known")),
        ),
    ]
    return joined.select(*RFM_COLUMNS, *columns, *PARTY_COLUMNS).collect()


def _margin_remarks(
    spend: pl.DataFrame | None, population: Population, scope: str, window: int | None, money: str
) -> list[str]:
    if spend is None:
        return []
    measured = {"margin_12mo": "year"} if scope == "all" else {}
    if money == "margin":
        measured["monetary"] = "all" if window is None else "window"
    usual = population.margin_share
    assumed = "all of it counts as margin" if usual is None else f"{usual:.1%} of it counts as margin"
    remarks = []
    for column, period in measured.items():
        bought, costed = (total(spend, f"{period}_{name}") for name in ("bought", "bought_costed"))
        if not total(spend, "costs_known") and usual is None:
            remarks.append(f"no cost is known: {column} is the net amount")
        elif bought > costed:
            remarks.append(f"{column}: {(bought - costed) / bought:.1%} of the net amount has no cost; {assumed}")
    return remarks
