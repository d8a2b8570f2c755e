"""Result of a segmentation: customers, segments, checks and remarks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from ckm._segment.summary import summarise
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.schema import NO_CURRENCY
from ckm.wording import counted

if TYPE_CHECKING:
    from datetime import date

    from ckm._segment.definition import Detail
    from ckm._segment.definition_file import SavedDefinition
    from ckm._segment.moves import Moves
    from ckm.customers.excluded_rows import LeftOut
    from ckm.customers.features import FeatureTable
    from ckm.settings import PrivacySettings

AMOUNTS = ("monetary", "revenue", "revenue_share", "average_order_value", "currency")
"""Columns that are null if no amounts are known."""
_BASE_COLUMNS = ("recency_days", "frequency", "monetary", "currency")


@dataclass(frozen=True)
class Segmentation(Result):
    """Customers with segments, the summary of segments, and further information for the reader.

    Attributes
    ----------
    customers
        One row per customer, sorted by ``customer_id``: customer_id, segment; further columns of the method (rfm:
        r_score, f_score, m_score, Int8, 1 is the worst); recency_days (Int64, last purchase day to ``as_of``),
        frequency (Int64, purchase days), monetary (Float64, net of returns), currency; the features behind the segment;
        previous_segment and cause (null without an earlier run; the cause is also null without a change).
    summary
        One row per segment, best first: see :func:`ckm._segment.summary.summarise`.
    as_of
        As-of date; later rows are not used.
    definition
        Definition of the segments.
    left_out
        Rows that were not used, with the reason.
    remarks
        Remarks for the user, as sentences.
    details
        Tables with details of the method's result.
    kept
        One row per customer, which is saved for comparison with a later run: customer_id, segment, rows (number of used
        rows), net_total.
    written
        Number of customers whose rows were written to a file by partitions, and are not in ``customers``; None if none
        were.
    moves
        Segment changes since an earlier run; None without one.
    privacy
        Quasi-identifiers and minimum group size, for :meth:`save`.
    """

    customers: pl.DataFrame
    summary: pl.DataFrame
    as_of: date
    definition: SavedDefinition
    left_out: LeftOut
    remarks: tuple[str, ...]
    details: tuple[Detail, ...]
    kept: pl.DataFrame
    moves: Moves | None = None
    written: int | None = None
    privacy: PrivacySettings | None = field(default=None, repr=False, compare=False)

    @property
    def frame(self) -> pl.DataFrame:
        """The customers."""
        return self.customers

    @property
    def currency(self) -> str:
        """Currency of all amounts."""
        return self.definition.currency

    @property
    def money_known(self) -> bool:
        """Whether the transactions have amounts."""
        return self.currency != NO_CURRENCY

    def since(self, moves: Moves) -> Segmentation:
        """Return the result with ``previous_segment`` and ``cause`` of every customer, from ``moves``."""
        return replace(self, customers=with_moves(self.customers, moves), moves=moves)

    def saying(self, *remarks: str, details: tuple[Detail, ...] = ()) -> Segmentation:
        """Return the result with further remarks."""
        return replace(self, remarks=(*self.remarks, *remarks), details=(*self.details, *details))


def with_moves(customers: pl.DataFrame, moves: Moves) -> pl.DataFrame:
    """Return rows of customers with their previous segment and the cause of a change."""
    return customers.drop("previous_segment", "cause").join(
        moves.customers.drop("segment"), on="customer_id", how="left", maintain_order="left"
    )


def segmented(saved: SavedDefinition, table: FeatureTable) -> Segmentation:
    """Return the segmentation of the customers of ``table`` by the definition.

    Parameters
    ----------
    saved
        The definition.
    table
        Customers with the features that the definition needs, computed with its monetary value and population.
    """
    assigned = saved.definition.assign(table.frame)
    kept = pl.concat([table.frame.select("customer_id"), assigned.select("segment")], how="horizontal")
    return segmentation(
        saved,
        table,
        assigned,
        customers=customer_rows(saved, table, assigned),
        kept=kept.with_columns(table.frame["rows"], table.frame["net_total"]),
    )


def customer_rows(saved: SavedDefinition, table: FeatureTable, assigned: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of customers, with the columns of :attr:`Segmentation.customers`.

    ``assigned`` is the result of the definition for ``table``.
    """
    features = table.frame.with_columns(currency=pl.lit(table.currency))
    behind = (name for name in saved.definition.needs if name not in (*_BASE_COLUMNS, *assigned.columns))
    customers = pl.concat(
        [features.select("customer_id"), assigned, features.select(*_BASE_COLUMNS, *behind)], how="horizontal"
    )
    if table.currency == NO_CURRENCY:
        customers = _without_amounts(customers)
    return customers.with_columns(previous_segment=pl.lit(None, pl.String), cause=pl.lit(None, pl.String))


def segmentation(
    saved: SavedDefinition, table: FeatureTable, assigned: pl.DataFrame, *, customers: pl.DataFrame, kept: pl.DataFrame
) -> Segmentation:
    """Return the result of a segmentation, with the summary and the remarks.

    Parameters
    ----------
    saved
        The definition.
    table
        Customers with the features of the summary: net_total, purchases_total, orders, recency_days, last_purchase.
    assigned
        Result of the definition for these customers.
    customers, kept
        See :class:`Segmentation`.
    """
    definition = saved.definition
    money_known = table.currency != NO_CURRENCY
    buyers = table.frame.height - table.frame["last_purchase"].null_count()
    summary = summarise(assigned["segment"], definition, table)
    remarks: list[str] = [
        basis(
            f"as of {table.as_of}: {counted(buyers, 'customer')} with a purchase, "
            + (f"money in {table.currency}" if money_known else "amounts not known")
        ),
        *table.left_out.remarks,
        *(remark for remark in table.remarks if any(name in remark for name in definition.needs)),
        *definition.remarks(assigned),
    ]
    if not money_known:
        summary = _without_amounts(summary)
        if "monetary" in definition.needs:
            remarks.append(doubt("no amounts are known: the monetary score is of the number of order lines"))
    elif summary["revenue_share"].null_count():
        remarks.append(doubt("the total of all amounts is not positive: there are no shares of revenue"))
    return Segmentation(
        customers=customers,
        summary=summary,
        as_of=table.as_of,
        definition=saved,
        left_out=table.left_out,
        remarks=tuple(remarks),
        details=definition.details(),
        kept=kept,
    )


def _without_amounts(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in AMOUNTS if name in frame)
