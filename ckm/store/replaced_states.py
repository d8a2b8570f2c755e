"""Earlier states of orders in the table of replaced rows, and the dates of undated returns that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.store.order_moments import of_loads_in_force
from ckm.store.order_states import IN_TABLE, KNOWN_FROM, MOMENT, ORDER, chained
from ckm.store.side_tables import REPLACED_BY
from ckm.store.undated_returns import DATED_BY

if TYPE_CHECKING:
    from ckm.store.delta import StoredTable


COPIES = " copies"
"""Helper column: number of equal rows."""


def replaced_states(side: StoredTable, loads: pl.DataFrame, orders: pl.Series | None = None) -> pl.DataFrame:
    """Return the earlier states of ``orders`` (default: all orders), without states of undone loads."""
    if not side.exists or KNOWN_FROM not in side.schema:
        return pl.DataFrame(schema=state_schema(side.schema))
    rows = side.scan().filter(pl.col(KNOWN_FROM).is_not_null())
    if orders is not None:
        rows = rows.filter(pl.col(ORDER).is_in(orders.implode()))
    return of_loads_in_force(rows.collect(), loads)


def present_rows(present: pl.DataFrame, replaced: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    """Return the rows ``present`` of orders, with undated returns dated from all states of the orders."""
    return chained(present, replaced, loads).filter(IN_TABLE).select(present.columns)


def redated_orders(dated: pl.DataFrame, present: pl.DataFrame) -> pl.Series:
    """Return the orders whose rows differ between ``dated`` and ``present``, which have the same columns.

    Equal rows are counted: two increases of a refund by the same amount can have the same date.
    """
    counts = pl.concat([dated.with_columns(pl.lit(1).alias(COPIES)), present.with_columns(pl.lit(-1).alias(COPIES))])
    differing = counts.group_by(present.columns).agg(pl.col(COPIES).sum()).filter(pl.col(COPIES) != 0)
    return differing[ORDER].unique().sort()


def state_schema(schema: pl.Schema) -> pl.Schema:
    """Return the schema of earlier states in ``TABLE_replaced``, for a table with the columns ``schema``."""
    return pl.Schema({**schema, DATED_BY: pl.String(), REPLACED_BY: pl.String(), KNOWN_FROM: MOMENT})


def in_scope(source: str, table: str) -> pl.Expr:
    """Return whether a row can belong to ``source``: the sources are equal, or one of them is a load without a mapping.

    The source of rows that were loaded without a mapping is the name of the table.
    """
    return pl.lit(source == table) | pl.col("source").is_in([source, table])
