"""Transaction lines that Spark reads: divided among partitions by the executors, or as a lazy frame for the driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from ckm.partitions.executor import LINES_SCHEMA, chosen_lines, lines_in, partitioned, with_names
from ckm.partitions.spark_session import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyspark.sql import DataFrame

    from ckm.partitions.executor import Batches, Narrow, OfWorkspace, Prepare, ToLedgerColumns


@dataclass(frozen=True)
class SparkLines:
    """Transaction lines that Spark reads.

    Attributes
    ----------
    raw
        Rows as stored.
    prepare
        Function of the executors that returns the valid lines of a batch of rows.
    schema
        Columns that the lines have.
    """

    raw: DataFrame
    prepare: ToLedgerColumns | OfWorkspace
    schema: pl.Schema

    def partitioned(self, columns: Iterable[str], partitions: int, narrow: Narrow | None = None) -> DataFrame:
        """Return some columns of the lines, divided among partitions by customer.

        See :func:`ckm.partitions.executor.partitioned` for the result.
        """
        divided = self._mapped(columns, lambda prepare: partitioned(prepare, partitions, narrow))
        return divided.repartitionById(partitions, "partition")

    def scan(self, label: str) -> pl.LazyFrame:
        """Return the lines as a lazy frame, which gets the columns and lines that a query needs from the executors.

        All lines of a query are in memory: only for queries of few lines.
        """

        def read(
            columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
        ) -> Iterator[pl.DataFrame]:
            needed = self._with_predicate(columns, predicate)
            with explained(label):
                found = self._mapped(needed, lambda prepare: chosen_lines(prepare, columns, predicate)).toArrow()
            for lines in lines_in(found):
                yield lines if most is None else lines.head(most)
                if most is not None and (most := most - lines.height) <= 0:
                    return

        return register_io_source(read, schema=self.schema)

    def columns_of(self, narrow: Narrow) -> list[str]:
        """Return the columns of the lines that a query reads."""
        found = list[str]()

        def read(columns: list[str] | None, predicate: pl.Expr | None, *_: int | None) -> Iterator[pl.DataFrame]:
            found.extend(self._with_predicate(columns, predicate))
            yield pl.DataFrame(schema=self.schema).select(pl.all() if columns is None else columns)

        narrow(register_io_source(read, schema=self.schema)).collect()
        return found

    def _with_predicate(self, columns: list[str] | None, predicate: pl.Expr | None) -> list[str]:
        """Return the columns of a query, and those of its predicate."""
        tested = [] if predicate is None else predicate.meta.root_names()
        return list(dict.fromkeys((*(self.schema if columns is None else columns), *tested)))

    def _mapped(self, columns: Iterable[str], function: Callable[[Prepare], Callable[[Batches], Batches]]) -> DataFrame:
        """Return the result of a function of the executors, which gets the function that prepares the columns."""
        prepare = replace(self.prepare, columns=tuple(columns))
        numbers = {f"c{number}": name for number, name in enumerate(self.raw.columns)}
        read = {number: name for number, name in numbers.items() if name in prepare.sources}
        # mapInArrow takes a dot in a name for a part of a struct
        renamed = with_names(function(prepare), tuple(read.values()))
        return self.raw.toDF(*numbers).select(*read).mapInArrow(renamed, LINES_SCHEMA)
