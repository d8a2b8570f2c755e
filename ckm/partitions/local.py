"""Partitions out of core on one machine: rows and ledgers in temporary files, one partition in memory at a time."""

from __future__ import annotations

import ctypes
import shutil
import weakref
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ckm.customers.ledger_extension import ledger_columns
from ckm.customers.ledger_file import StoredLedger, opened
from ckm.customers.ledger_join import join_coverage
from ckm.customers.ledger_reader import read_rows
from ckm.customers.required_tables import TRANSACTIONS, readable, require_transactions
from ckm.errors import UsageError
from ckm.files import replacing, temporary_folder
from ckm.partitions.customer_hash import PARTITION, with_partition
from ckm.partitions.partitioned_ledger import Common, Partition, PartitionedLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ckm.customers.ledger_needs import Needs
    from ckm.partitions.partitioned_ledger import Reading

T = TypeVar("T")

OTHER_FILES = 200
"""Files that a process has open beside those of the partitions: data, libraries, standard streams."""
BATCH_ROWS = 500_000
"""Rows that are divided among the partitions at a time."""


class LocalLedger(PartitionedLedger):
    """Ledgers of partitions in files, of which one is in memory at a time."""

    def __init__(self, common: Common, customers: int, files: list[Path], folder: Path) -> None:
        super().__init__(common, len(files), customers)
        self._files = files
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def map_stored(self, function: Callable[[Partition], T], needs: Needs | None = None) -> Iterator[T]:
        """Yield the result of a function for each partition, in the order of their numbers."""
        for number, path in enumerate(self._files):
            with opened(path) as stored:
                ledger = stored.ledger(needs or stored.needs)
            yield function(Partition(number, ledger))
        release_memory()

    def write(self, rows: Callable[[Partition], pl.DataFrame], path: Path, schema: pl.Schema) -> int:
        """Write the rows of all partitions to one Parquet file, a row group each; return the number of rows."""
        arrow = schema.to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        written = 0
        with replacing(path) as draft, pq.ParquetWriter(draft, arrow, compression="zstd") as writer:
            for frame in self.map(rows):
                writer.write_table(frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow))
                written += frame.height
        return written


def count_rows(tables: Mapping[str, pl.LazyFrame]) -> int:
    """Return the number of transaction lines."""
    with readable():
        return int(tables[TRANSACTIONS].select(pl.len()).collect(engine="streaming").item())


def read_local(tables: Mapping[str, pl.LazyFrame], partitions: int, reading: Reading) -> LocalLedger:
    """Divide the transactions among partitions in files, and read each partition into a ledger.

    Raises
    ------
    InputError, UsageError, NotEnoughDataError
        Same errors as of :func:`ckm.customers.ledger_reader.read_all_days`.
    """
    transactions = require_transactions(tables, reading.time_zone)
    columns = ledger_columns(transactions.collect_schema())
    folder = Path(mkdtemp(prefix="partitions-", dir=temporary_folder()))
    with readable():
        rows = _divided(transactions.select(columns), partitions, folder)
    release_memory()
    files, coverages, customers = [], [], 0
    for number, path in enumerate(rows):
        ledger = read_rows(pl.scan_ipc(path), time_zone=reading.time_zone, needs=reading.needs, as_of=reading.as_of)
        path.unlink()
        coverages.append(ledger.coverage)
        customers += len(ledger.customers)
        files.append(folder / f"{number}.npz")
        StoredLedger.of(ledger).write(files[-1])
        del ledger
        release_memory()
    return LocalLedger(Common.of(reading, join_coverage(coverages)), customers, files, folder)


def _divided(transactions: pl.LazyFrame, partitions: int, folder: Path) -> list[Path]:
    """Write each row into the file of its partition; return the files in the order of the partitions."""
    _allow_open_files(partitions)
    paths = [folder / f"{number}.arrow" for number in range(partitions)]
    schema = transactions.collect_schema().to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    writers = [pa.ipc.new_file(str(path), schema, options=options) for path in paths]
    try:
        batches = transactions.collect_batches(chunk_size=BATCH_ROWS, maintain_order=False, engine="streaming")
        for batch in batches:
            parts = with_partition(batch, partitions).partition_by(PARTITION, as_dict=True, include_key=False)
            for (number,), rows in parts.items():
                writers[number].write_table(rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema))
    finally:
        for writer in writers:
            writer.close()
    return paths


def _allow_open_files(number: int) -> None:
    """Raise the limit of open files of this process, so that each partition can have an open file.

    Raises
    ------
    UsageError
        The system does not allow so many open files.
    """
    try:
        import resource  # not on Windows, whose limit is 8,192 files
    except ImportError:
        return
    limit, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = number + OTHER_FILES
    if limit == resource.RLIM_INFINITY or needed <= limit:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, highest))
    except (ValueError, OSError):
        most = max(limit, highest) - OTHER_FILES
        raise UsageError(
            f"{number:,} partitions need {needed:,} open files, and a process may have {limit:,} here",
            hint=f"use --partitions {most} or fewer; or raise the limit: ulimit -n {needed}",
        ) from None


def release_memory() -> None:
    """Return freed memory to the operating system.

    glibc keeps freed memory between arrays that are in use: 1.0 of 1.4 GB in a report of a million customers.
    """
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):  # C libraries other than glibc have no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)
