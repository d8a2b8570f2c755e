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
from ckm.partitions.customer_hash import PARTITION, with_partition
from ckm.partitions.packed_results import packed
from ckm.partitions.partitioned_ledger import Partition

if TYPE_CHECKING:
    from ckm.customers.ledger_needs import Needs
    from ckm.io.mapping.convert import Conversion
    from ckm.partitions.partitioned_ledger import Reading

Batches = Iterator[pa.RecordBatch]

RECORDS, LEFT_OUT = "ckm_records", "ckm_left_out"
"""Columns with the numbers of records and of invalid ones, in an additional row per batch; null in other rows."""
ERROR = "ckm-error:"
"""Mark of an error that is raised again in the driver."""
LEDGER_SCHEMA = "partition int, customers long, records long, left_out long, coverage binary, ledger binary"
RESULT_SCHEMA = "partition int, result binary"


@dataclass(frozen=True)
class ToLedgerColumns:
    """Function that converts and validates rows of a table or of files that are not in a workspace.

    Attributes
    ----------
    conversion
        Conversion of the columns, planned from the first rows.
    columns
        Names of the columns that a ledger needs.
    """

    conversion: Conversion
    columns: tuple[str, ...]

    def __call__(self, records: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """Return the valid rows, and the number of invalid ones."""
        from ckm.ingest.schema_validator import SchemaValidator
        from ckm.ingest.validation import validated
        from ckm.io.readers.format import Batch, rejected_frame
        from ckm.schema import TABLES

        lines = pl.int_range(1, records.height + 1, eager=True)
        found = validated(
            Batch(records, lines, rejected_frame()), self.conversion, SchemaValidator(TABLES["transactions"])
        )
        return found.good.select(self.columns), found.failed.height


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

    def __call__(self, records: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """Return the rows of sales, and 0 as the number of invalid rows."""
        sales = without_payments(records.lazy(), self.payments)
        known = with_persons(without_guest_ids({"transactions": sales}, self.guest_ids), self.persons)
        return known["transactions"].select(self.columns).collect(), 0


def partitioned(
    prepare: Callable[[pl.DataFrame], tuple[pl.DataFrame, int]], partitions: int, schema: pa.Schema
) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that prepares rows and adds the partition number of each row."""

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            for batch in batches:
                records = _frame(batch)
                rows, left_out = prepare(records)
                counts = pl.DataFrame({PARTITION: [0], RECORDS: [records.height], LEFT_OUT: [left_out]})
                found = pl.concat(
                    [with_partition(rows, partitions), counts.cast({PARTITION: pl.Int32})], how="diagonal"
                )
                yield from _batches(found, schema)

    return run


def ledgers(reading: Reading) -> Callable[[Batches], Batches]:
    """Return a function for ``mapInArrow`` that reads all rows of a partition into a ledger.

    The result is one row per partition (:data:`LEDGER_SCHEMA`).
    """

    def run(batches: Batches) -> Batches:
        with _raised_in_driver():
            found = [_frame(batch) for batch in batches]
            if not any(each.height for each in found):
                return
            rows = pl.concat(found)
            del found
            [number] = rows[PARTITION].unique()
            ledger = read_rows(
                rows.lazy().filter(pl.col(RECORDS).is_null()).drop(PARTITION, RECORDS, LEFT_OUT),
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
                        "records": int(rows[RECORDS].sum()),
                        "left_out": int(rows[LEFT_OUT].sum()),
                        "coverage": packed(ledger.coverage),
                        "ledger": file.getvalue(),
                    }
                ],
                schema=pa.schema(
                    {
                        "partition": pa.int32(),
                        "customers": pa.int64(),
                        "records": pa.int64(),
                        "left_out": pa.int64(),
                        "coverage": pa.binary(),
                        "ledger": pa.binary(),
                    }
                ),
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
                yield pa.RecordBatch.from_pylist(
                    [row], schema=pa.schema({"partition": pa.int32(), "result": pa.binary()})
                )

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


def _frame(batch: pa.RecordBatch) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _batches(frame: pl.DataFrame, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    table = frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
    yield from table.to_batches()
