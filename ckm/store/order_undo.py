"""Undo for orders: each order of the undone load gets its last state from the remaining loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.io.parquet_file import read_file
from ckm.store.data_files import read_rows
from ckm.store.delta import aligned
from ckm.store.loads import history
from ckm.store.order_candidates import FILE, POSITION
from ckm.store.order_moments import loads_frame, of_loads_in_force
from ckm.store.order_states import KNOWN_FROM, ORDER
from ckm.store.replaced_states import in_scope, present_rows, redated_orders, state_schema
from ckm.store.side_tables import REPLACED_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckm.store.delta import StoredTable
    from ckm.store.loads import LoadFacts
    from ckm.store.staging import Positions


@dataclass(frozen=True)
class EarlierStates:
    """Rows that an undo adds to the table, and positions (by file) of other loads' rows that it removes.

    Rows of other loads are removed, and added with other dates, if an undated return has another date without the load.
    """

    entering: pl.DataFrame
    leaving: Mapping[str, Positions]


def earlier_states(
    table: StoredTable, side: StoredTable, load: LoadFacts, drops: Mapping[str, list[Positions]]
) -> EarlierStates:
    """Return the rows that the undo of a load restores.

    Parameters
    ----------
    table, side
        The table, and the table of its replaced rows.
    load
        The load to undo.
    drops
        File name to the positions of the load's rows in the file.
    """
    empty = pl.DataFrame(schema=table.schema)
    if not side.exists:
        return EarlierStates(empty, {})
    loads = loads_frame(history([table]), [load.load_id])
    kept = aligned(side.scan().collect(), state_schema(table.schema))
    mine = (pl.col("load_id") == load.load_id) | (pl.col(REPLACED_BY) == load.load_id)
    dropped = [read_file(table.folder / name, [ORDER])[ORDER].gather(where) for name, [where] in drops.items()]
    orders = pl.concat([kept.filter(mine)[ORDER], *dropped]).unique()
    of_orders = pl.col(ORDER).is_in(orders.implode()) & in_scope(load.source, table.name)
    kept = kept.filter(of_orders & (pl.col("load_id") != load.load_id))
    staying = _present(table, of_orders, drops)
    in_force = loads.filter("in_force")["load_id"].implode()
    kept = of_loads_in_force(kept, loads)
    kept = kept.join(loads.select("load_id", "moment", "number"), on="load_id", how="left", maintain_order="left")
    # A row without KNOWN_FROM was replaced because its file was loaded again. It is restored only if that later load is
    # undone too.
    kept = kept.filter(pl.col(KNOWN_FROM).is_not_null() | ~pl.col(REPLACED_BY).is_in(in_force))
    kept = kept.with_columns(pl.col(KNOWN_FROM).fill_null(pl.col("moment")))
    returns = kept.join(_last_states(kept, in_force), on=[ORDER, KNOWN_FROM, REPLACED_BY], how="semi", nulls_equal=True)
    returns = returns.join(staying, on=ORDER, how="anti", maintain_order="left")
    rest = kept.join(returns, on=[ORDER, KNOWN_FROM, REPLACED_BY], how="anti", nulls_equal=True, maintain_order="left")
    back = returns.select(table.schema.names())
    dated = present_rows(
        pl.concat([staying.drop(FILE, POSITION), back]), rest.select(state_schema(table.schema).names()), loads
    )
    columns = table.schema.names()
    dated = dated.select(columns)
    of_redated = pl.col(ORDER).is_in(redated_orders(dated, staying.select(columns)).implode())
    leaving, entering = staying.filter(of_redated), dated.filter(of_redated)
    places = {str(name): part[POSITION].to_numpy() for (name,), part in leaving.group_by(FILE, maintain_order=True)}
    return EarlierStates(entering, places)


def _last_states(kept: pl.DataFrame, in_force: pl.Series) -> pl.DataFrame:
    """Return order, ``known_from`` and replacing load of each order's last state.

    Orders whose last state was replaced by a load in force are omitted.
    """
    last = (
        kept.sort(KNOWN_FROM, "number", nulls_last=False)
        .group_by(ORDER)
        .agg(pl.col(KNOWN_FROM).last(), pl.col(REPLACED_BY).last())
    )
    return last.filter(~pl.col(REPLACED_BY).is_in(in_force))


def _present(table: StoredTable, chosen: pl.Expr, drops: Mapping[str, list[Positions]]) -> pl.DataFrame:
    """Return the rows of the table that meet ``chosen`` and are not at the positions ``drops``, with their places."""
    found = [pl.DataFrame(schema={**table.schema, FILE: pl.String(), POSITION: pl.Int64()})]
    for file in table.files:
        ids = read_file(table.folder / file.name, [ORDER, "source"]).with_row_index(POSITION)
        positions = ids.filter(chosen)[POSITION].cast(pl.Int64).to_numpy()
        if file.name in drops:
            positions = np.setdiff1d(positions, np.concatenate(drops[file.name]))
        if len(positions):
            rows = aligned(read_rows(table.folder / file.name, positions), table.schema)
            found.append(
                rows.with_columns(pl.lit(file.name).alias(FILE), pl.Series(POSITION, positions, dtype=pl.Int64))
            )
    return pl.concat(found)


def rows_to_drop(table: StoredTable, side: StoredTable, load_id: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return a function that selects the rows to remove from the side table after an undo.

    These are the rows of the undone load, and the rows that the undo has restored to the table.
    """
    ids = side.scan().select(ORDER).unique()
    there = table.scan().select(ORDER, "load_id").join(ids, on=ORDER, how="semi").unique().collect()

    def gone(rows: pl.DataFrame) -> pl.DataFrame:
        mine = rows.filter(pl.col("load_id") == load_id)
        others = rows.filter(pl.col("load_id") != load_id)
        return pl.concat([mine, others.join(there, on=[ORDER, "load_id"], how="semi")])

    return gone
