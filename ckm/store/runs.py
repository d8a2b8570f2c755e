"""Run history of analyses, for comparing a run with an earlier one.

Each analysis has a Delta table beside the source tables, and each run has its own files in it. Runs are results and not
source data: loads and undos do not change them, but erasing a customer does.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.errors import UnknownNameError
from ckm.io.parquet_file import scan_files
from ckm.store import journal
from ckm.store.data_files import CLUSTER_COLUMN, ROWS_PER_GROUP, DataFile, DataFileWriter
from ckm.store.delta import RUN_KEY, StoredTable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

PREFIX = "runs_"
"""Prefix of the names of the tables of runs, such as ``runs_segments``."""
NUMBER = "run_number"
HIGHEST = "highest_number"
"""Key of a commit for the highest run number so far."""
RUN_SCHEMA = pl.Schema({NUMBER: pl.Int64(), "run_name": pl.String(), "run_version": pl.Int64(), "run_as_of": pl.Date()})
"""Columns that identify the run of a row. They are the first, because Delta readers parse statistics of 32 columns."""
STATISTICS = (NUMBER,)
"""Columns by which readers find the files of a run. Customer ids are not among them, because the log outlives erased
customers."""
PREFIX_LENGTH = 12


@dataclass(frozen=True)
class Run:
    """One saved run of an analysis.

    Attributes
    ----------
    analysis
        Name of the analysis, such as ``segments``.
    name, version
        Name and version of the definition.
    as_of
        As-of date of the run.
    number
        1, 2, … in the order in which the runs of this analysis were first saved, whatever their names.
    rows
        Number of customers, without customers that were erased later.
    facts
        Further facts of the run as a whole (method, fingerprint of the data), as read from JSON.
    """

    analysis: str
    name: str
    version: int
    as_of: date
    number: int
    rows: int
    facts: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class _StoredRun:
    """A saved run with its data files and columns."""

    run: Run
    columns: tuple[str, ...]
    files: tuple[DataFile, ...]


def is_runs(table: str) -> bool:
    """Return whether the table of this name contains saved runs."""
    return table.startswith(PREFIX)


def save(
    root: Path, analysis: str, name: str, version: int, as_of: date, frame: pl.DataFrame, facts: Mapping[str, Any]
) -> Run:
    """Save a run in one commit; requires the lock.

    A run with equal name, version and day is replaced and keeps its number; an identical one is not written again. If
    the process is killed, :func:`ckm.store.writer.recover` restores the previous state.

    Parameters
    ----------
    root
        Folder of the store.
    analysis
        Name of the analysis: lower-case letters, digits and underscores.
    name, version, as_of
        Identification of the run within the analysis.
    frame
        One row per customer, in any order: ``customer_id`` and the results. Whole numbers are saved as Int64, fractions
        as Float64, categories as text, times in UTC; a column of type Null is dropped.
    facts
        Small JSON facts, such as the method. They stay in the log for ever, so they must contain no data of a single
        customer.

    Raises
    ------
    ValueError
        ``customer_id`` is missing, not text, null or repeated; a column has the name of one of :data:`RUN_SCHEMA` or
        another type than in earlier runs, or is a list, a struct or a duration; the facts cannot be written as JSON.
    """
    table = _table(root, analysis)
    plain = json.loads(json.dumps(dict(facts), allow_nan=False, sort_keys=True))
    rows = _storable(frame, table.schema)
    same = _find_run(table, name, version, as_of)
    if same is not None and same.run.facts == plain and _has_rows(table, same, rows):
        return same.run
    highest = _highest(table)
    number = highest + 1 if same is None else same.run.number
    run = Run(analysis, name, version, as_of, number, len(rows), plain)
    _replace(root, table, run, rows, [] if same is None else [file.name for file in same.files], max(highest, number))
    return run


def kept(root: Path, analysis: str, name: str | None = None) -> list[Run]:
    """Return the saved runs of an analysis, sorted by number; with ``name``, only the runs of this definition."""
    table = _table(root, analysis)
    rows = table.rows_by(NUMBER)
    last = {facts[NUMBER]: facts for facts in table.history(RUN_KEY)}  # the last commit of a number applies
    return [
        _run(analysis, last[number], rows.get(number, 0))
        for number in sorted(last)
        if name is None or last[number]["run_name"] == name
    ]


def read(root: Path, run: Run, columns: Collection[str] | None = None) -> pl.DataFrame:
    """Return the rows of a run, sorted by ``customer_id``, with the columns with which the run was saved.

    Only the files of this run are read. If the run was replaced meanwhile, the newer rows are returned.

    Parameters
    ----------
    root
        Folder of the store.
    run
        A run returned by :func:`kept`.
    columns
        Columns to read besides ``customer_id``; those that the run does not have are omitted.

    Raises
    ------
    UnknownNameError
        The store has no such run.
    """
    table = _table(root, run.analysis)
    commits = [facts for facts in table.history(RUN_KEY, f'"{NUMBER}":{run.number}') if facts[NUMBER] == run.number]
    if commits:
        found = _stored_run(table, commits[-1])
        wanted = [name for name in found.columns if columns is None or name in {CLUSTER_COLUMN, *columns}]
        return _by_customer(_scan(table, found).select(wanted).collect())
    numbers = [str(other.number) for other in kept(root, run.analysis)]
    raise UnknownNameError(f"run of {run.analysis}", str(run.number), numbers, where="store")


def read_customers(
    root: Path, analysis: str, runs: Collection[Run], customers: Collection[str], columns: Collection[str]
) -> pl.DataFrame:
    """Return the rows of some customers in several runs of an analysis: one scan of the files of these runs.

    Parameters
    ----------
    root
        Folder of the store.
    analysis
        Name of the analysis.
    runs
        Runs returned by :func:`kept`.
    customers
        Customer ids.
    columns
        Columns to read besides :data:`NUMBER` and ``customer_id``; columns that no run has are omitted.

    Returns
    -------
    pl.DataFrame
        One row per run and customer, sorted by run number and ``customer_id``; null where a run lacks a column.
    """
    table = _table(root, analysis)
    files = [file for run in runs for file in table.files_with(NUMBER, run.number)]
    table.require(files)
    wanted = [NUMBER, CLUSTER_COLUMN, *(name for name in columns if name in table.schema)]
    known = {NUMBER: pl.Int64(), CLUSTER_COLUMN: pl.String(), **table.schema}
    rows = scan_files([table.folder / file.name for file in files], pl.Schema({name: known[name] for name in wanted}))
    return rows.filter(pl.col(CLUSTER_COLUMN).is_in(sorted(customers))).sort(NUMBER, CLUSTER_COLUMN).collect()


def _table(root: Path, analysis: str) -> StoredTable:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", analysis):
        raise ValueError("the name of an analysis has lower-case letters, digits and underscores")
    return StoredTable(root / f"{PREFIX}{analysis}")


def _find_run(table: StoredTable, name: str, version: int, as_of: date) -> _StoredRun | None:
    """Return the saved run of a definition (name and version) and a day; None without one.

    Only commits whose text contains the day are parsed.
    """
    day = as_of.isoformat()
    wanted = (name, version, day)
    commits = [
        facts
        for facts in table.history(RUN_KEY, day)
        if (facts["run_name"], facts["run_version"], facts["run_as_of"]) == wanted
    ]
    return _stored_run(table, commits[-1]) if commits else None


def _highest(table: StoredTable) -> int:
    """Return the highest run number; 0 without runs."""
    last = table.last(RUN_KEY) or {HIGHEST: 0}
    if HIGHEST in last:
        return int(last[HIGHEST])
    return max(int(facts[NUMBER]) for facts in table.history(RUN_KEY))  # an older version of ckm wrote the last commit


def _commit_facts(run: Run, columns: list[str], highest: int) -> dict[str, Any]:
    """Return the facts of a run as they are stored in its commit; :func:`_run` reads them."""
    return {
        NUMBER: run.number,
        HIGHEST: highest,
        "run_name": run.name,
        "run_version": run.version,
        "run_as_of": run.as_of.isoformat(),
        "columns": columns,
        "facts": run.facts,
    }


def _run(analysis: str, facts: Mapping[str, Any], rows: int) -> Run:
    day = date.fromisoformat(facts["run_as_of"])
    return Run(analysis, facts["run_name"], facts["run_version"], day, facts[NUMBER], rows, facts["facts"])


def _stored_run(table: StoredTable, facts: Mapping[str, Any]) -> _StoredRun:
    files = table.files_with(NUMBER, facts[NUMBER])
    run = _run(table.name.removeprefix(PREFIX), facts, sum(file.rows for file in files))
    return _StoredRun(run, tuple(facts["columns"]), tuple(files))


def _scan(table: StoredTable, found: _StoredRun) -> pl.LazyFrame:
    if not found.files:
        return pl.LazyFrame(schema=pl.Schema({name: table.schema[name] for name in found.columns}))
    table.require(found.files)
    return scan_files([table.folder / file.name for file in found.files]).select(found.columns)


def _has_rows(table: StoredTable, found: _StoredRun, rows: pl.DataFrame) -> bool:
    """Return whether a saved run has exactly the given rows; compared column by column to save memory."""
    if found.run.rows != len(rows) or found.columns != tuple(rows.columns):
        return False
    stored = _scan(table, found)
    return all(stored.select(name).collect()[name].equals(rows[name], null_equal=True) for name in rows.columns)


def _storable(frame: pl.DataFrame, known: pl.Schema) -> pl.DataFrame:
    """Return the rows sorted by customer, with the types of the table's columns (``known``)."""
    if frame.schema.get(CLUSTER_COLUMN) != pl.String:
        raise ValueError(f"a run needs {CLUSTER_COLUMN} as text")
    if clash := sorted(set(RUN_SCHEMA) & set(frame.columns)):
        raise ValueError(f"a column of a run cannot be named {', '.join(clash)}")
    typed = frame.select(
        pl.col(name).cast(_stored_type(name, dtype, known)) for name, dtype in frame.schema.items() if dtype != pl.Null
    )
    ordered = _by_customer(typed)
    ids = ordered[CLUSTER_COLUMN]
    if ids.null_count() or (ids == ids.shift()).any():
        raise ValueError(f"a run has one row per {CLUSTER_COLUMN}")
    return ordered


