"""Partitions in a Spark cluster: executors build the ledgers, apply functions to them, and write Parquet files."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass
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
from ckm.dataset.transactions_file import MAX_REJECTS, plan_transactions
from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.files import temporary_folder
from ckm.io.delta_table import delta_files, is_delta
from ckm.partitions.customer_hash import PARTITION
from ckm.partitions.executor import (
    LEDGER_SCHEMA,
    LEFT_OUT,
    RECORDS,
    RESULT_SCHEMA,
    OfWorkspace,
    ToLedgerColumns,
    ledgers,
    partitioned,
    results,
    rows_of,
)
from ckm.partitions.packed_results import unpacked
from ckm.partitions.partitioned_ledger import Common, Partition, PartitionedLedger
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
URL = re.compile(r"([a-z][a-z0-9+.-]+):/{1,3}(?=[^/])", re.IGNORECASE)
"""Start of a URL; a :class:`pathlib.Path` of it has one slash."""
TABLE_NAME = re.compile(r"\w+(\.\w+){0,2}")
PARQUET = (".parquet", ".pq")
FILE_SUFFIXES = (*PARQUET, ".csv", ".tsv", ".json", ".ndjson", ".xlsx", ".txt")
"""Suffixes of files; the second part of another name can be that of a table in a schema."""


@dataclass(frozen=True)
class SparkDataset(Dataset):
    """Transactions that Spark reads; the driver has only the names and types of their columns.

    Attributes
    ----------
    source
        A table's name, or a path or URL of Parquet files or a Delta table.
    convert
        Function that converts rows of the source to ledger columns, for the executors.
    """

    source: str = ""
    convert: ToLedgerColumns | None = None


class SparkLedger(PartitionedLedger):
    """Ledgers of partitions on the disks of a cluster's executors."""

    def __init__(self, common: Common, partitions: int, customers: int, stored: DataFrame, label: str) -> None:
        super().__init__(common, partitions, customers)
        self._stored, self._label = stored, label

    def map_stored(self, function: Callable[[Partition], T], needs: Needs | None = None) -> list[T]:
        """Return the result of a function for each partition, in the order of their numbers."""
        with explained(self._label):
            found = self._stored.mapInArrow(results(function, needs), RESULT_SCHEMA).toArrow()
        order = pl.Series(found["partition"]).arg_sort()
        return [unpacked(found["result"][place].as_buffer()) for place in order]

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


def open_spark(
    engine: Engine, data: Path | None, workspace: Path | None, options: IngestOptions, *, on_driver: bool
) -> Dataset:
    """Return the tables of a workspace, or the transactions of a table or path that Spark reads.

    Parameters
    ----------
    engine
        Engine with the Spark master.
    data, workspace, options
        Arguments of :func:`ckm.dataset.open_dataset`; ``data`` can also be the name of a table or a URL.
    on_driver
        Whether the analysis also reads the transactions on this machine.

    Raises
    ------
    UsageError
        The options contradict each other; the workspace has linked customers; a column cannot be mapped or has text
        that must be parsed; or ``on_driver`` is true and this machine cannot read the data.
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
    if on_driver and (not data.exists() or is_delta(data)):
        raise UsageError(
            "this command also reads the transactions on this machine, and here Spark alone can read them",
            hint="with --engine spark it takes a workspace, or a path of Parquet files; 'ckm segment' takes tables too",
        )
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
    if not planned.is_typed:
        raise UsageError(
            f"{label}: a column must be parsed as text, for which the first rows are not enough",
            hint="give dates and amounts types in the table; or load the file into a workspace: ckm ingest FILE",
        )
    dtypes = TABLES[TRANSACTIONS].dtypes
    tables = {TRANSACTIONS: pl.DataFrame(schema=dtypes).lazy()}
    if on_driver:
        tables = open_dataset(data, None, options, by_customer=True).tables
    filled = planned.conversion.filled
    # as in memory, revenue by a dimension that the source lacks is revenue without a value
    columns = tuple(name for name in ledger_columns(dtypes) if name in filled or name in ("currency", *DIMENSIONS))
    convert = ToLedgerColumns(planned.conversion, columns)
    return SparkDataset(
        tables,
        label,
        tuple(_about(each, sample.name, label) for each in planned.remarks),
        config=planned.config,
        sources=(planned.conversion.mapping.name,),
        source=source,
        convert=convert,
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
        if isinstance(dataset, SparkDataset):
            assert dataset.convert is not None
            is_table = "/" not in dataset.source and not Path(dataset.source).exists()
            raw = _raw_rows(session, dataset.source, is_table=is_table)
            prepare: Callable[[pl.DataFrame], tuple[pl.DataFrame, int]] = dataset.convert
            columns = dataset.convert.columns
            dtypes = TABLES[TRANSACTIONS].dtypes
        else:
            raw, prepare = _of_workspace(session, dataset)
            dtypes = dataset.transactions.collect_schema()
            columns = prepare.columns
        partitions = engine.partitions or engine.number(raw.count())
        schema = {name: dtypes[name] for name in columns}
        arrow = _spark_types(pl.Schema(schema | {PARTITION: pl.Int32, RECORDS: pl.Int64, LEFT_OUT: pl.Int64}))
        from pyspark.sql.pandas.types import from_arrow_schema
        from pyspark.storagelevel import StorageLevel

        divided = raw.mapInArrow(partitioned(prepare, partitions, arrow), from_arrow_schema(arrow))
        stored = divided.repartitionById(partitions, PARTITION).mapInArrow(ledgers(reading), LEDGER_SCHEMA)
        stored = stored.persist(StorageLevel.DISK_ONLY)
        found = stored.drop("ledger").toArrow()
    records, left_out = (sum(found[name].to_pylist()) for name in ("records", "left_out"))
    if left_out > MAX_REJECTS * records:
        raise InputError(
            f"{dataset.label}: {left_out:,} of {counted(records, 'record')} are invalid",
            hint="load them into a workspace, which sets invalid rows aside with the reason: ckm ingest FILE",
        )
    coverage = join_coverage([unpacked(each.as_buffer()) for each in found["coverage"]])
    common = Common.of(reading, coverage)
    return SparkLedger(common, partitions, sum(found["customers"].to_pylist()), stored, dataset.label)


def spark_path(path: Path) -> str:
    """Return a path, URL or table name as Spark needs it; the slash of a URL that a ``Path`` drops is restored."""
    text = str(path)
    url = URL.match(text)
    if url is not None:
        return f"{url[1]}://{'/' if url[1].lower() in ('file', 'hdfs', 'dbfs') else ''}{text[url.end() :]}"
    return text


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
    return session.read.parquet(source if "://" in source else f"file://{folder.resolve()}")


def _of_workspace(session: SparkSession, dataset: Dataset) -> tuple[DataFrame, OfWorkspace]:
    """Return the rows of the data files of a workspace, and the function that prepares them for an analysis."""
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
    columns = tuple(ledger_columns(snapshot.schema))
    payments = dataset.payment_sources
    needed = dict.fromkeys((*columns, *(["source"] if payments and "source" in snapshot.schema else [])))
    # with a schema, Spark fills a column that a file lacks with null
    schema = from_arrow_schema(_spark_types(pl.Schema({name: snapshot.schema[name] for name in needed})))
    guest_ids = tuple(dataset.workspace.config.guest_ids)
    return session.read.schema(schema).parquet(*files), OfWorkspace(payments, guest_ids, dataset.persons, columns)


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
