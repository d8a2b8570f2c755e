"""Metrics of every slice of a dimension: ``--by country``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckm._segment.lifecycle.definition import STATES
from ckm.errors import UnknownNameError, UsageError
from ckm.metrics.changes import change_metrics
from ckm.metrics.concentration import concentration_metrics
from ckm.metrics.dimensions import customer_dimension, customer_values
from ckm.metrics.loyalty_matrix import loyalty_metrics
from ckm.metrics.metric import Metric
from ckm.metrics.relationships import relationship_metrics
from ckm.metrics.satisfaction import satisfaction_metrics
from ckm.pseudonym import shown_id
from ckm.schema import TABLES, Exposure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ckm.metrics.context import ReportContext
    from ckm.metrics.lifecycle import Lifecycle
    from ckm.metrics.ratings import Ratings

    Mask = NDArray[np.bool_]

PROSPECT = "prospect"
"""Stage of customers without a purchase; slices are of customers with one."""
CUSTOMERS, TRANSACTIONS = "customers", "transactions"
SHARED = (Exposure.group, Exposure.personal)
"""Kinds of columns that divide customers or rows; other columns identify one customer or document, or are amounts or
times."""
LINEAGE = ("source_file", "source_row", "load_id", "repeat_no")
"""Columns of the store with the origin of a row."""


@dataclass(frozen=True)
class Dimension:
    """Dimension of ``--by``: a column of one of the tables."""

    column: str
    table: str

    def shown(self, value: str) -> str:
        """Return the text for a value in a report without names: a pseudonym for an address in a personal column."""
        return value if TABLES[self.table].exposure(self.column) is Exposure.group else shown_id(value)

    @property
    def of_rows(self) -> str | None:
        """The column if it is in the transactions (see :func:`ckm.customers.ledger_reader.read_ledger`); else None."""
        return self.column if self.table == TRANSACTIONS else None


def find_dimension(tables: Mapping[str, pl.LazyFrame], by: str) -> Dimension:
    """Return the dimension with the name ``by``: a column of the customers, or else of the transactions.

    Raises
    ------
    UsageError
        The column is missing (a similar one is suggested), or it identifies single customers or contains amounts or
        times.
    """
    columns = {name: tables[name].collect_schema().names() for name in (CUSTOMERS, TRANSACTIONS) if name in tables}
    for table, names in columns.items():
        if by in names and by in _fit(table, names):
            return Dimension(by, table)
    known = list(dict.fromkeys(name for table, names in columns.items() for name in _fit(table, names)))
    if any(by in names for names in columns.values()):
        raise UsageError(
            f"'{by}' parts the customers into no groups: it names single ones, or is an amount or a time",
            hint=f"there are: {', '.join(known)}",
            name=by,
        )
    raise UnknownNameError("column", by, known)


def _fit(table: str, names: list[str]) -> list[str]:
    return [name for name in names if TABLES[table].exposure(name) in SHARED and name not in LINEAGE]


def slice_contexts(context: ReportContext, dimension: Dimension) -> Iterator[tuple[str, ReportContext]]:
    """Yield the slices and the context of each, largest revenue first.

    At most eight, then ``other`` and ``(none)``. A slice by a customer column contains customers with all their rows. A
    slice by a transaction column contains rows, so that a customer may be in several slices and new in each.

    Parameters
    ----------
    context
        Context whose ledger was read with :attr:`Dimension.of_rows`.
    dimension
        Result of :func:`find_dimension`.
    """
    for value, part, _ in _slices(context, dimension):
        yield value, part


def _slices(context: ReportContext, dimension: Dimension) -> Iterator[tuple[str, ReportContext, Mask | None]]:
    """Yield each slice, its context, and a mask of its customers (None for slices of transactions)."""
    ledger = context.ledger
    # party types within a slice would be too small to be shown, so the table is left out
    bare = replace(context, tables={name: table for name, table in context.tables.items() if name != CUSTOMERS})
    if dimension.of_rows is not None:
        yield from ((value, replace(bare, ledger=part), None) for value, part in ledger.parts.items())
        return
    revenue = ledger.net_between(context.period) + ledger.net_between(context.compared)
    part = customer_dimension(dimension.column, customer_values(context, dimension.column), revenue)
    for value in part.values:
        chosen = part.chosen(value)
        yield value, bare.only(chosen), chosen


def slice_metrics(
    context: ReportContext, dimension: Dimension, lifecycle: Lifecycle | None = None, ratings: Ratings | None = None
) -> tuple[Metric, ...]:
    """Return the metrics of every slice, with ``(column, value)`` first in their slice.

    The repeated metrics are revenue and its change, customers and orders, concentration and satisfaction. If the slices
    divide customers, life cycle stages and the loyalty matrix are added, which belong to a customer and not to rows.
    Missing metrics are omitted; the reason is given for the whole report. Small groups are still included:
    :func:`ckm.metrics.cell_suppression.hide_small` suppresses them.

    Parameters
    ----------
    context, dimension
        See :func:`slice_contexts`.
    lifecycle, ratings
        Life cycle and ratings of all customers, if computed already.
    """
    found: list[Metric] = []
    for value, part, chosen in _slices(context, dimension):
        inside = None if ratings is None else ratings.of(context.ledger.customers, part.ledger.customers)
        sections = [change_metrics(part, parts=()), relationship_metrics(part), concentration_metrics(part)]
        if inside is not None:
            sections.append(satisfaction_metrics(part, inside))
        metrics = [metric for of_section, _ in sections for metric in of_section]
        if lifecycle is not None and chosen is not None:
            states = _lifecycle(lifecycle, part, chosen)
            metrics += [*_states(states), *loyalty_metrics(part, states, inside)[1]]
        found += [metric.within(dimension.column, value) for metric in metrics]
    return tuple(found)


def _lifecycle(whole: Lifecycle, part: ReportContext, chosen: Mask) -> Lifecycle:
    """Return the stages of the customers ``chosen``, with the definition that was fitted on all customers."""
    earlier = None
    if whole.earlier is not None and part.before is not None:
        earlier = replace(whole.earlier, ledger=part.before.ledger, state=whole.earlier.state[chosen])
    return replace(whole, ledger=part.ledger, state=whole.state[chosen], earlier=earlier)


def _states(lifecycle: Lifecycle) -> Iterator[Metric]:
    for state in STATES:
        if state != PROSPECT:
            count, earlier = lifecycle.is_in(state).sum(), lifecycle.earlier
            previous = None if earlier is None else float(earlier.is_in(state).sum())
            yield Metric("lifecycle_stage", float(count), (("state", state),), previous=previous)
