"""Spark session of this process: the log goes to a file, and errors of Spark become errors of ckm."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import InputError, UsageError
from ckm.files import OWNER_ONLY, temporary_folder
from ckm.partitions.executor import error_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.app.name": "ckm",
    "spark.ui.showConsoleProgress": "false",
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",  # time stamps of Arrow batches have this zone
    "spark.sql.adaptive.enabled": "false",  # adaptive execution could merge partitions
    "spark.sql.execution.arrow.maxRecordsPerBatch": "250000",
}
WIDTHS = "a column has different types in the files: write it anew with one type, or load the files: ckm ingest FOLDER"
UNREADABLE = {
    "PARQUET_COLUMN_DATA_TYPE_MISMATCH": WIDTHS,
    "CANNOT_MERGE_SCHEMAS": WIDTHS,
    "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE": WIDTHS,
    "COLUMN_ALREADY_EXISTS": "the names of two columns differ in upper and lower case only: rename one of them",
    "PARQUET_TYPE_ILLEGAL": "write time stamps in microseconds, and whole numbers with at most 64 bits",
    "CANNOT_READ_FILE_FOOTER": "a file is damaged, or is no Parquet file",
}
"""Hints by error condition of data that Spark cannot read."""
ERROR_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""Loggers of pyspark that write the texts of errors to stderr, and with them values of rows."""
LOG_VARIABLE = "CKM_SPARK_LOG"
"""Environment variable with the file of Spark's log; by default a temporary file that is removed with the process."""


def spark_session(master: str | None) -> SparkSession:
    """Return the running Spark session of this process (as in a notebook), or start a session.

    Settings of ``spark-defaults.conf`` and ``PYSPARK_SUBMIT_ARGS`` apply, except for the settings in :data:`SETTINGS`.

    Raises
    ------
    UsageError
        No session could be started.
    """
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder
    # the warehouse is temporary: it has only tables of this session, and ckm creates none
    for name, value in {**SETTINGS, "spark.sql.warehouse.dir": str(temporary_folder() / "warehouse")}.items():
        builder = builder.config(name, value)
    if master is not None:  # else the configured master, or local[*]
        builder = builder.master(master)
    with _log_in_file() as log:
        try:
            session = builder.getOrCreate()
        except Exception as error:
            raise UsageError(
                f"no Spark session could be started: {type(error).__name__}",
                hint=f"Spark needs Java 17 or newer, and a running master; set {LOG_VARIABLE}=FILE to keep its log "
                f"({log})",
            ) from error
    session.sparkContext.setLogLevel("ERROR")
    for name in ERROR_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return session


@contextmanager
def _log_in_file() -> Iterator[Path]:
    """Let Java processes started in this context write their log to a file instead of stderr; yield the file."""
    log = Path(os.environ.get(LOG_VARIABLE) or temporary_folder() / "spark.log")
    with open(log, "a", opener=_for_owner) as file, suppress_stderr(file.fileno()):
        yield log


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, OWNER_ONLY)


@contextmanager
def suppress_stderr(file: int) -> Iterator[None]:
    """Redirect the file descriptor of stderr to another file within this context."""
    sys.stderr.flush()
    with suppress(OSError):
        kept = os.dup(2)
        os.dup2(file, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def explained(label: str) -> Iterator[None]:
    """Raise errors of Spark as errors of ckm, without Spark's text, which can contain values of rows.

    Raises
    ------
    CkmError
        An executor raised this error.
    UsageError
        Spark cannot find or open the data.
    InputError
        The Spark job failed for another reason.
    """
    from pyspark.errors import AnalysisException, PySparkException

    try:
        with warnings.catch_warnings():
            # pyspark checks the version of pandas, which is not used here
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
            yield
    except PySparkException as error:
        found = error_in(str(error))
        if found is not None:
            raise found from None
        condition = _unreadable(error) or error.getCondition() or type(error).__name__
        if isinstance(error, AnalysisException) or condition in UNREADABLE:
            raise _refused(label, condition) from None
        raise _failed(condition) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "py4j":
            raise
        if condition := _unreadable(error):
            raise _refused(label, condition) from None
        raise error_in(str(error)) or _failed(type(error).__name__) from None


def _unreadable(error: Exception) -> str | None:
    """Return the condition of :data:`UNREADABLE` in the text of an error, which can have values of rows beside it."""
    return next((each for each in UNREADABLE if f"{each}]" in str(error)), None)


def _refused(label: str, condition: str) -> UsageError:
    hint = UNREADABLE.get(condition, "name a table, or a path of Parquet files or Delta")
    return UsageError(f"Spark cannot read {label}: {condition}", hint=hint)


def _failed(condition: str) -> InputError:
    return InputError(
        f"the Spark job failed: {condition}", hint=f"Spark's log has the reason: {LOG_VARIABLE}=FILE keeps it"
    )
