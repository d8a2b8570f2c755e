"""States of orders: a later export replaces the state of an order from an earlier export as a whole.

A *state* of an order is all rows of the order as of one load. A state is known from the newest ``updated_at`` of its
rows on, else from the moment of its load on (:mod:`ckm.store.order_moments`). An order's first state is known from the
order's own day on. Earlier states are moved to ``TABLE_replaced``, where the rows of a state have ``known_from``.

Lines are identified within an order by ``line_no``, else by ``product_id``, else by their place; sales and returns of
one product are different lines. All functions take and return frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.schema import RETURN_SUFFIX, is_refund_of_line
from ckm.store.side_tables import REPLACED_BY
from ckm.store.undated_returns import ROW, date_by_order, date_returns, is_undated

if TYPE_CHECKING:
    from collections.abc import Collection

ORDER = "order_id"
UPDATED_AT = "updated_at"
STORED_AMOUNTS = "order_amounts"
"""Column with a line's amounts as in its file, before order amounts are spread; not compared between states."""
KNOWN_FROM = "known_from"
"""Column of ``TABLE_replaced``: the moment of a state; null for other replaced rows (of a file loaded again)."""
BESIDE = (UPDATED_AT, STORED_AMOUNTS)
"""Columns in which two equal lines may differ."""
MOMENT = pl.Datetime("us", "UTC")
LEAST_UNIT = 0.001
"""Smallest unit of a currency, in main units (fils)."""
LINEAGE = ("source", "source_file", "source_row", "load_id", "repeat_no")
"""Columns of a row's origin; they are not part of its content."""
SIDE, CLASS, LINE, NTH, EQUAL, PAIRED = " side", " class", " line", " nth", " equal", " paired"
RANK, IN_TABLE = " rank", " in table"
"""Helper columns; Delta does not allow such names in a table."""
OF_LINE = (ORDER, CLASS, LINE, NTH)


def is_return() -> pl.Expr:
    """Return whether a line is a return or has a negative amount."""
    return (pl.col("type") == "return") | (pl.col("net") < 0)


@dataclass(frozen=True)
class OrderReading:
    """Options for reading the orders of a file.

    Attributes
    ----------
    columns
        Columns of the file; in other columns, new rows get the values of the known ones.
    whole
        Whether the source of the file declares that a file has all lines of its orders.
    edges
        First and last order of the file, which a page may have cut.
    several
        Whether any order has several lines in the file.
    earlier
        Whether the file is an older export: returns that it lacks were made later, and each of its orders is a state of
        its own, even if it equals the known state.
    refunds
        Whether the records contain the refunds of their lines; otherwise known refunds stay.
    amounts
        Columns of discounts, refunds and order amounts in the file; None if no earlier file had more of them.
    """

    columns: frozenset[str]
    whole: bool = False
    edges: frozenset[str] = frozenset()
    several: bool = True
    earlier: bool = False
    refunds: bool = True
    amounts: frozenset[str] | None = None


@dataclass(frozen=True)
class Comparison:
    """Result of the comparison of a file's orders with known orders.

    Attributes
    ----------
    states
        All rows of the orders that changed, in their new states.
    changed, partial
        Ids of the orders that changed, and of those changed orders that keep known lines, because the file lacks them.
    updated, unchanged
        Positions (``ROW``) of the new rows that replace a known line, and of the new rows that equal a known line.
    """

    states: pl.DataFrame
    changed: pl.Series
    partial: pl.Series
    updated: pl.Series
    unchanged: pl.Series


