"""Incomplete orders of a file, such as an order cut by a page, completed by their known lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import polars as pl

from ckm.schema import is_refund_of_line
from ckm.store.order_states import ORDER, ORDER_SAID
from ckm.store.undated_returns import ROW

if TYPE_CHECKING:
    from ckm.store.order_states import OrderReading


class OrderAmounts(Protocol):
    """Functions for order amounts, which are spread over all lines of an order."""

    def spread_again(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with order amounts spread over all lines of each order; the first amounts apply."""
        ...

    def whole_orders(self, rows: pl.DataFrame) -> pl.Series:
        """Return the ids of orders that are complete in the rows, by their own totals."""
        ...

    def cut_orders(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the orders whose totals exceed the goods in the rows."""
        ...

    def states_order_amounts(self) -> pl.Expr:
        """Return whether a line has an amount of its order."""
        ...

    def without_refunds(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows without refunds."""
        ...


@dataclass(frozen=True)
class Completed:
    """New rows of orders, and the known lines of incomplete orders.

    Attributes
    ----------
    rows
        New and known rows with ``ROW``; known rows have numbers above those of the file.
    orders
        Ids of the orders that were completed.
    joined
        Ids of the completed orders that only get more lines. Their known lines were incomplete and are not in the file,
        so the order itself did not change.
    """

    rows: pl.DataFrame
    orders: pl.Series
    joined: pl.Series


def completed(new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, amounts: OrderAmounts | None) -> Completed:
    """Complete orders with order amounts whose missing lines may be on another page.

    ``known`` has the columns of ``new``, except ``ROW`` and places in files.
    """
    nothing = Completed(new, pl.Series(ORDER, [], dtype=pl.String), pl.Series(ORDER, [], dtype=pl.String))
    if amounts is None or ORDER_SAID not in known.columns:
        return nothing
    of_line = [ORDER, "line_no"]
    is_line = ~is_refund_of_line()
    lines, their_lines = new.filter(is_line), known.filter(is_line)
    missing = their_lines.join(lines, on=of_line, how="anti", maintain_order="left")
    orders = missing[ORDER].unique().sort()
    if reading.whole:
        orders = orders.filter(orders.is_in([*reading.edges]))
    both = pl.concat([rows.select(*of_line, ORDER_SAID) for rows in (lines, their_lines)])
    both = both.filter(pl.col(ORDER).is_in(orders.implode()))
    both = both.group_by(ORDER).agg(pl.col("line_no").null_count(), pl.col(ORDER_SAID).count())
    orders = both.filter((pl.col("line_no") == 0) & (pl.col(ORDER_SAID) > 0))[ORDER].sort()
    if orders.is_empty():
        return nothing
    mine = pl.col(ORDER).is_in(orders.implode())
    staying = pl.concat([missing.filter(mine), known.filter(mine & ~is_line)])
    parts = pl.concat([new.filter(mine).select(known.columns), staying])
    spread = amounts.spread_again(parts).join(new.select(*of_line, ROW), on=of_line, how="left", maintain_order="left")
    beyond = pl.int_range(pl.len(), dtype=pl.Int64) + new[ROW].cast(pl.Int64).max() + 1
    spread = spread.with_columns(pl.col(ROW).cast(pl.Int64).fill_null(beyond).cast(new.schema[ROW]))
    rows = pl.concat([new.filter(~mine), spread], how="diagonal")
    changed = pl.concat(
        [lines.join(their_lines, on=of_line, how="semi")[ORDER], amounts.whole_orders(known.filter(mine))]
    )
    return Completed(rows, orders, orders.filter(~orders.is_in(changed.implode())))
