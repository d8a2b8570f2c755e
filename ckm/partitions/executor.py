"""Functions for Spark's executors: convert rows, build the ledger of a partition, apply a function to the ledger.

The functions run in Python worker processes of the cluster, which need ckm and its dependencies in the same versions as
the driver. pyspark pickles the functions; coverage and results are sent as JSON and Arrow
(:mod:`ckm.partitions.packed_results`).
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from ckm import errors
from ckm.customers.ledger_file import StoredLedger
from ckm.customers.ledger_reader import read_rows
from ckm.dataset.declared_guests import without_guest_ids
from ckm.dataset.declared_payments import without_payments
from ckm.dataset.linked_customers import with_persons
from ckm.errors import CkmError
from ckm.io.mapping.expressions import column_names
from ckm.io.mapping.mapping import sources_of
from ckm.io.readers.parquet_columns import as_text_form, column_form
from ckm.partitions.customer_hash import PARTITION, with_partition
from ckm.partitions.packed_results import packed
from ckm.partitions.partitioned_ledger import Partition

if TYPE_CHECKING:
    from ckm.customers.ledger_needs import Needs
    from ckm.io.mapping.convert import Conversion
    from ckm.partitions.partitioned_ledger import Reading

Batches = Iterator[pa.RecordBatch]
Prepare = Callable[[pa.RecordBatch], tuple[pl.DataFrame, int]]
Narrow = Callable[[pl.LazyFrame], pl.LazyFrame]

ERROR = "ckm-error:"
"""Mark of an error that is raised again in the driver."""
LINES_SCHEMA = "partition int, records long, left_out long, lines binary"
LEDGER_SCHEMA = "partition int, customers long, records long, left_out long, coverage binary, ledger binary"
RESULT_SCHEMA = "partition int, result binary"
COUNTS = {"records": pa.int64(), "left_out": pa.int64()}
LINES = pa.schema({"partition": pa.int32(), **COUNTS, "lines": pa.binary()})
LEDGER = pa.schema(
    {"partition": pa.int32(), "customers": pa.int64(), **COUNTS, "coverage": pa.binary(), "ledger": pa.binary()}
)
RESULT = pa.schema({"partition": pa.int32(), "result": pa.binary()})
"""Arrow schemas of the three."""


@dataclass(frozen=True)
class ToLedgerColumns:
    """Function that converts and validates rows of a table or of files that are not in a workspace.

    Attributes
    ----------
    conversion
        Conversion of the columns, planned from the first rows.
    columns
        Names of the columns that are needed.
    texts
        Names of binary columns of the source that are text.
    """

    conversion: Conversion
    columns: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()

    @property
    def sources(self) -> frozenset[str]:
        """Names of the columns of the source that the conversion reads; validation needs all of them."""
        found = self.conversion
        mapped = (name for rule in found.mapping.columns.values() for name in sources_of(rule))
        computed = (name for each in (*found.expressions.values(), *found.rules) for name in column_names(each))
        return frozenset((*mapped, *computed, *([] if found.zone_column is None else [found.zone_column])))

    def __call__(self, batch: pa.RecordBatch) -> tuple[pl.DataFrame, int]:
        """Return the valid rows, and the number of invalid ones."""
        from ckm.ingest.schema_validator import SchemaValidator
        from ckm.ingest.validation import validated
        from ckm.io.readers.format import Batch, rejected_frame
        from ckm.schema import TABLES

        records = self._records(batch)
        lines = pl.int_range(1, records.height + 1, eager=True)
        found = validated(
            Batch(records, lines, rejected_frame()), self.conversion, SchemaValidator(TABLES["transactions"])
        )
        return found.good.select(self.columns), found.failed.height

    def _records(self, batch: pa.RecordBatch) -> pl.DataFrame:
        """Return a batch with the types that columns of Parquet files have in an analysis in memory."""
        columns = []
        for each, values in zip(batch.schema, batch.columns, strict=True):
            form = column_form(each.name, each.type)
            form = as_text_form(form) if each.name in self.texts else form
            columns.append(form.read(values, lambda _: None).alias(each.name))
        return pl.DataFrame(columns)


@dataclass(frozen=True)
class OfWorkspace:
    """Function that prepares rows of a workspace: without payments and guest ids, and with person ids.

    Attributes
    ----------
    payments, guest_ids
        Names of the sources of payments; customer ids of guests.
    persons
        Person id by linked customer id (:attr:`ckm.identities.Identities.persons`).
    columns
        Names of the columns that a ledger needs.
    """

    payments: tuple[str, ...]
    guest_ids: tuple[str, ...]
    persons: Mapping[str, str]
    columns: tuple[str, ...]

    @property
    def sources(self) -> frozenset[str]:
        """Names of the columns of the store that are needed."""
        return frozenset((*self.columns, *(["source"] if self.payments else [])))

    def __call__(self, batch: pa.RecordBatch) -> tuple[pl.DataFrame, int]:
        """Return the rows of sales, and 0 as the number of invalid rows."""
        records = pl.from_arrow(batch)
        assert isinstance(records, pl.DataFrame)
        sales = without_payments(records.lazy(), self.payments)
        known = with_persons(without_guest_ids({"transactions": sales}, self.guest_ids), self.persons)
        return known["transactions"].select(self.columns).collect(), 0


def partitioned(prepare: Prepare, partitions: int, narrow: Narrow | None = None) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that prepares lines and divides them among partitions.

    Parameters
    ----------
    prepare
        Returns the valid lines of a batch of records, and the number of invalid records.
    partitions
        Number of partitions.
    narrow
        Chooses lines and columns, as in :meth:`ckm.customers.ledger.Ledger.of_lines`; None for all.

    Returns
    -------
    Callable
        Its result has rows of :data:`LINES_SCHEMA`: for each batch and partition the lines in Arrow's stream format,
        which Spark shuffles as they are; and for each batch a row without lines, with the numbers of all records and of
        invalid ones.
    """

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            for batch in batches:
                lines, left_out = prepare(batch)
                if narrow is not None:
                    lines = narrow(lines.lazy()).collect()
                parts = with_partition(lines, partitions).partition_by(PARTITION, as_dict=True, include_key=False)
                found = [
                    {"partition": number, "records": 0, "left_out": 0, "lines": _stream_of(part)}
                    for (number,), part in parts.items()
                ]
                found.append({"partition": 0, "records": batch.num_rows, "left_out": left_out, "lines": None})
                yield pa.RecordBatch.from_pylist(found, schema=LINES)

    return run


