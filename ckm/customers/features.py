"""Feature table: features of each customer as of a day, computed from the ledger, on which segments are defined."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm.customers.columns import (
    MONEY_DIGITS,
    OTHER,
    amount,
    behaviour_columns,
    interpurchase_columns,
    margin,
    order_value_columns,
    spend_columns,
)
from ckm.customers.feature_sums import add_prospects, basket_sums, rfm_sums, spend_sums, trend_sums
from ckm.customers.interpurchase import customer_intervals
from ckm.customers.ledger_needs import Needs
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.parties import PARTY_COLUMNS, party_attributes, prospects
from ckm.customers.shop_facts import ShopFacts
from ckm.errors import UnknownNameError
from ckm.models.purchase_interval import population_gap
from ckm.remark import assumption
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from ckm.customers.excluded_rows import LeftOut
    from ckm.customers.ledger import Ledger

RFM_COLUMNS = (
    "customer_id",
    "last_purchase",
    "recency_days",
    "frequency",
    "monetary",
    "net_total",
    "purchases_total",
    "rows",
    "orders",
    "gaps",
    "purchase_interval_days",
)
"""Columns of the feature table in every scope."""


MONEY = ("net", "margin", "mean")
"""Values of ``monetary``."""
SCOPES = ("rfm", "all")


@dataclass(frozen=True)
class Population:
    """Parameters of all customers; they replace or shrink the values of customers with few data.

    Attributes
    ----------
    gap_median_days, gap_p80_days
        Median and 80th percentile of the days between two purchases; None without repeat purchases, or not requested.
    margin_share
        Margin ÷ net of lines with a known cost. None if no cost is known, or if not requested; net without a cost then
        counts in full as margin.
    """

    gap_median_days: float | None = None
    gap_p80_days: float | None = None
    margin_share: float | None = None


OF_AMOUNTS = ("spend_12mo", "spend_previous_12mo", "margin_12mo", "order_value_mean", "order_value_trend")
"""Features that are null if the transactions have no amounts (:data:`ckm.schema.NO_CURRENCY`)."""


@dataclass(frozen=True)
class FeatureTable:
    """Customers and their features.

    Attributes
    ----------
    frame
        One row per customer with a purchase and, if requested, per prospect; by ``customer_id``. Columns:
        ``ckm/data/features.yaml``.
    as_of
        As-of date; no later row is used.
    currency
        Currency of all amounts.
    time_zone
        Time zone of the days.
    money_scale
        Amounts are integers of ``1 / money_scale`` of the currency's unit, so that sums are exact.
    population
        Parameters estimated from all customers, or given.
    left_out
        Rows that were not used, with the reason.
    features
        Names of the columns with a value for at least one customer.
    costs
        For each column with a margin, the net of all its purchases, and of those with a known cost, in ``1 /
        money_scale`` of the currency's unit.
    costs_known
        Whether any line of the shop has a cost.
    """

    frame: pl.DataFrame
    as_of: date
    currency: str
    time_zone: str
    money_scale: int
    population: Population
    left_out: LeftOut
    features: frozenset[str]
    costs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    costs_known: bool = False

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks on the features, as sentences."""
        return tuple(_margin_remarks(self.costs, self.population.margin_share, costs_known=self.costs_known))


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
        ``channel``, ``cost`` and ``discount`` may be absent. ``customers`` is optional. :mod:`ckm.customers` defines
        purchase, return and order.
    as_of
        As-of date; later rows are left out. Default: the newest usual day.
    time_zone
        Time zone of the days.
    scope
        ``rfm``: only :data:`RFM_COLUMNS`, in half the time; ``all``: every feature.
    window
        Months up to ``as_of`` for ``frequency`` and ``monetary``. Default: all time. Customers who bought only before
        the window have a frequency of zero.
    money
        Definition of ``monetary``: net of returns, margin, or net per order.
    population
        Parameters of an earlier feature table, used unchanged. Default: estimated from these customers.
    with_prospects
        Add customers of the table ``customers`` who were created by ``as_of`` and have neither a purchase nor a return,
        except suppliers.

    Raises
    ------
    InputError
        A column is missing, or amounts are too large to be summed exactly.
    UsageError
        The amounts have several currencies, or the time zone or monetary value is unknown.
    NotEnoughDataError
        There are no transactions, or no purchases by ``as_of``.
    """
    needs = needs_of(scope, money)
    ledger = read_ledger(tables, as_of=as_of, time_zone=time_zone, needs=needs)
    return features_of(
        ledger, tables.get("customers"), scope=scope, window=window, money=money, population=population,
        with_prospects=with_prospects,
    )  # fmt: skip


def needs_of(scope: str, money: str) -> Needs:
    """Return the sums that a ledger must contain for the features of a scope.

    Raises
    ------
    UnknownNameError
        The scope or monetary value is unknown.
    """
    for what, name, known in (("monetary value", money, MONEY), ("scope", scope, SCOPES)):
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
    facts: ShopFacts | None = None,
) -> FeatureTable:
    """Return the features of every customer of a ledger with a purchase, as of the ledger's as-of date.

    Parameters
    ----------
    ledger
        Ledger that was read with :func:`needs_of` for this scope and ``money``.
    customers
        The table ``customers``.
    scope, window, money, population, with_prospects
        See :func:`feature_table`.
    facts
        Facts of all customers of the shop if the ledger has a part of them; None if it has all.

    Raises
    ------
    ValueError
        The ledger lacks required sums.
    """
    needs = needs_of(scope, money)
    if not ledger.needs.covers(needs):
        raise ValueError(f"the ledger was read with {ledger.needs}, and {needs} are needed")
    population = population or _estimate_population(ledger, needs)
    if ledger.is_partitioned:
        of_all = reduce(ShopFacts.joined, ledger.of_parts(ShopFacts.of))

        def of_part(part: Ledger) -> FeatureTable:
            return features_of(
                part, customers, scope=scope, window=window, money=money, population=population, facts=of_all
            )

        found = ledger.of_parts(of_part)
        return join_tables(found, pl.concat([each.frame for each in found], rechunk=True).sort("customer_id"))
    buyers = ledger.of_buyers()
    sums = pl.DataFrame({"customer_id": buyers.customers, **rfm_sums(buyers, window)})
    if needs.amounts:
        sums = sums.hstack(spend_sums(buyers, window))
    sums = sums.hstack(customer_intervals(buyers.purchases, buyers.gaps).drop("gaps"))
    columns = [
        *_rfm_columns(buyers, population, window, money),
        *interpurchase_columns(ledger.as_of, population.gap_median_days, population.gap_p80_days),
    ]
    if needs.baskets:
        of_baskets, channels, known = basket_sums(buyers, facts)
        sums = pl.concat([sums, trend_sums(buyers, facts), of_baskets], how="horizontal")
        columns += _value_and_behaviour_columns(
            ledger, facts, population, channels, known, rest=f"days_{OTHER}" in sums.columns
        )
    if with_prospects and customers is not None:
        sums = add_prospects(sums, prospects(customers, ledger.customers.to_frame(), ledger.as_of))
    table = sums.lazy()
    if needs.baskets:
        table = table.join(party_attributes(customers).lazy(), on="customer_id", how="left", maintain_order="left")
        frame = table.select(*columns, *PARTY_COLUMNS).collect()
    else:
        frame = table.select(columns).select(RFM_COLUMNS).collect()
    if ledger.currency == NO_CURRENCY:
        frame = frame.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in OF_AMOUNTS if name in frame)
    return FeatureTable(
        frame=frame,
        as_of=ledger.as_of,
        currency=ledger.currency,
        time_zone=ledger.time_zone,
        money_scale=ledger.scale,
        population=population,
        left_out=ledger.left_out if facts is None else facts.left_out,
        features=frozenset(name for name in frame.columns[1:] if frame[name].null_count() < frame.height),
        costs=_covered_by_costs(sums, _measured(scope, window, money)),
        costs_known=ledger.costs_known if facts is None else facts.costs_known,
    )


def join_tables(tables: Sequence[FeatureTable], frame: pl.DataFrame) -> FeatureTable:
    """Return the table of all customers, from tables of disjoint sets of them with equal facts and population.

    Parameters
    ----------
    tables
        The tables.
    frame
        Rows of the result.
    """
    first = tables[0]
    return replace(
        first,
        frame=frame,
        features=frozenset[str]().union(*(each.features for each in tables)),
        costs={
            name: (sum(each.costs[name][0] for each in tables), sum(each.costs[name][1] for each in tables))
            for name in first.costs
        },
    )


def _estimate_population(ledger: Ledger, needs: Needs) -> Population:
    histogram = ledger.gap_histogram if needs.baskets else None
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
        amount("purchases", buyers.scale).alias("purchases_total"),
        pl.col("rows"),
        pl.col("orders"),
    ]


def _value_and_behaviour_columns(
    ledger: Ledger,
    facts: ShopFacts | None,
    population: Population,
    channels: Sequence[str],
    known: Mapping[str, bool],
    *,
    rest: bool,
) -> list[pl.Expr]:
    """Return the columns of spend, order value and behaviour, which only the scope ``all`` has."""
    costs_known = ledger.costs_known if facts is None else facts.costs_known
    discount_known = (
        any(each.sum_of("discounts_known") for each in ledger.bought) if facts is None else facts.discounts_known
    )
    return [
        *spend_columns(ledger.scale, population.margin_share, cost_known=costs_known),
        *order_value_columns(ledger.scale),
        *behaviour_columns(
            channels,
            rest=rest,
            category_known=known["category"],
            channel_known=known["channel"],
            discount_known=discount_known,
        ),
    ]


def _measured(scope: str, window: int | None, money: str) -> dict[str, str]:
    """Return the columns that are computed from margins, each with the prefix of its period in the sums."""
    measured = {"margin_12mo": "year"} if scope == "all" else {}
    if money == "margin":
        measured["monetary"] = "all" if window is None else "window"
    return measured


def _covered_by_costs(sums: pl.DataFrame, measured: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Return, for each column with a margin, the net of all its purchases and of those with a known cost."""
    return {
        column: (int(sums[f"{period}_bought"].sum()), int(sums[f"{period}_bought_costed"].sum()))
        for column, period in measured.items()
    }


def _margin_remarks(costs: Mapping[str, tuple[int, int]], usual: float | None, *, costs_known: bool) -> list[str]:
    assumed = "all of it counts as margin" if usual is None else f"{usual:.1%} of it counts as margin"
    remarks: list[str] = []
    for column, (bought, costed) in costs.items():
        if not costs_known and usual is None:
            remarks.append(assumption(f"no cost is known: {column} is the net amount"))
        elif bought > costed:
            without = (bought - costed) / bought
            remarks.append(assumption(f"{column}: {without:.1%} of the net amount has no cost; {assumed}"))
    return remarks
