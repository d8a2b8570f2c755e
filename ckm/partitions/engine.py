"""Engine of an analysis: in memory, by partitions out of core, or in Spark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from ckm.errors import UnknownNameError, UsageError
from ckm.files import path_of

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.customers.ledger import Ledger
    from ckm.dataset import Dataset
    from ckm.dataset.source import Source
    from ckm.ingest.options import IngestOptions
    from ckm.partitions.partitioned_ledger import PartitionedLedger, Reading

EngineName = Literal["polars", "spark"]
ENGINES = ("polars", "spark")
ROWS_PER_PARTITION = 2_000_000
"""Transaction lines per partition if the number of partitions is not given: about 300 MB while its ledger is built."""
MOST_PARTITIONS = 10_000
INSTALL_SPARK = 'pip install ".[spark]" in the source folder of ckm; Spark needs a Java runtime, 17 or newer'


@dataclass(frozen=True)
class Engine:
    """Engine of an analysis, with its number of partitions.

    Attributes
    ----------
    name
        ``polars`` (this process) or ``spark``.
    partitions
        Number of partitions of the customers; 0 derives it from the number of rows. None means no partitions with
        ``polars``, and the same as 0 with ``spark``.
    master
        URL of the Spark master; None means the master in the Spark configuration, or else all cores of this machine.

    Raises
    ------
    UsageError
        The options contradict each other, or Spark is not installed.
    """

    name: EngineName = "polars"
    partitions: int | None = None
    master: str | None = None

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise UnknownNameError("engine", self.name, ENGINES)
        if self.partitions is not None and not 0 <= self.partitions <= MOST_PARTITIONS:
            raise UsageError(f"the number of partitions is from 1 to {MOST_PARTITIONS:,}, or auto")
        if self.name != "spark" and self.master is not None:
            raise UsageError("--master is the master of a Spark cluster", hint="add --engine spark")
        if self.name == "spark" and find_spec("pyspark") is None:
            raise UsageError("--engine spark needs pyspark, which is not installed", hint=INSTALL_SPARK)

    @classmethod
    def of(cls, name: EngineName, partitions: int | Literal["auto"] | None, master: str | None) -> Engine:
        """Return the engine for the arguments of a public function.

        ``partitions`` is a number, ``auto`` (by the number of rows) or None (see :attr:`partitions`).

        Raises
        ------
        UsageError
            The arguments contradict each other, or Spark is not installed.
        """
        if partitions == 0 or (isinstance(partitions, str) and partitions != "auto"):
            raise UsageError(f"invalid number of partitions {partitions!r}", hint="use at least 1, or 'auto'")
        return cls(name, 0 if partitions == "auto" else partitions, master)

    @property
    def is_partitioned(self) -> bool:
        """Whether customers are partitioned."""
        return self.name == "spark" or self.partitions is not None

    def number(self, rows: int) -> int:
        """Return the number of partitions for a number of transaction lines."""
        return self.partitions or min(MOST_PARTITIONS, -(-max(rows, 1) // ROWS_PER_PARTITION))

    def open(self, data: Path | None, workspace: Path | None, options: IngestOptions) -> Dataset:
        """Return the tables for an analysis by customer; arguments and errors as of :func:`ckm.dataset.open_dataset`.

        With Spark, ``data`` can also be a table's name, a Delta table or a URL.
        """
        if self.name == "spark":
            from ckm.partitions.spark import open_spark

            return open_spark(self, data, workspace, options)
        from ckm.dataset import open_dataset

        return open_dataset(data, workspace, options, by_customer=True)

    def dataset(self, source: Source, options: IngestOptions | None = None) -> Dataset:
        """Return the tables of the data source that is given to a public function.

        Parameters
        ----------
        source
            A workspace, file or table (:func:`ckm.dataset.source.dataset_of`); with Spark, also a path that
            :meth:`open` accepts.
        options
            Mapping options for a file or a table; None means that columns are recognised by their names.
        """
        from ckm.dataset import AS_FOUND
        from ckm.dataset.source import dataset_of

        if self.name == "spark" and isinstance(source, str | os.PathLike | None):
            return self.open(None if source is None else path_of(os.fspath(source)), None, options or AS_FOUND)
        return dataset_of(source, options or AS_FOUND, by_customer=True)

    def ledger(self, dataset: Dataset, reading: Reading) -> PartitionedLedger:
        """Read the transactions into one ledger per partition.

        Raises
        ------
        InputError, UsageError, NotEnoughDataError
            Same errors as of :func:`ckm.customers.ledger_reader.read_ledger`; also UsageError if amounts are too large
            to be summed exactly by partition, or if ``reading.needs.by`` is given.
        """
        if reading.needs.by is not None:
            raise UsageError(
                f"partitions do not support --by with a column of the transactions ({reading.needs.by})",
                hint="name a column of the customers, or run without --partitions and --engine",
            )
        if self.name == "spark":
            from ckm.partitions.spark import read_spark

            return read_spark(self, dataset, reading)
        from ckm.partitions.local import count_rows, read_local

        tables = {**dataset.tables, "transactions": dataset.transactions}
        return read_local(tables, self.partitions or self.number(count_rows(tables)), reading)

    def divided(self, dataset: Dataset, reading: Reading) -> Ledger | None:
        """Return the ledger of all customers with their entries in partitions; None if the engine has no partitions.

        Raises
        ------
        InputError, UsageError, NotEnoughDataError
            Same errors as of :meth:`ledger`.
        """
        from ckm.partitions.divided_ledger import DividedLedger

        return DividedLedger.of(self.ledger(dataset, reading)) if self.is_partitioned else None


IN_MEMORY = Engine()
"""Without partitions."""