def chosen_lines(
    prepare: Prepare, columns: list[str] | None, predicate: pl.Expr | None
) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that yields some columns of the lines that match a predicate.

    The result is one row per batch (:data:`LINES_SCHEMA`).
    """

    def narrow(lines: pl.LazyFrame) -> pl.LazyFrame:
        matching = lines if predicate is None else lines.filter(predicate)
        return matching if columns is None else matching.select(columns)

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            for batch in batches:
                lines, _ = prepare(batch)
                row = {"partition": 0, "records": 0, "left_out": 0, "lines": _stream_of(narrow(lines.lazy()).collect())}
                yield pa.RecordBatch.from_pylist([row], schema=LINES)

    return run


def with_names(function: Callable[[Batches], Batches], names: tuple[str, ...]) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that gives the columns of the batches other names, by their position."""
    return lambda batches: function(batch.rename_columns(names) for batch in batches)


def results_of_lines(function: Callable[[pl.LazyFrame], Any]) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that applies ``function`` to all lines of a partition and packs the result.

    The result is one row per partition with lines (:data:`RESULT_SCHEMA`).
    """

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            found = list(batches)
            lines = [frame for batch in found for frame in lines_in(batch)]
            if lines:
                row = {
                    "partition": found[0]["partition"][0].as_py(),
                    "result": packed(function(pl.concat(lines).lazy())),
                }
                yield pa.RecordBatch.from_pylist([row], schema=RESULT)

    return run


def ledgers(reading: Reading, schema: pl.Schema) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that reads all lines of a partition into a ledger.

    ``schema`` has the columns of the lines. The result is one row per partition (:data:`LEDGER_SCHEMA`).
    """
    empty = pl.DataFrame(schema=schema)

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            found, records, left_out, number = list[pl.DataFrame](), 0, 0, None
            for batch in batches:
                number = batch["partition"][0].as_py()
                found += lines_in(batch)
                records += sum(batch["records"].to_pylist())
                left_out += sum(batch["left_out"].to_pylist())
            if number is None:
                return
            ledger = read_rows(
                pl.concat(found or [empty]).lazy(),
                time_zone=reading.time_zone,
                needs=reading.needs,
                as_of=reading.as_of,
            )
            file = io.BytesIO()
            StoredLedger.of(ledger).pack(file)
            yield pa.RecordBatch.from_pylist(
                [
                    {
                        "partition": number,
                        "customers": len(ledger.customers),
                        "records": records,
                        "left_out": left_out,
                        "coverage": packed(ledger.coverage),
                        "ledger": file.getvalue(),
                    }
                ],
                schema=LEDGER,
            )

    return run


