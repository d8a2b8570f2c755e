"""Rows of a table as they were known at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.store.delta import aligned
from ckm.store.loads import history
from ckm.store.order_moments import loads_frame
from ckm.store.order_states import IN_TABLE, KNOWN_FROM, ORDER, RANK, chained
from ckm.store.replaced_states import replaced_states, state_schema
from ckm.store.side_tables import REPLACED_BY

if TYPE_CHECKING:
    from datetime import datetime

    from ckm.store.delta import StoredTable

WHOSE = " whose"
"""Helper column with the key of an order: its number, and its source, because two sources may use the same number."""
KNOWN_UNTIL = "known_until"


def states(table: StoredTable, side: StoredTable) -> pl.DataFrame:
    """Return every state of the orders that have more than one state.

    Returns
    -------
    The rows of the table with ``known_from`` and ``known_until`` (null: from the order's own day, and until now), and
    ``RANK``, ``IN_TABLE`` and ``WHOSE``; sorted by order and state.
    """
    loads = loads_frame(history([table]))
    earlier = aligned(replaced_states(side, loads), state_schema(table.schema))
    present = table.scan().join(earlier.lazy().select(ORDER).unique(), on=ORDER, how="semi").collect()
    rows = pl.concat([earlier, present], how="diagonal")
    by_names = (pl.col("source") == table.name).any().over(ORDER)
    whose = pl.when(by_names).then(pl.col(ORDER)).otherwise(pl.concat_str(ORDER, pl.lit("\0"), "source"))
    rows = rows.with_columns(pl.col(ORDER).alias(WHOSE), whose.alias(ORDER))
    is_earlier = pl.col(REPLACED_BY).is_not_null()
    chain = chained(rows.filter(~is_earlier).drop(REPLACED_BY, KNOWN_FROM), rows.filter(is_earlier), loads)
    until = chain.group_by(ORDER, RANK).agg(pl.col("at").first()).sort(ORDER, RANK)
    until = until.with_columns(pl.col("at").shift(-1).over(ORDER).alias(KNOWN_UNTIL)).drop("at")
    chain = chain.join(until, on=[ORDER, RANK], how="left", maintain_order="left")
    since = pl.when(pl.col(RANK) > 0).then("at").alias(KNOWN_FROM)
    named = chain.with_columns(since, pl.col(ORDER).alias(WHOSE), pl.col(WHOSE).alias(ORDER))
    return named.drop("at", REPLACED_BY).sort(WHOSE, RANK, "source_row", maintain_order=True)


def as_known(table: StoredTable, side: StoredTable, moment: datetime) -> pl.LazyFrame | None:
    """Return the rows of the table as they were known before ``moment``; None if these are the present rows."""
    if not side.exists or KNOWN_FROM not in side.schema:
        return None
    found = states(table, side)
    then = pl.col(KNOWN_FROM).is_null() | (pl.col(KNOWN_FROM) < moment)
    known = found.filter(then & (pl.col(KNOWN_UNTIL).is_null() | (pl.col(KNOWN_UNTIL) >= moment)))
    differ = known.filter(~pl.col(IN_TABLE))
    if differ.is_empty():
        return None
    now = found.filter(pl.col(IN_TABLE) & pl.col(WHOSE).is_in(differ[WHOSE].unique().implode()))
    others = table.scan().join(now.lazy().select(ORDER, "source").unique(), on=[ORDER, "source"], how="anti")
    return pl.concat([others, differ.select(table.schema.names()).lazy()])
