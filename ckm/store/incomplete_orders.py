"""Orders of a file that lack lines or amounts, completed from the known rows of the same orders.

A page of an export may lack lines of an order, and a file may lack the columns of discounts or refunds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import polars as pl

from ckm.schema import is_refund_of_line
from ckm.store.order_states import ORDER, STORED_AMOUNTS
from ckm.store.undated_returns import ROW

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckm.store.order_states import OrderReading

OF_LINE = (ORDER, "line_no")


class OrderAmounts(Protocol):
    """Functions for order amounts, which are spread over all lines of an order."""

    def spread_again(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with order amounts spread over all lines of each order.

        If several lines have amounts of the order, those of the first line apply.
        """
        ...

    def whole_orders(self, rows: pl.DataFrame) -> pl.Series:
        """Return the ids of orders whose lines in ``rows`` add up to the total that the source states."""
        ...

    def cut_orders(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the orders whose stated total exceeds the sum of their lines in ``rows``."""
        ...

    def has_order_amounts(self) -> pl.Expr:
        """Return an expression: whether a line has stored amounts of its order."""
        ...

    def with_known_amounts(self, new: pl.DataFrame, known: pl.DataFrame, columns: Collection[str]) -> pl.DataFrame:
        """Return the orders that keep known discounts or refunds, because the file has no column for them.

        The result has the lines of these orders with those amounts, and their known refund rows.
        """
        ...

    def without_refunds(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows without refund rows, and without refunds in their stored amounts."""
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
    """Complete the orders of a file with known lines that the file lacks, because they are on another page.

    Only orders with order amounts are completed, because these are spread over all lines. ``known`` has the columns of
    ``new``, except ``ROW`` and places in files.
    """
    nothing = Completed(new, pl.Series(ORDER, [], dtype=pl.String), pl.Series(ORDER, [], dtype=pl.String))
    if amounts is None or STORED_AMOUNTS not in known.columns:
        return nothing
    is_line = ~is_refund_of_line()
    lines, their_lines = new.filter(is_line), known.filter(is_line)
    missing = their_lines.join(lines, on=OF_LINE, how="anti", maintain_order="left")
    orders = missing[ORDER].unique().sort()
    if reading.whole:
        orders = orders.filter(orders.is_in([*reading.edges]))
    orders = _numbered_with_amounts(lines, their_lines, orders)
    if orders.is_empty():
        return nothing
    mine = pl.col(ORDER).is_in(orders.implode())
    staying = pl.concat([missing.filter(mine), known.filter(mine & ~is_line)])
    rows = _spread_again(new, pl.concat([new.filter(mine).select(known.columns), staying]), amounts)
    changed = pl.concat(
        [lines.join(their_lines, on=OF_LINE, how="semi")[ORDER], amounts.whole_orders(known.filter(mine))]
    )
    return Completed(rows, orders, orders.filter(~orders.is_in(changed.implode())))


class WithKnownAmounts(NamedTuple):
    """New rows in which columns that the file lacks have known amounts, and the ids of the orders with such amounts."""

    rows: pl.DataFrame
    orders: pl.Series


def with_known_amounts(
    new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, amounts: OrderAmounts | None
) -> WithKnownAmounts:
    """Spread known discounts and refunds over the lines of orders, if the file has no column for these amounts.

    ``known`` has the columns of ``new``, except ``ROW`` and places in files.
    """
    nothing = WithKnownAmounts(new, pl.Series(ORDER, [], dtype=pl.String))
    if amounts is None or reading.amounts is None or STORED_AMOUNTS not in known.columns:
        return nothing
    orders = _numbered_with_amounts(new, known, new[ORDER].unique())
    mine = pl.col(ORDER).is_in(orders.implode())
    found = amounts.with_known_amounts(new.filter(mine).select(known.columns), known.filter(mine), reading.amounts)
    return nothing if found.is_empty() else WithKnownAmounts(_spread_again(new, found, amounts), found[ORDER].unique())


def _numbered_with_amounts(new: pl.DataFrame, known: pl.DataFrame, orders: pl.Series) -> pl.Series:
    """Return those of ``orders`` whose rows all have a line number, and some row of which has amounts of the order."""
    both = pl.concat([rows.select(*OF_LINE, STORED_AMOUNTS) for rows in (new, known)])
    both = both.filter(pl.col(ORDER).is_in(orders.implode()))
    both = both.group_by(ORDER).agg(pl.col("line_no").null_count(), pl.col(STORED_AMOUNTS).count())
    return both.filter((pl.col("line_no") == 0) & (pl.col(STORED_AMOUNTS) > 0))[ORDER].sort()


def _spread_again(new: pl.DataFrame, parts: pl.DataFrame, amounts: OrderAmounts) -> pl.DataFrame:
    """Return ``new`` with the rows of some orders replaced by ``parts``, with order amounts spread over their lines.

    Rows that are not in ``new`` get numbers (``ROW``) above those of the file.
    """
    spread = amounts.spread_again(parts).join(new.select(*OF_LINE, ROW), on=OF_LINE, how="left", maintain_order="left")
    beyond = pl.int_range(pl.len(), dtype=pl.Int64) + new[ROW].cast(pl.Int64).max() + 1
    spread = spread.with_columns(pl.col(ROW).cast(pl.Int64).fill_null(beyond).cast(new.schema[ROW]))
    others = new.filter(~pl.col(ORDER).is_in(parts[ORDER].unique().implode()))
    return pl.concat([others, spread], how="diagonal")