def compare(new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading, states: pl.DataFrame) -> Comparison:
    """Compare the orders of a file with the known rows of the same orders.

    Parameters
    ----------
    new, known
        Rows of the file and known rows; ``new`` also has ``ROW``, and is in file order.
    reading
        Options for reading the file.
    states
        One row per order: ``order_id``, ``at`` (the moment of the new state) and other columns that are constant in a
        state.
    """
    columns = known.columns
    if not reading.several and ("line_no" not in reading.columns or new["line_no"].null_count()):
        reading = replace(reading, edges=frozenset())  # each order has one line, and no column identifies lines
    lines = _lines(new.filter(~is_undated()), known.filter(~is_undated()), reading)
    mine, theirs = lines.filter(SIDE).drop(SIDE), lines.filter(~pl.col(SIDE)).drop(SIDE, ROW)
    compared = [name for name in columns if name in reading.columns and name not in (*LINEAGE, *BESIDE)]
    absent = [name for name in columns if name not in reading.columns and name not in LINEAGE]
    pairs = mine.join(theirs, on=OF_LINE, how="left", suffix=" known", maintain_order="left")
    pairs = pairs.with_columns(pl.col("load_id known").is_not_null().alias(PAIRED))
    if "discount" in absent:
        pairs = pairs.with_columns(_net_with_known_discount().alias("net"))
    pairs = pairs.with_columns((pl.col(PAIRED) & _equal_values(compared)).alias(EQUAL))
    pairs = pairs.with_columns(pl.col(f"{name} known").alias(name) for name in absent)
    returns = date_returns(new.filter(is_undated()), known.filter(is_undated()), states)
    missing = pl.concat(
        [theirs.join(mine, on=OF_LINE, how="anti", maintain_order="left").select(columns), returns.missing]
    )
    edges = missing[ORDER].is_in([*reading.edges])
    may_stay = edges if reading.whole else pl.repeat(True, len(missing), eager=True)
    may_stay &= ~_refunds_of_present_lines(missing, mine)
    if reading.earlier:
        may_stay &= missing.select(~is_return()).to_series()
    may_stay |= _refunds_not_in_file(missing, new, reading)
    leaving, staying = missing.filter(~may_stay), missing.filter(may_stay)
    changed = pl.concat([pairs.filter(~pl.col(EQUAL))[ORDER], returns.changed, leaving[ORDER]])
    changed = (new[ORDER] if reading.earlier else changed).unique().sort()
    of_changed = pl.col(ORDER).is_in(changed.implode())
    parts = [part.filter(of_changed).select(columns) for part in (pairs, returns.rows, staying)]
    return Comparison(
        with_state(pl.concat(parts), states),
        changed,
        parts[-1][ORDER].unique().sort(),
        pl.concat([pairs.filter(pl.col(PAIRED) & ~pl.col(EQUAL))[ROW], returns.updated]),
        pl.concat([pairs.filter(EQUAL)[ROW], returns.unchanged]),
    )


def _refunds_not_in_file(missing: pl.DataFrame, new: pl.DataFrame, reading: OrderReading) -> pl.Series:
    """Return, for known rows that the file lacks, whether they are refunds that stay.

    A refund stays if the file has no refund columns and does not cancel the order.
    """
    if reading.refunds:
        return pl.repeat(False, len(missing), eager=True)
    settled = new.filter(is_refund_of_line() | (pl.col("type") == "cancel"))[ORDER].unique()
    return missing.select(is_refund_of_line() & ~pl.col(ORDER).is_in(settled.implode())).to_series()


def _refunds_of_present_lines(missing: pl.DataFrame, mine: pl.DataFrame) -> pl.Series:
    """Return, for known rows that the file lacks, whether they are refunds of a line that the file has (``mine``)."""
    line = pl.col("line_no").str.strip_suffix(RETURN_SUFFIX)
    here = mine.filter(~is_return()).select(ORDER, "line_no").unique().with_columns(pl.lit(value=True).alias(PAIRED))
    found = missing.select(ORDER, is_return() & (line != pl.col("line_no")), line_no=line)
    found = found.join(here, on=[ORDER, "line_no"], how="left", maintain_order="left")
    return found.select((pl.nth(1) & pl.col(PAIRED)).fill_null(value=False)).to_series()


def _lines(new: pl.DataFrame, known: pl.DataFrame, reading: OrderReading) -> pl.DataFrame:
    """Return new and known rows (``SIDE`` is true for new ones) with the columns that identify lines (``OF_LINE``).

    Lines without number and product are identified by their place, or by their content if lines may be missing.
    """
    sides = [rows.with_columns(pl.lit(here).alias(SIDE)) for rows, here in ((new, True), (known, False))]
    both = pl.concat(sides, how="diagonal").with_columns(is_return().alias(CLASS))
    both = both.with_columns(_line(both, reading, known.columns).alias(LINE))
    if not both.select(pl.struct(ORDER, CLASS, LINE, SIDE).is_duplicated().any()).item():
        return both.with_columns(pl.lit(0, dtype=pl.Int64).alias(NTH))
    return both.with_columns(pl.int_range(pl.len()).over(ORDER, CLASS, LINE, SIDE).alias(NTH))


def _line(both: pl.DataFrame, reading: OrderReading, columns: Collection[str]) -> pl.Expr:
    """Return an expression: the identifier of a line within its order (its number, product or content)."""
    numbered, named = pl.lit("line ") + pl.col("line_no"), pl.lit("product ") + pl.col("product_id")
    if "line_no" in reading.columns and not both["line_no"].null_count():
        return numbered

    def known_throughout(name: str) -> pl.Expr:
        there = pl.lit(name in reading.columns)
        return there & pl.col(name).is_not_null().all().over(ORDER, CLASS)

    content = [name for name in columns if name in reading.columns and name not in (*LINEAGE, *BESIDE)]
    rows = pl.col(SIDE).sum().over(ORDER, CLASS)
    some_missing = (rows < pl.len().over(ORDER, CLASS) - rows) | pl.col(ORDER).is_in([*reading.edges])
    return (
        pl.when(known_throughout("line_no"))
        .then(numbered)
        .when(known_throughout("product_id"))
        .then(named)
        .when(some_missing)
        .then(pl.struct(content).hash(0).cast(pl.String))
        .otherwise(pl.lit(""))
    )


