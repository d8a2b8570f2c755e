"""Lists of customers for a report: with names, or with pseudonyms for ids that are an address or number."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.pseudonym import shown_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm.metrics.metric import Metric, Metrics
    from ckm.metrics.slices import Dimension


def shown_customers(customers: pl.DataFrame, tables: Mapping[str, pl.LazyFrame], *, names: bool) -> pl.DataFrame:
    """Return a list of customers for a report.

    Parameters
    ----------
    customers
        List with the column ``customer_id``.
    tables
        Source tables; ``customers`` may have the column ``display_name``.
    names
        Whether to add ``display_name`` where the data have it, and keep the ids. Otherwise an id that is an e-mail
        address or a telephone number is replaced by its pseudonym.
    """
    if not names:
        return customers.with_columns(shown_ids(customers["customer_id"]))
    table = tables.get("customers")
    if table is None or "display_name" not in table.collect_schema():
        return customers
    by_id = table.select(pl.col("customer_id").cast(pl.String), "display_name").unique("customer_id", keep="any")
    return customers.lazy().join(by_id, on="customer_id", how="left", maintain_order="left").collect()


def shown_slices(metrics: Metrics, dimension: Dimension | None, *, names: bool) -> Iterator[Metric]:
    """Yield the metrics; without ``names``, slices whose name is an address (an account owner) have a pseudonym."""
    for each in metrics:
        first = each.slice[0] if each.slice else None
        if names or dimension is None or first is None or first[0] != dimension.column:
            yield each
        else:
            yield replace(each, slice=((first[0], dimension.shown(first[1])), *each.slice[1:]))
