"""Dates of refunds without a date in their source: the moment of the first state with the refund.

A source dates such a return on the day of its order and marks it (``dated_by`` is ``order``). If an earlier state of
the order did not have the return, the return is dated at the moment of the first state with it (``first_seen``). If a
refund has grown, the increase is dated at the moment of the larger amount. If the first known state already has the
return, the return keeps the order's day.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

ORDER = "order_id"
DATED_BY = "dated_by"
BY_ORDER, FIRST_SEEN = "order", "first_seen"
AMOUNTS = ("net", "quantity", "discount", "cost")
PRODUCT, TOTAL, KIND = " product", " total", " kind"
ROW = " row"
"""Helper column: position of a new row; Delta does not allow such names in a table."""
MONEY_SCALE = 10_000
"""Amounts are compared in whole ten-thousandths, in which sums are exact."""


@dataclass(frozen=True)
class DatedReturns:
    """The undated returns of new states of some orders.

    Attributes
    ----------
    rows
        Undated returns with their dates.
    missing
        Known undated returns that the new states do not have.
    changed
        Orders whose undated returns differ from the known undated returns.
    updated, unchanged
        Positions of the new rows with another amount than the known return, and with the same amount.
    """

    rows: pl.DataFrame
    missing: pl.DataFrame
    changed: pl.Series
    updated: pl.Series
    unchanged: pl.Series


def is_undated() -> pl.Expr:
    """Return an expression: whether a row is a return whose date is not from its source."""
    return pl.col(DATED_BY).is_not_null()


def date_returns(new: pl.DataFrame, known: pl.DataFrame, states: pl.DataFrame) -> DatedReturns:
    """Return the undated returns of new states with their dates, which follow from the known states of the orders.

    Parameters
    ----------
    new
        Undated returns of the new states, with a number in ``ROW``.
    known
        Undated returns of the known states.
    states
        One row per order: ``order_id``, ``at`` (moment of the new state) and other columns that are constant in a
        state.
    """
    new, known = (rows.with_columns(pl.col("product_id").fill_null("").alias(PRODUCT)) for rows in (new, known))
    group = [ORDER, PRODUCT]
    whole_net = (pl.col("net") * MONEY_SCALE).round().cast(pl.Int64).sum()
    sums = [rows.group_by(group).agg(whole_net.alias(TOTAL), *_sums()) for rows in (new, known)]
    both = sums[0].join(sums[1], on=group, how="full", coalesce=True, suffix=" known")
    mine, theirs = pl.col(TOTAL), pl.col(f"{TOTAL} known")
    both = both.with_columns(
        pl.when(theirs.is_null()).then(pl.lit("first"))
        .when(mine.is_null()).then(pl.lit("missing"))
        .when(mine == theirs).then(pl.lit("same"))
        .when(mine < theirs).then(pl.lit("more"))
        .otherwise(pl.lit("less")).alias(KIND)
    )  # fmt: skip
    both = both.with_columns(
        pl.when(_differs_by_product_only()).then(pl.lit("spread anew")).otherwise(KIND).alias(KIND)
    )
    kinds = both.select(*group, KIND)
    new = new.join(kinds, on=group, how="left", maintain_order="left")
    known = known.join(kinds, on=group, how="left", maintain_order="left")
    days = (pl.col("ordered_at").min().alias(" day"), pl.col(DATED_BY).first().alias(" by"))
    parts = [
        _first_seen(new.filter(pl.col(KIND) == "first"), states),
        known.filter(pl.col(KIND).is_in(["same", "more"])),
        _first_seen(_growth(new, both), states),
        _dated_as(new.filter(pl.col(KIND) == "less"), known.group_by(group).agg(days), group),
        _dated_as(new.filter(pl.col(KIND) == "spread anew"), known.group_by(ORDER).agg(days), [ORDER]),
    ]
    columns = [name for name in known.columns if name not in (PRODUCT, KIND)]
    rows = pl.concat([part.select(columns) for part in parts])
    of_state = [name for name in states.columns if name in columns and name != ORDER]
    rows = rows.drop(of_state).join(states.select(ORDER, *of_state), on=ORDER, how="left", maintain_order="left")
    return DatedReturns(
        rows.select(columns),
        known.filter(pl.col(KIND) == "missing").select(columns),
        both.filter(pl.col(KIND).is_in(["first", "more", "less", "spread anew"]))[ORDER].unique(),
        new.filter(pl.col(KIND).is_in(["more", "less", "spread anew"]))[ROW],
        new.filter(pl.col(KIND) == "same")[ROW],
    )


def _sums() -> list[pl.Expr]:
    return [pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum()).alias(f" {name}") for name in AMOUNTS]


def _differs_by_product_only() -> pl.Expr:
    """Return an expression: whether the new and the known refunds of an order are equal in total, not by product."""
    totals = [pl.col(name).sum().over(ORDER) for name in (TOTAL, f"{TOTAL} known")]
    return (totals[0] == totals[1]) & (pl.col(KIND) != "same").any().over(ORDER)


def _dated_as(rows: pl.DataFrame, days: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    dated = rows.join(days, on=keys, how="left", maintain_order="left")
    return dated.with_columns(pl.col(" day").alias("ordered_at"), pl.col(" by").alias(DATED_BY))


def _growth(new: pl.DataFrame, both: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each refund that has grown, with the amounts of the increase."""
    grown = both.filter(pl.col(KIND) == "more").select(
        ORDER, PRODUCT, *((pl.col(f" {name}") - pl.col(f" {name} known")).round(6).alias(name) for name in AMOUNTS)
    )
    first = new.filter(pl.col(KIND) == "more").unique([ORDER, PRODUCT], keep="first", maintain_order=True)
    return first.drop(AMOUNTS).join(grown, on=[ORDER, PRODUCT], how="left", maintain_order="left")


def _first_seen(rows: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    dated = rows.join(states.select(ORDER, pl.col("at").alias(" at")), on=ORDER, how="left", maintain_order="left")
    return dated.with_columns(
        pl.max_horizontal("ordered_at", " at").alias("ordered_at"), pl.lit(FIRST_SEEN).alias(DATED_BY)
    )


def date_by_order(rows: pl.DataFrame, state: list[str]) -> pl.DataFrame:
    """Return rows in which undated returns have the day of their order; the columns ``state`` identify a state."""
    first = pl.col("ordered_at").min().over(state)
    day = pl.col("ordered_at").filter(~is_undated()).min().over(state).fill_null(first)
    return rows.with_columns(
        pl.when(is_undated()).then(day).otherwise("ordered_at").alias("ordered_at"),
        pl.when(is_undated()).then(pl.lit(BY_ORDER)).alias(DATED_BY),
    )
