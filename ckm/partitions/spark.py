"""Partitions in a Spark cluster: executors build the ledgers, apply functions to them, and write Parquet files."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ckm.customers.ledger_extension import ledger_columns
from ckm.customers.ledger_join import join_coverage
from ckm.customers.transaction_scan import DIMENSIONS
from ckm.dataset import TRANSACTIONS, Dataset
from ckm.dataset.transactions_file import MAX_REJECTS, excluded, plan_transactions
from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.files import temporary_folder, url_of
from ckm.io.delta_table import delta_files, is_delta
from ckm.io.readers.parquet_columns import is_text
from ckm.partitions.executor import (
    LEDGER_SCHEMA,
    RESULT_SCHEMA,
    Narrow,
    OfWorkspace,
    ToLedgerColumns,
    ledgers,
    results,
    results_of_lines,
    rows_of,
)
from ckm.partitions.local import release_memory
from ckm.partitions.packed_results import unpacked
from ckm.partitions.partitioned_ledger import Common, Partition, PartitionedLedger
from ckm.partitions.spark_lines import SparkLines
from ckm.partitions.spark_session import explained, spark_session
from ckm.remark import Remark
from ckm.schema import TABLES
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrame, SparkSession

    from ckm.customers.ledger_needs import Needs
    from ckm.ingest.options import IngestOptions
    from ckm.partitions.engine import Engine
    from ckm.partitions.partitioned_ledger import Reading

T = TypeVar("T")

SAMPLE_ROWS = 10_000
"""Rows from which the mapping of columns is planned, as of a file."""
TABLE_NAME = re.compile(r"\w+(\.\w+){0,2}")
PARQUET = (".parquet", ".pq")
FILE_SUFFIXES = (*PARQUET, ".csv", ".tsv", ".json", ".ndjson", ".xlsx", ".txt")
"""Suffixes of files; the second part of another name can be that of a table in a schema."""


@dataclass(frozen=True)
class SparkDataset(Dataset):
    """Transactions that Spark reads; the driver has only the names and types of their columns.

    Attributes
    ----------
    lines
        The transactions.
    """

    lines: SparkLines | None = None

    def add_remark(self, text: str) -> None:
        """Add a remark on rows, which Spark reads only after the dataset has been opened."""
        object.__setattr__(self, "remarks", (*self.remarks, text))


class SparkLedger(PartitionedLedger):
    """Ledgers of partitions on the disks of a cluster's executors."""

    def __init__(
        self, common: Common, partitions: int, customers: int, stored: DataFrame, lines: SparkLines, label: str
    ) -> None:
        super().__init__(common, partitions, customers)
        self._stored, self._lines, self._label = stored, lines, label

    def map_stored(self, function: Callable[[Partition], T], needs: Needs | None = None) -> list[T]:
        """Return the result of a function for each partition, in the order of their numbers."""
        with explained(self._label):
            return _results(self._stored.mapInArrow(results(function, needs), RESULT_SCHEMA))

    def map_lines(self, transactions: pl.LazyFrame, narrow: Narrow, function: Callable[[pl.LazyFrame], T]) -> list[T]:
        """Return the results of a function of the lines of each partition, in the order of their numbers."""
        columns = dict.fromkeys(("customer_id", *self._lines.columns_of(narrow)))
        with explained(self._label):
            divided = self._lines.partitioned(columns, self.partitions, narrow)
            found = _results(divided.mapInArrow(results_of_lines(function), RESULT_SCHEMA))
        return found or [function(narrow(pl.DataFrame(schema=self._lines.schema).lazy()))]

    def write(self, rows: Callable[[Partition], pl.DataFrame], path: Path, schema: pl.Schema) -> int:
        """Write the rows of each partition to a Parquet file in a folder; return the number of rows.

        The folder replaces a folder with an earlier result.
        """
        from pyspark.sql.pandas.types import from_arrow_schema

        arrow = _spark_types(schema)
        target = spark_path(path)
        with explained(str(path)):
            found = self._stored.mapInArrow(rows_of(self.presenting(rows), arrow), from_arrow_schema(arrow))
            if "://" in target:
                found.write.mode("overwrite").parquet(target)
                return int(found.sparkSession.read.parquet(target).count())
            return _replace_folder(path, found)


def _results(packed: DataFrame) -> list[Any]:
    """Return the results in a frame of :data:`RESULT_SCHEMA`, in the order of the partitions' numbers."""
    table = packed.toArrow()
    numbers, buffers = table["partition"].to_pylist(), [each.as_buffer() for each in table["result"]]
    del table
    found = {}
    for number in reversed(numbers):
        found[number] = unpacked(buffers.pop())  # so that its memory is free for the next one
    release_memory()
    return [found[number] for number in sorted(found)]


