"""Segment changes since the previous run, with their causes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import date

CAUSES = ("behaviour", "ageing", "definition", "new", "gone")
"""Causes of segment changes; see :func:`explain_moves`."""


@dataclass(frozen=True)
class Moves:
    """Segment changes of the customers since an earlier day.

    Attributes
    ----------
    customers
        One row per customer of either day, sorted by ``customer_id``: customer_id, previous_segment (null: new),
        segment (null: gone), cause (null: unchanged).
    matrix
        One row per pair of segments with customers: previous_segment, segment, customers, and of these by cause:
        behaviour, ageing, definition, new, gone.
    since
        Day of the previous run.
    """

    customers: pl.DataFrame
    matrix: pl.DataFrame
    since: date

    @property
    def remarks(self) -> list[str]:
        """Number of changes by cause, as one sentence."""
        known = self.customers.filter(pl.col("previous_segment").is_not_null() & pl.col("segment").is_not_null())
        by_cause = dict(self.customers["cause"].drop_nulls().value_counts().iter_rows())
        moved = sum(by_cause.get(cause, 0) for cause in CAUSES[:3])
        share = f" ({moved / known.height:.1%})" if known.height else ""
        causes = ", ".join(f"{by_cause.get(cause, 0):,} by {cause}" for cause in CAUSES[:3])
        others = "".join(f"; {by_cause[cause]:,} {cause}" for cause in CAUSES[3:] if cause in by_cause)
        return [f"since {self.since}: {moved:,} of {known.height:,} customers moved{share}: {causes}{others}"]


def explain_moves(before: pl.DataFrame, now: pl.DataFrame, *, since: date, order: tuple[str, ...]) -> Moves:
    """Return the segment changes between two runs, with the cause for each customer.

    The cause is the first of these that applies:

    new, gone
        The customer is not in the previous run; or not in this one (erased, or removed by a correction).
    definition
        By the previous definition, the customer would still be in the previous segment.
    behaviour
        Rows of the customer were added or changed, such as a purchase or a return.
    ageing
        Only time has passed.

    Parameters
    ----------
    before
        One row per customer: customer_id, segment, rows (used rows), net_total.
    now
        The same columns, and ``segment_before``: the customer's segment today by the definition of ``before``. If the
        definition is unchanged, it equals ``segment``, so that no change has the cause *definition*.
    since
        Day of ``before``.
    order
        Segments in the order of the summary; names that occur only in ``before`` follow.
    """
    both = (
        before.lazy()
        .rename({"segment": "previous_segment", "rows": "rows_then", "net_total": "net_then"})
        .join(now.lazy(), on="customer_id", how="full", coalesce=True)
        .with_columns(cause=_cause())
        .sort("customer_id")
        .collect()
    )
    names = [*order, *sorted(set(both["previous_segment"].drop_nulls()) - set(order))]
    places = pl.Enum(names)
    matrix = (
        both.lazy()
        .group_by("previous_segment", "segment")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            *((pl.col("cause") == cause).sum().cast(pl.Int64).alias(cause) for cause in CAUSES),
        )
        .sort(pl.col("previous_segment").cast(places), pl.col("segment").cast(places), nulls_last=True)
        .collect()
    )
    customers = both.select("customer_id", "previous_segment", "segment", "cause")
    return Moves(customers, matrix, since)


def _cause() -> pl.Expr:
    previous, segment = pl.col("previous_segment"), pl.col("segment")
    changed = (pl.col("rows") != pl.col("rows_then")) | (pl.col("net_total") != pl.col("net_then"))
    return (
        pl.when(previous.is_null())
        .then(pl.lit("new"))
        .when(segment.is_null())
        .then(pl.lit("gone"))
        .when(previous == segment)
        .then(pl.lit(None, pl.String))
        .when(pl.col("segment_before") == previous)
        .then(pl.lit("definition"))
        .when(changed)
        .then(pl.lit("behaviour"))
        .otherwise(pl.lit("ageing"))
    )
