"""Workarounds in transactions and events: items that are returned and bought again, visits without a purchase."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
from scipy.stats import binom

from ckm._needs.need import WORKAROUND, Need
from ckm.customers.definitions import DATED_BY, is_purchase, is_undated_return, local_day
from ckm.customers.required_tables import readable
from ckm.models.intervals import wilson
from ckm.time_zones import end_of_day
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

REORDER_DAYS = 30
VISIT_DAYS = 7
FEWEST_RETURNS = 5
ALPHA = 0.05
CARTS = ("cart", "checkout", "visit", "wishlist")
"""Topics of interactions of kind ``event`` that show an intention to buy."""


def workarounds(
    tables: Mapping[str, pl.LazyFrame], as_of: date, time_zone: str, *, column: str, min_group_size: int
) -> tuple[list[Need], bool]:
    """Return workarounds in transactions and events, and whether the data contain any return or event.

    Parameters
    ----------
    tables
        Tables by name: ``transactions``, and ``interactions`` for events.
    as_of
        Last day of the data that are used.
    time_zone
        Time zone of the days.
    column
        Column of the items: ``product_id`` or ``category``.
    min_group_size
        Fewest customers of a need in the result.
    """
    returns, any_return = _returned_and_ordered_again(tables["transactions"], as_of, time_zone, column, min_group_size)
    visits, any_visit = list[Need](), False
    if "interactions" in tables:
        visits, any_visit = _visits_without_purchase(tables, as_of, time_zone, min_group_size)
    return [*returns, *visits], any_return or any_visit


def _lines(transactions: pl.LazyFrame, as_of: date, time_zone: str, column: str) -> pl.LazyFrame:
    """Return purchases and returns of known customers, without returns that only have the date of their order."""
    undated = is_undated_return() if DATED_BY in transactions.collect_schema() else pl.lit(value=False)
    return transactions.filter(
        ~undated,
        pl.col("customer_id").is_not_null(),
        pl.col(column).is_not_null(),
        pl.col("type") != "cancel",
        pl.col("ordered_at") < end_of_day(as_of, time_zone),
    ).select(
        customer_id=pl.col("customer_id").cast(pl.String),
        item=pl.col(column).cast(pl.String),
        day=local_day("ordered_at", time_zone),
        bought=is_purchase(),
    )


def _returned_and_ordered_again(
    transactions: pl.LazyFrame, as_of: date, time_zone: str, column: str, min_group_size: int
) -> tuple[list[Need], bool]:
    """Return items that are returned and bought again within 30 days more often than other items.

    A customer who returns an item and buys it again probably wanted another size, or an item without a defect. The
    second result is whether the data contain returns.
    """
    if column not in transactions.collect_schema():
        return [], False
    lines = _lines(transactions, as_of, time_zone, column)
    returns = lines.filter(~pl.col("bought")).select("customer_id", "item", returned="day").unique()
    again = (
        lines.filter("bought")
        .join(returns, on=["customer_id", "item"])
        .filter(
            pl.col("day").is_between(pl.col("returned"), pl.col("returned") + timedelta(days=REORDER_DAYS)),
            pl.col("day") > pl.col("returned"),
        )
        .select("customer_id", "item", "returned")
        .unique()
        .with_columns(again=True)
    )
    with readable():
        table = (
            returns.join(again, on=["customer_id", "item", "returned"], how="left")
            .group_by("item")
            .agg(
                returns=pl.len(),
                again=pl.col("again").fill_null(value=False).sum(),
                customers=pl.col("customer_id").filter(pl.col("again")).n_unique(),
            )
            .collect(engine="streaming")
            .sort("item")
        )
    total, repeated = int(table["returns"].sum()), int(table["again"].sum())
    found = list[Need]()
    tested = table.filter(pl.col("returns") >= FEWEST_RETURNS)
    for row in tested.iter_rows(named=True):
        of_others = (repeated - row["again"]) / max(total - row["returns"], 1)
        p = float(binom.sf(row["again"] - 1, row["returns"], max(of_others, 1 / max(total, 1))))
        if not row["again"] or p * tested.height > ALPHA or row["customers"] < min_group_size:
            continue
        expected = of_others * row["returns"]
        low, high = wilson(row["again"], row["returns"])
        need = Need(
            WORKAROUND,
            f"{row['item']}: {row['again']} of {counted(row['returns'], 'return')} are bought again within "
            f"{REORDER_DAYS} days ({of_others:.0%} of other items)",
            row["item"],
            None,
            row["customers"],
            row["again"],
            round(expected, 2),
            round(row["again"] / expected, 2) if expected else None,
            round(low / of_others, 2) if of_others and low is not None else None,
            round(high / of_others, 2) if of_others and high is not None else None,
            "binomial against the other items, 5 % over all items (Bonferroni)",
            f"transactions: returns and purchases of {row['item']} by the same customer",
        )
        found.append(need)
    return found, total > 0


def _visits_without_purchase(
    tables: Mapping[str, pl.LazyFrame], as_of: date, time_zone: str, min_group_size: int
) -> tuple[list[Need], bool]:
    """Return topics of events (:data:`CARTS`) without a purchase by the customer within 7 days, and if events exist."""
    events, transactions = tables["interactions"], tables["transactions"]
    if not {"kind", "topic", "customer_id"} <= set(events.collect_schema()):
        return [], False
    visits = (
        events.filter(
            pl.col("kind") == "event",
            pl.col("topic").str.to_lowercase().is_in(CARTS),
            pl.col("customer_id").is_not_null(),
            pl.col("at") < end_of_day(as_of - timedelta(days=VISIT_DAYS), time_zone),
        )
        .select(customer_id=pl.col("customer_id").cast(pl.String), topic="topic", visited=local_day("at", time_zone))
        .unique()
    )
    bought = transactions.filter(is_purchase(), pl.col("ordered_at") < end_of_day(as_of, time_zone)).select(
        customer_id=pl.col("customer_id").cast(pl.String), day=local_day("ordered_at", time_zone)
    )
    with readable():
        table = (
            visits.join(bought.unique(), on="customer_id", how="left")
            .with_columns(
                bought=(pl.col("day") - pl.col("visited"))
                .dt.total_days()
                .is_between(0, VISIT_DAYS)
                .fill_null(value=False)
            )
            .group_by("customer_id", "topic", "visited")
            .agg(pl.col("bought").any())
            .group_by("topic")
            .agg(
                visits=pl.len(),
                nothing=(~pl.col("bought")).sum(),
                customers=pl.col("customer_id").filter(~pl.col("bought")).n_unique(),
            )
            .collect()
            .sort("topic")
        )
    found = list[Need]()
    for row in table.iter_rows(named=True):
        if row["customers"] < min_group_size:
            continue
        share = row["nothing"] / row["visits"]
        need = Need(
            WORKAROUND,
            f"{row['topic']}: {share:.0%} of {counted(row['visits'], 'event')} are followed by no purchase within "
            f"{VISIT_DAYS} days",
            row["topic"],
            None,
            row["customers"],
            row["nothing"],
            None,
            None,
            None,
            None,
            "count, without a test: no other share to compare with",
            f"interactions of kind event with topic {row['topic']}",
        )
        found.append(need)
    return found, table.height > 0
