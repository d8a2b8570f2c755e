"""Dimensions that divide customers: columns of their table and saved segments, largest values first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._segment.library import ANALYSIS
from ckm.customers.ledger import NO_VALUE, OTHER
from ckm.customers.parties import PARTY_COLUMNS
from ckm.errors import InputError
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckm.metrics.context import ReportContext

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

MOST_VALUES = 8
"""Maximum number of values of a dimension with a separate slice; the others share one."""
OF_CUSTOMERS = ("party_type", "country")
"""Columns of the customers that can be drivers of a change; ``--by`` accepts any column."""
SEGMENT = "segment "
"""Prefix of dimensions that are saved segment definitions: ``segment rfm``."""


@dataclass(frozen=True)
class CustomerDimension:
    """Slices of the customers by one dimension; each customer is in one slice.

    Attributes
    ----------
    dimension
        Name of the dimension.
    values
        Names of the slices, largest revenue first; then ``other`` and ``(none)``, if they occur.
    place
        Index in ``values`` of each customer code (int16).
    """

    dimension: str
    values: tuple[str, ...]
    place: NDArray[np.int16]

    @property
    def is_consequence(self) -> bool:
        """Whether slices follow from purchases in the period, as saved segments do; such slices explain no change."""
        return self.dimension.startswith(SEGMENT)

    def sums(self, column: Integers) -> Integers:
        """Return the sum of ``column`` (one value per customer code) in each slice; integers stay exact."""
        sums = np.zeros(len(self.values), dtype=np.int64)
        np.add.at(sums, self.place, column)
        return sums

    def chosen(self, value: str) -> Mask:
        """Return whether each customer is in the slice ``value``, shape (customers,)."""
        chosen: Mask = self.place == self.values.index(value)
        return chosen


def customer_dimension(dimension: str, values: pl.Series, revenue: Integers) -> CustomerDimension:
    """Return the slices of customers, each of whom has one value of a dimension.

    Parameters
    ----------
    dimension
        Name of the dimension.
    values
        Value of each customer code (String); null if unknown.
    revenue
        Revenue of each customer code. The slices are sorted by revenue; slices of equal revenue by name.
    """
    sums = (
        pl.DataFrame({"value": values, "revenue": revenue})
        .lazy()
        .group_by("value")
        .agg(pl.col("revenue").sum())
        .sort("revenue", "value", descending=[True, False])
        .collect()["value"]
        .to_list()
    )
    known = [value for value in sums if value not in (None, OTHER, NO_VALUE)]
    largest, rest = known[:MOST_VALUES], len(known) > MOST_VALUES or OTHER in sums
    names = (*largest, *([OTHER] if rest else []), *([NO_VALUE] if None in sums or NO_VALUE in sums else []))
    position = {name: at for at, name in enumerate(names)}
    place = (
        values.fill_null(NO_VALUE)
        .replace_strict(position, default=position.get(OTHER, len(names)), return_dtype=pl.Int16)
        .to_numpy()
    )
    return CustomerDimension(dimension, names, place)


def customer_values(context: ReportContext, column: str) -> pl.Series:
    """Return a column of the customers table as one value per customer code (String); null for customers not in it.

    Raises
    ------
    InputError
        A customer occurs more than once in the table.
    """
    if column in PARTY_COLUMNS:
        return context.parties[column]
    table = context.tables["customers"].select(pl.col("customer_id", column).cast(pl.String)).collect()
    if doubled := table.height - table["customer_id"].n_unique():
        raise InputError(
            f"customers: {counted(doubled, 'row')} too many, because a customer is there more than once",
            hint="keep one row for each 'customer_id'",
            column="customer_id",
        )
    return _by_code(context, table, column)


def segment_values(context: ReportContext) -> Iterator[tuple[str, pl.Series]]:
    """Yield the name of each saved segment definition of a workspace, and the segment of each customer code (String).

    The segments are those of the newest saved run up to the as-of date.
    """
    if context.workspace is None:
        return
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    store = Store(context.workspace.store_dir)
    runs = [run for run in store.runs(ANALYSIS) if run.as_of <= context.as_of]
    for name in sorted({run.name for run in runs}):
        newest = max((run for run in runs if run.name == name), key=lambda run: (run.as_of, run.number))
        saved = store.read_run(newest, ["customer_id", "segment"])
        yield name, _by_code(context, saved.select(pl.col("customer_id", "segment").cast(pl.String)), "segment")


def _by_code(context: ReportContext, table: pl.DataFrame, column: str) -> pl.Series:
    codes = context.ledger.customers.to_frame("customer_id").lazy()
    return codes.join(table.lazy(), on="customer_id", how="left", maintain_order="left").collect()[column]


def customer_dimensions(context: ReportContext, revenue: Integers) -> tuple[CustomerDimension, ...]:
    """Return the customer dimensions: columns of their table with several values, and saved segments."""
    found = [(name, context.parties[name]) for name in OF_CUSTOMERS]
    found += [(SEGMENT + name, values) for name, values in segment_values(context)]
    return tuple(
        customer_dimension(name, values, revenue) for name, values in found if values.null_count() < len(values)
    )