def results(function: Callable[[Partition], Any], needs: Needs | None) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that applies ``function`` to partitions and packs the results.

    ``needs`` has the sums to read (:meth:`ckm.partitions.partitioned_ledger.PartitionedLedger.map_stored`). The result
    is one row per partition (:data:`RESULT_SCHEMA`).
    """

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            for part in _partitions(batches, needs):
                row = {"partition": part.number, "result": packed(function(part))}
                yield pa.RecordBatch.from_pylist([row], schema=RESULT)

    return run


def rows_of(function: Callable[[Partition], pl.DataFrame], schema: pa.Schema) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that applies ``function`` to partitions and yields the resulting rows."""

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            for part in _partitions(batches):
                yield from _batches(function(part), schema)

    return run


def error_in(text: str) -> CkmError | None:
    """Return the error of ckm that an executor raised, from the text of Spark's error; None for other errors."""
    _, mark, rest = text.partition(ERROR)
    if not mark:
        return None
    plain = json.loads(base64.b64decode(rest.split("'")[0].split()[0]))
    kind = getattr(errors, plain["kind"])
    error: CkmError = kind.__new__(kind)
    CkmError.__init__(error, plain["message"], hint=plain["hint"])
    return error


@contextmanager
def _raised_in_driver() -> Iterator[None]:
    """Raise errors of ckm as errors with a text that :func:`error_in` can read in the driver."""
    try:
        yield
    except CkmError as error:
        plain = {"kind": type(error).__name__, "message": str(error), "hint": error.hint}
        raise RuntimeError(f"{ERROR}{base64.b64encode(json.dumps(plain).encode()).decode()}") from None


def _partitions(batches: Batches, needs: Needs | None = None) -> Iterator[Partition]:
    for batch in batches:
        for number, each in zip(batch["partition"].to_pylist(), batch["ledger"], strict=True):
            with StoredLedger.unpacked(io.BytesIO(each.as_buffer())) as stored:
                yield Partition(number, stored.ledger(needs or stored.needs))


def lines_in(batch: pa.RecordBatch | pa.Table) -> Iterator[pl.DataFrame]:
    """Yield the lines in the rows of :data:`LINES_SCHEMA`; rows without lines are skipped."""
    for each in batch["lines"]:
        if each.is_valid:
            yield pl.read_ipc_stream(io.BytesIO(each.as_buffer()))


def _stream_of(lines: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    lines.write_ipc_stream(file, compression="lz4", compat_level=pl.CompatLevel.oldest())
    return file.getvalue()


def _batches(frame: pl.DataFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    table = frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
    yield from table.to_batches()
