"""The store: Delta tables of Parquet files in one folder; each change is one commit.

Readers need no lock and see complete commits. A writer takes the lock and first recovers an interrupted load::

    with store.locked():
        load = store.begin(...)
        load.add(frame)
        load.finish()
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.files import temporary_folder
from ckm.paths import openable
from ckm.store import journal, loads, runs
from ckm.store.damage import explained, table_folders
from ckm.store.data_files import CLUSTER_COLUMN
from ckm.store.delta import StoredTable
from ckm.store.known_rows import as_known, states
from ckm.store.loads import Load, LoadFacts
from ckm.store.lock import exclusive, held
from ckm.store.log import versions
from ckm.store.log_access import LOG_FOLDER
from ckm.store.runs import Run
from ckm.store.side_tables import QUARANTINE, REPLACED, REPLACED_BY
from ckm.store.snapshot import TableSnapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date, datetime
    from typing import Any

    import polars as pl

    from ckm.store.erase import CustomerRows, Found, RowReplacement
    from ckm.store.incomplete_orders import OrderAmounts
    from ckm.store.merge import ConflictError, OnConflict
    from ckm.store.row_identity import Identity
    from ckm.store.verify import FileState, VerifiedFile
    from ckm.store.writer import LoadWriter

__all__ = [
    "REPLACED_BY",
    "ConflictError",
    "CustomerRows",
    "FileState",
    "Identity",
    "Load",
    "LoadFacts",
    "LoadWriter",
    "OnConflict",
    "Run",
    "Store",
    "TableSnapshot",
    "UndoneLoad",
    "VerifiedFile",
]

ID_LENGTH = 12
_OF_WRITERS = {
    "ConflictError": "merge", "CustomerRows": "erase", "FileState": "verify", "Identity": "row_identity",
    "LoadWriter": "writer", "OnConflict": "merge", "VerifiedFile": "verify",
}  # fmt: skip
"""Module of each name that only writers and verification use: a reader does not import them, which saves a tenth of a
second."""


def __getattr__(name: str) -> Any:
    if name in _OF_WRITERS:
        return getattr(import_module(f"ckm.store.{_OF_WRITERS[name]}"), name)
    raise AttributeError(f"module 'ckm.store' has no attribute '{name}'")


@dataclass(frozen=True)
class UndoneLoad:
    """Result of undoing a load.

    Attributes
    ----------
    load
        Facts of the load.
    rows
        Number of rows removed from the table.
    load_again
        Files of other loads that must be loaded again, because some of their rows may now be missing from the table or
        the quarantine.
    """

    load: LoadFacts
    rows: int
    load_again: tuple[str, ...]


class Store:
    """The tables in the folder ``root``. A table is created with its first load.

    Parameters
    ----------
    root
        The folder.
    wait
        Longest time in seconds to wait for another writer; None waits without limit.
    """

    def __init__(self, root: Path, *, wait: float | None = None) -> None:
        self.root = openable(root)
        self.wait = wait
        self._snapshots: dict[str, StoredTable] | None = None

    def tables(self) -> list[str]:
        """Return the names of the tables, without side tables and run history.

        Raises
        ------
        DamagedStoreError
            The store has files that cannot be read, or that ckm did not write.
        """
        names = [folder.name for folder in table_folders(self.root)]
        beside = {name for name in names if name == QUARANTINE or name.endswith(REPLACED) or runs.is_runs(name)}
        return [name for name in names if name not in beside]

    def scan(self, table: str, *, known_before: datetime | None = None) -> pl.LazyFrame:
        """Return the rows of a table as a lazy frame: the present rows, or the rows as they were known before a moment.

        Raises
        ------
        UnknownNameError
            The store has no such table.
        """
        found = StoredTable(self.root / table)
        if not found.exists:
            raise UnknownNameError("table", table, self.tables(), where="store")
        earlier = as_known(found, self._replaced(table), known_before) if known_before is not None else None
        return found.scan() if earlier is None else earlier

    def scan_customers(
        self, table: str, customers: Collection[str], *, known_before: datetime | None = None
    ) -> pl.LazyFrame:
        """Return the rows of some customers as a lazy frame, as :meth:`scan`; of a table with ``customer_id``.

        The present rows come from those files only whose bounds in the log allow one of the customers.

        Raises
        ------
        UnknownNameError
            The store has no such table.
        """
        import polars as pl

        found = self._table(table)
        as_now = known_before is None or self.is_known_as_now(table, known_before)
        snapshot = TableSnapshot.of(found) if as_now and found.exists else None
        if snapshot is not None:
            found.require(snapshot.files.values())
            return snapshot.scan_customers(pl.Series(CLUSTER_COLUMN, sorted(customers), dtype=pl.String))
        return self.scan(table, known_before=known_before).filter(pl.col(CLUSTER_COLUMN).is_in(sorted(customers)))

    def is_known_as_now(self, table: str, moment: datetime) -> bool:
        """Return whether the table's rows as known before ``moment`` are its present rows."""
        return as_known(StoredTable(self.root / table), self._replaced(table), moment) is None

    def states(self, table: str) -> pl.DataFrame:
        """Return every state of the orders that have several; see :func:`ckm.store.known_rows.states`."""
        return states(StoredTable(self.root / table), self._replaced(table))

    def _replaced(self, table: str) -> StoredTable:
        return StoredTable(self.root / f"{table}{REPLACED}")

    def state(self, table: str) -> str | None:
        """Return an identifier of the present state of a table; None if the store has no such table.

        The identifier is a digest of the newest entry of the table's log, so it differs between states and between
        stores.
        """
        folder = self.root / table
        newest = max(versions(folder), default=None)
        entry = folder / LOG_FOLDER / f"{newest:020}.json" if newest is not None else None
        if entry is None or not entry.is_file():
            return None
        return f"{newest}-{hashlib.sha256(entry.read_bytes()).hexdigest()}"

    def snapshot(self, table: str, state: str) -> TableSnapshot | None:
        """Return the data files of a table if it still has the :meth:`state` ``state``; else None."""
        found = StoredTable(self.root / table)
        if not found.exists or self.state(table) != state:
            return None
        snapshot = TableSnapshot.of(found)
        return snapshot if self.state(table) == state else None  # another load may have been committed meanwhile

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table; none before its first load."""
        return list(self._table(table).schema)

    def quarantine(self) -> pl.LazyFrame | None:
        """Return the quarantined rows (see :data:`ckm.store.side_tables.SCHEMA`); None before the first one."""
        there = {folder.name for folder in table_folders(self.root)}
        return StoredTable(self.root / QUARANTINE).scan() if QUARANTINE in there else None

    def history(self) -> list[Load]:
        """Return every load, oldest first."""
        return loads.history(StoredTable(self.root / name) for name in self.tables())

    def verify(self) -> list[VerifiedFile]:
        """Compare every data file with the digest in its commit; see :func:`ckm.store.verify.verify`."""
        from ckm.store.verify import verify

        return verify(self.root)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the store for writing; wait for another writer to finish.

        Raises
        ------
        BusyError
            Another writer holds the lock for longer than ``wait``.
        DamagedStoreError
            The store has files that cannot be read, or that ckm did not write.
        UsageError
            The disk is full, or the store is read-only.
        """
        from ckm.store.writer import recover

        with exclusive(self.root, self.wait), explained(self.root):
            recover(self.root)
            table_folders(self.root)
            self._snapshots = {}
            try:
                yield
            finally:
                self._snapshots = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the store for several steps of this thread, each of which may enter :meth:`locked`.

        Other writers wait for the end of the last step; readers do not.

        Raises
        ------
        BusyError, DamagedStoreError, UsageError
            As :meth:`locked`.
        """
        with held(self.root, self.wait):
            with self.locked():  # recover from a killed writer before the first step
                pass
            yield

    @contextmanager
    def rehearsal(self) -> Iterator[Store]:
        """Yield a temporary copy of this store for a dry run; changes to the copy do not reach the store."""
        from ckm.store.store_copy import mirror

        with tempfile.TemporaryDirectory(prefix="dry-run-", dir=temporary_folder()) as folder:
            copy = Path(folder) / self.root.name
            mirror(self.root, copy)
            yield Store(copy)

    def has(self, table: str, content_id: str) -> bool:
        """Return whether a file's content is loaded and not undone."""
        return self._table(table).mark(content_id) % 2 == 1

    def load_of(self, table: str, content_id: str) -> LoadFacts | None:
        """Return the last load of a file's content that is not undone; None without one."""
        found = loads.history([self._table(table)], content_id)
        standing = [load.facts for load in found if load.facts.content_id == content_id and not load.undone]
        return standing[-1] if standing else None

    def begin(
        self,
        facts: LoadFacts,
        *,
        schema: pl.Schema,
        expected_rows: int = 0,
        continues: bool = False,
        amounts: OrderAmounts | None = None,
    ) -> LoadWriter:
        """Begin a load; requires the lock.

        Parameters
        ----------
        facts
            Facts of the load that are known before its rows; the store assigns ``load_id``. A second load with the
            same ``content_id`` (content, mapping and table) is ``unchanged``.
        schema
            Columns of the rows that will be added, without ``load_id`` and ``repeat_no``.
        expected_rows
            Estimated number of rows.
        continues
            Whether rows of the same file were loaded before. A row without a key that equals such a row is then a
            further row, with the next repeat number.
        amounts
            Functions that spread order amounts over lines; None if the source has no order amounts.
        """
        from ckm.store.writer import LoadWriter

        table = self._table(facts.table)
        named = replace(facts, load_id=_load_id(facts.content_id, table))
        writer = LoadWriter(self.root, table, named, schema=schema, expected_rows=expected_rows, amounts=amounts)
        if continues:
            same_file = [load.facts for load in loads.of_file(table, facts.file_id) if _same_file(load.facts, facts)]
            writer.follow({load.load_id for load in same_file})
        return writer

    def undo(self, load_id: str) -> UndoneLoad:
        """Undo a load; takes the lock.

        Rows that a later load found unchanged are removed too, because the store records one load per row. Rows that
        the load moved out of the quarantine are not moved back. The later loads, and the loads that quarantined these
        rows, then count as not loaded, so that their files can be loaded again.

        Raises
        ------
        UnknownNameError
            No load has this id.
        UsageError
            The load was undone before, or is itself an undo.
        """
        with self.locked():
            found = {load.facts.load_id: load for load in self.history()}
            if load_id not in found:
                raise UnknownNameError("load", load_id, found, where="store")
            load = found[load_id]
            if load.undone or load.facts.kind == "undo":
                raise UsageError(f"load {load_id} cannot be undone (again)", hint="see ckm ingest --history")
            return self._undo(load.facts, _loads_to_repeat(load, list(found.values())))

    def erase_customer(self, customer_id: str) -> dict[str, int]:
        """Remove a customer from every table, the run history and old files; return the removed rows per table.

        Takes the lock.
        """
        from ckm.store.erase import erase_customer

        with self.locked():
            return erase_customer(self.root, customer_id)

    def erase_customers(
        self, customers: CustomerRows, found: Found, replacement: RowReplacement | None = None
    ) -> dict[str, int]:
        """Remove customers from every table, the run history and old files; see :func:`ckm.store.erase`.

        Takes the lock.
        """
        from ckm.store.erase import erase_customers

        with self.locked():
            return erase_customers(self.root, customers, found, replacement)

    def save_run(
        self, analysis: str, name: str, version: int, as_of: date, frame: pl.DataFrame, facts: Mapping[str, Any]
    ) -> Run:
        """Save a run with one row of results per customer; takes the lock, see :func:`ckm.store.runs.save`."""
        with self.locked():
            return runs.save(self.root, analysis, name, version, as_of, frame, facts)

    def runs(self, analysis: str, name: str | None = None) -> list[Run]:
        """Return the saved runs of an analysis, sorted by number; with ``name``, only the runs of this definition."""
        table_folders(self.root)  # raise for a damaged store, which could look like a store without runs
        return runs.kept(self.root, analysis, name)

    def read_run(self, run: Run, columns: Collection[str] | None = None) -> pl.DataFrame:
        """Return the rows of a saved run, sorted by ``customer_id``; see :func:`ckm.store.runs.read`."""
        return runs.read(self.root, run, columns)

    def read_customers(
        self, analysis: str, runs_of_analysis: Collection[Run], customers: Collection[str], columns: Collection[str]
    ) -> pl.DataFrame:
        """Return the rows of some customers in saved runs; see :func:`ckm.store.runs.read_customers`."""
        return runs.read_customers(self.root, analysis, runs_of_analysis, customers, columns)

    def _table(self, name: str) -> StoredTable:
        """Return a table; under the lock the log of each table is read once, because no other process changes it."""
        if self._snapshots is None:
            return StoredTable(self.root / name)
        return self._snapshots.setdefault(name, StoredTable(self.root / name))

    def _undo(self, load: LoadFacts, again: list[LoadFacts]) -> UndoneLoad:
        from ckm.store import undo
        from ckm.store.writer import settle

        table = self._table(load.table)
        marks = {facts.content_id: journal.mark_unloaded(table, facts.content_id) for facts in [load, *again]}
        facts = LoadFacts(
            load_id=_load_id(f"undo {load.load_id}", table), table=load.table, kind="undo", file=load.file,
            file_id=load.file_id, content_id=load.content_id, source=load.source, key=load.key, content=load.content,
            undoes=load.load_id,
        )  # fmt: skip
        entry = journal.Entry(facts.load_id, load.table, load.content_id, marks[load.content_id], undoes=load.load_id)
        journal.begin(self.root, entry)
        rows = undo.undo_load(self.root, table, load, facts, marks)
        settle(self.root, entry)
        journal.end(self.root)
        return UndoneLoad(load, rows, tuple(dict.fromkeys(facts.file for facts in again)))


def _loads_to_repeat(load: Load, all_loads: list[Load]) -> list[LoadFacts]:
    """Return the loads whose files must be loaded again, because undoing ``load`` may remove rows that they contain."""
    mine, place = load.facts, all_loads.index(load)
    standing = [
        (number, other.facts)
        for number, other in enumerate(all_loads)
        if other.facts.table == mine.table and not other.undone and other is not load
    ]
    same_rows = [facts for number, facts in standing if number > place and facts.unchanged]
    same_file = [facts for number, facts in standing if number < place if facts.quarantined and _same_file(facts, mine)]
    return [*same_file, *same_rows]


def _same_file(one: LoadFacts, other: LoadFacts) -> bool:
    return (one.table, one.file_id, one.source) == (other.table, other.file_id, other.source)


def _load_id(content_id: str, table: StoredTable) -> str:
    """Return a load id, which depends only on the loaded content and the state of the table."""
    return hashlib.sha256(f"{content_id} {table.version}".encode()).hexdigest()[:ID_LENGTH]