def _by_customer(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows sorted by customer; rows that are sorted already are not copied."""
    return frame if frame[CLUSTER_COLUMN].is_sorted() else frame.sort(CLUSTER_COLUMN)


def _stored_type(name: str, dtype: pl.DataType, known: pl.Schema) -> pl.DataType:
    """Return the type in which a column is saved: the widest of its kind, so that columns of later runs have it too.

    Delta has neither categories nor unsigned integers.
    """
    kept: pl.DataType
    if dtype.is_integer():
        kept = pl.Int64()
    elif dtype.is_float():
        kept = pl.Float64()
    elif dtype in (pl.Categorical, pl.Enum):
        kept = pl.String()
    elif isinstance(dtype, pl.Datetime):
        kept = pl.Datetime("us", dtype.time_zone and "UTC")
    elif dtype in (pl.String, pl.Boolean, pl.Date, pl.Decimal):
        kept = dtype
    else:
        raise ValueError(f"column {name} of a run is {dtype}, which is not kept")
    earlier = known.get(name, kept)
    if earlier == kept or (earlier == pl.Float64 and kept == pl.Int64):
        return earlier
    raise ValueError(f"column {name} of a run is {kept}, and was {earlier} in earlier runs")


def _replace(root: Path, table: StoredTable, run: Run, rows: pl.DataFrame, old: list[str], highest: int) -> None:
    """Commit the rows of a run in place of the files ``old``, with a journal entry for recovery after a crash."""
    app_id = f"run {run.name} {run.version} {run.as_of.isoformat()}"
    prefix = hashlib.sha256(f"{app_id} {table.version}".encode()).hexdigest()[:PREFIX_LENGTH]
    from ckm.store.writer import settle  # import here: a reader of runs does not need it

    entry = journal.Entry(prefix, table.name, app_id, journal.mark_loaded(table, app_id))
    values = (run.number, run.name, run.version, run.as_of)
    of_run = [pl.lit(value, RUN_SCHEMA[name]).alias(name) for name, value in zip(RUN_SCHEMA, values, strict=True)]
    writer = DataFileWriter(table.folder, prefix, statistics=STATISTICS)
    parts = (part.select(*of_run, pl.all()) for part in rows.iter_slices(ROWS_PER_GROUP))
    new = journal.write_files(root, entry, writer, parts)
    table.commit(
        schema=pl.Schema({**RUN_SCHEMA, **rows.schema}),
        add=new,
        remove=old,
        run=_commit_facts(run, rows.columns, highest),
        marks={app_id: entry.mark},
    )
    settle(root, entry)
    journal.end(root)