def _net_with_known_discount() -> pl.Expr:
    """Return the known ``net`` of lines whose new ``net`` is larger by exactly the known discount, else the new one."""
    discount = pl.col("discount known")
    is_gross = (discount > 0) & ((pl.col("net") - pl.col("net known") - discount).abs() < LEAST_UNIT / 2)
    return pl.when(is_gross).then("net known").otherwise("net")


def _equal_values(compared: Collection[str]) -> pl.Expr:
    return pl.all_horizontal(
        pl.lit(value=True), *(pl.col(name).eq_missing(pl.col(f"{name} known")) for name in compared if name != ORDER)
    )


def with_state(rows: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows``; columns that ``states`` has too, such as ``load_id``, get the value of the order there."""
    names = [name for name in states.columns if name in rows.columns and name != ORDER]
    found = rows.drop(names).join(states.select(ORDER, *names), on=ORDER, how="left", maintain_order="left")
    return found.select(rows.columns)


def contents(rows: pl.DataFrame, columns: Collection[str], state: Collection[str] = (ORDER,)) -> pl.DataFrame:
    """Return a hash per state over ``columns`` of its rows; states with equal hashes have equal content.

    ``state`` are the columns that identify a state; the dates of undated returns do not count.
    """
    compared = [name for name in columns if name not in (*LINEAGE, *BESIDE, "ordered_at", "dated_by")]
    day = pl.when(~is_undated()).then("ordered_at").alias("ordered_at")
    hashes = rows.select(*state, pl.struct(*compared, day).hash(1).alias(LINE))
    return hashes.group_by(state).agg(pl.col(LINE).sort().implode().hash(2).sum().alias(EQUAL))


def state_moments(rows: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    """Return, for each order of ``rows``, ``order_id`` and the moment ``at`` of the state (null: unknown).

    ``loads`` has ``load_id`` and ``moment``.
    """
    of_loads = rows.join(loads.select("load_id", "moment"), on="load_id", how="left", maintain_order="left")
    updated = pl.col(UPDATED_AT).max() if UPDATED_AT in rows.columns else pl.lit(None, dtype=MOMENT)
    return of_loads.group_by(ORDER).agg(at=updated.fill_null(pl.col("moment").max()))


def chained(present: pl.DataFrame, replaced: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    """Return all states of some orders in sequence, with the dates of undated returns recomputed.

    Parameters
    ----------
    present, replaced
        Rows in the table, and states in ``TABLE_replaced`` (with ``known_from``), of the same orders.
    loads
        ``load_id``, ``moment`` and ``number`` (the sequence of the loads).

    Returns
    -------
    Rows with ``at``, ``RANK`` (0 for an order's first state) and ``IN_TABLE``.
    """
    here = present.join(state_moments(present, loads), on=ORDER, how="left", maintain_order="left")
    here = here.with_columns(pl.lit(value=True).alias(IN_TABLE))
    earlier = replaced.with_columns(at=pl.col(KNOWN_FROM)).with_columns(pl.lit(value=False).alias(IN_TABLE))
    rows = pl.concat([earlier, here], how="diagonal")
    rows = rows.join(loads.select("load_id", "number"), on="load_id", how="left", maintain_order="left")
    # Rows in the table, and rows that were replaced together, form one state even if they are from different loads.
    of_state = [ORDER, IN_TABLE, "at", REPLACED_BY]
    states = rows.group_by(of_state).agg(pl.col("number").max())
    states = states.sort(ORDER, "at", IN_TABLE, "number", nulls_last=False)
    states = states.with_columns(pl.int_range(pl.len()).over(ORDER).alias(RANK)).drop("number")
    rows = rows.join(states, on=of_state, how="left", nulls_equal=True, maintain_order="left")
    return _dated(rows.drop("number"))


def _dated(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows whose undated returns are dated, state by state, from the returns of the preceding state."""
    if rows.is_empty() or not rows.select(is_undated().any()).item():
        return rows
    rows = date_by_order(rows, [ORDER, RANK])
    before = rows.filter(pl.col(RANK) == 0)
    done = [before]
    of_state = [KNOWN_FROM, REPLACED_BY, "load_id", RANK, IN_TABLE, "at"]
    for rank in sorted(set(rows[RANK]) - {0}):
        now = rows.filter(pl.col(RANK) == rank)
        states = now.group_by(ORDER, maintain_order=True).agg(pl.col(of_state).first())
        dated = date_returns(
            now.filter(is_undated()).with_row_index(ROW),
            before.filter(is_undated()).join(states, on=ORDER, how="semi", maintain_order="left"),
            states,
        )
        before = pl.concat([now.filter(~is_undated()), dated.rows.select(now.columns)])
        done.append(before)
    return pl.concat(done)