def open_spark(engine: Engine, data: Path | None, workspace: Path | None, options: IngestOptions) -> Dataset:
    """Return the tables of a workspace, or the transactions of a table or path that Spark reads.

    Parameters
    ----------
    engine
        Engine with the Spark master.
    data, workspace, options
        Arguments of :func:`ckm.dataset.open_dataset`; ``data`` can also be the name of a table or a URL.

    Raises
    ------
    UsageError
        The options contradict each other; or a column cannot be mapped, or has text that must be parsed.
    InputError
        Spark cannot read the data.
    NotEnoughDataError
        The data have no rows.
    """
    from ckm.dataset import open_dataset

    is_workspace = data is None or (data.is_dir() and (data / "ckm.yaml").exists())
    if is_workspace or workspace is not None:
        return open_dataset(data, workspace, options, by_customer=True)
    assert data is not None
    source = spark_path(data)
    is_table = not data.exists() and data.suffix not in FILE_SUFFIXES and bool(TABLE_NAME.fullmatch(source))
    if not data.exists() and not is_table and "://" not in source:
        return open_dataset(data, workspace, options, by_customer=True)  # reports that the file does not exist
    if data.is_file() and data.suffix.lower() not in PARQUET:
        raise UsageError(
            f"{data}: --engine spark reads Parquet, Delta and tables",
            hint="load other files into a workspace: ckm ingest FILE",
        )
    label = source if is_table or "://" in source else data.name
    with explained(label), TemporaryDirectory(prefix="spark-", dir=temporary_folder()) as folder:
        raw = _raw_rows(spark_session(engine.master), source, is_table=is_table)
        sample = Path(folder) / "first_rows.parquet"
        first = raw.limit(SAMPLE_ROWS).toArrow()
        if not first.num_rows:
            raise NotEnoughDataError(f"{label} has no rows", hint="name a table or files with transactions")
        pq.write_table(first, sample)
        try:
            planned = plan_transactions(sample, options, by_customer=True)
        except UsageError as error:
            error.args = (str(error).replace(str(sample), label),)
            raise
    if planned.conversion.orders is not None:
        raise UsageError(
            f"{label}: rows depend on a status column or on amounts of whole orders, which are not read in Spark",
            hint="load the file into a workspace (ckm ingest FILE), use --engine polars, or leave the column out",
        )
    if not planned.is_typed:
        raise UsageError(
            f"{label}: a column must be parsed as text, for which the first rows are not enough",
            hint="give dates and amounts types in the table; or load the file into a workspace: ckm ingest FILE",
        )
    dtypes = TABLES[TRANSACTIONS].dtypes
    filled = planned.conversion.filled
    # as in memory, revenue by a dimension that the source lacks is revenue without a value
    schema = {name: dtype for name, dtype in dtypes.items() if name in filled or name in ("currency", *DIMENSIONS)}
    conversion = replace(planned.conversion, extras=())  # the columns that are not mapped are not read
    binary = [each.name for each in first.schema if pa.types.is_binary(each.type)]
    texts = frozenset(name for name in binary if is_text(first[name].combine_chunks()))
    lines = SparkLines(raw, ToLedgerColumns(conversion, texts=texts), pl.Schema(schema))
    return SparkDataset(
        {TRANSACTIONS: lines.scan(label)},
        label,
        tuple(_about(each, sample.name, label) for each in planned.remarks),
        config=planned.config,
        sources=(planned.conversion.mapping.name,),
        lines=lines,
    )


def _about(remark: str, file: str, label: str) -> str:
    """Return a remark on the file with the first rows, reworded as a remark on the source."""
    text = str(remark).replace(file, label)
    return Remark(text, remark.importance) if isinstance(remark, Remark) else text


def read_spark(engine: Engine, dataset: Dataset, reading: Reading) -> SparkLedger:
    """Divide the transactions among partitions by customer, and let executors read each partition into a ledger.

    Raises
    ------
    InputError, UsageError, NotEnoughDataError
        Same errors as of :func:`ckm.customers.ledger_reader.read_ledger`.
    """
    with explained(dataset.label):
        session = spark_session(engine.master)
        lines = dataset.lines if isinstance(dataset, SparkDataset) else _of_workspace(session, dataset)
        assert lines is not None
        partitions = engine.partitions or engine.number(lines.raw.count())
        columns = ledger_columns(lines.schema)
        schema = pl.Schema((name, lines.schema[name]) for name in columns)
        from pyspark.storagelevel import StorageLevel

        divided = lines.partitioned(columns, partitions).mapInArrow(ledgers(reading, schema), LEDGER_SCHEMA)
        stored = divided.persist(StorageLevel.DISK_ONLY)
        found = stored.drop("ledger").toArrow()
    records, left_out = (sum(found[name].to_pylist()) for name in ("records", "left_out"))
    if left_out > MAX_REJECTS * records:
        raise InputError(
            f"{dataset.label}: {left_out:,} of {counted(records, 'record')} are invalid",
            hint="load them into a workspace, which sets invalid rows aside with the reason: ckm ingest FILE",
        )
    if left_out and isinstance(dataset, SparkDataset):
        dataset.add_remark(excluded(left_out, records))
    coverage = join_coverage([unpacked(each.as_buffer()) for each in found["coverage"]])
    common = Common.of(reading, coverage)
    return SparkLedger(common, partitions, sum(found["customers"].to_pylist()), stored, lines, dataset.label)


def spark_path(path: Path) -> str:
    """Return a path, URL or table name as Spark needs it; the slash of a URL that a ``Path`` drops is restored."""
    return url_of(path) or str(path)


def _raw_rows(session: SparkSession, source: str, *, is_table: bool) -> DataFrame:
    """Return the rows of a table, of a Delta table (read by its list of data files), or of Parquet files."""
    if is_table:
        return session.table(source)
    folder = Path(source)
    if "://" not in source and is_delta(folder):
        from deltalake import DeltaTable
        from pyspark.sql.pandas.types import from_arrow_schema

        table = DeltaTable(str(folder.resolve()))
        schema = from_arrow_schema(pa.schema(table.schema().to_arrow()))
        files = [f"file://{file}" for file in delta_files(folder.resolve())]
        return session.read.schema(schema).option("basePath", f"file://{folder.resolve()}").parquet(*files)
    # else a column that one of the files lacks could be ignored
    files_of_all_columns = session.read.option("mergeSchema", "true")
    return files_of_all_columns.parquet(source if "://" in source else f"file://{folder.resolve()}")


def _of_workspace(session: SparkSession, dataset: Dataset) -> SparkLines:
    """Return the lines in the data files of a workspace."""
    from pyspark.sql.pandas.types import from_arrow_schema

    from ckm.store import Store

    if dataset.workspace is None:
        raise UsageError(
            "--engine spark reads a workspace, Parquet, Delta or a table", hint="write the table to a Parquet file"
        )
    store = Store(dataset.workspace.store_dir)
    snapshot = None if dataset.state is None else store.snapshot(TRANSACTIONS, dataset.state)
    if snapshot is None:
        raise UsageError(
            "Spark reads the present rows of a workspace: orders have changed since this day, or files are elsewhere",
            hint="run without --engine spark, or without --as-of",
        )
    files = [f"file://{(snapshot.folder / unquote(name)).resolve()}" for name, *_ in snapshot.files]
    known = {*TABLES[TRANSACTIONS].dtypes, *ledger_columns(snapshot.schema), "source"}
    schema = pl.Schema((name, dtype) for name, dtype in snapshot.schema.items() if name in known)
    # with a schema, Spark fills a column that a file lacks with null
    rows = session.read.schema(from_arrow_schema(_spark_types(schema))).parquet(*files)
    guest_ids = tuple(dataset.workspace.config.guest_ids)
    return SparkLines(rows, OfWorkspace(dataset.payment_sources, guest_ids, dataset.persons, ()), schema)


def _spark_types(schema: pl.Schema) -> pa.Schema:
    """Return a schema with Arrow types that Spark supports."""
    arrow = schema.to_frame().to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    plain: dict[Any, Any] = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
    return pa.schema([each.with_type(_spark_type(each.type, plain)) for each in arrow])


def _spark_type(dtype: pa.DataType, plain: dict[Any, Any]) -> pa.DataType:
    if pa.types.is_dictionary(dtype):
        return pa.string()
    if pa.types.is_unsigned_integer(dtype):
        return pa.int64()
    return plain.get(dtype, dtype)


def _replace_folder(path: Path, rows: DataFrame) -> int:
    """Write Parquet files into a temporary folder and rename it to ``path``; return the number of rows.

    A folder at ``path`` that Spark wrote is replaced.
    """
    target = path.resolve()
    if target.exists() and not (target / "_SUCCESS").exists():
        raise UsageError(f"{path} exists, and is no folder that Spark wrote", hint="remove it, or name another path")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        rows.write.parquet(f"file://{draft}")
        written = int(rows.sparkSession.read.parquet(f"file://{draft}").count())
        if target.exists():
            old = target.with_name(f".{target.name}.{secrets.token_hex(4)}.old")
            os.rename(target, old)  # noqa: PTH104  # two folders
            shutil.rmtree(old, ignore_errors=True)
        os.rename(draft, target)  # noqa: PTH104
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return written
