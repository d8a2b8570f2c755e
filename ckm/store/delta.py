"""A Delta table: schema, data files, and commits."""

from __future__ import annotations

import json
import os
import stat
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError, DeltaProtocolError
from deltalake.transaction import AddAction, RemoveAction

from ckm.io.parquet_file import scan_files
from ckm.io.scanned_files import remember
from ckm.store.commits import commits, extend, reversed_commits
from ckm.store.data_files import DataFile
from ckm.store.log import COMMIT_KEY, DamagedStoreError, entries, versions
from ckm.store.log_access import LOG_FOLDER as LOG_FOLDER
from ckm.store.log_access import log_path, storage_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

__all__ = ["LOG_FOLDER", "StoredTable", "aligned", "created"]

LOAD_KEY = "ckm_load"
"""Key of a commit for the facts of its load."""
RUN_KEY = "ckm_run"
"""Key of a commit for the facts of its run of an analysis."""
CONFIGURATION = {
    # ckm reads the load history from the log, so log entries never expire.
    "delta.enableExpiredLogCleanup": "false",
    "delta.checkpointInterval": "50",
}
COLUMN_MAPPING = 2
"""Minimum reader version of tables with column mapping (other column names in the files)."""
KEEP_REMOVED_HOURS = 24
"""Hours until files of older versions are deleted, for readers that still use them; erasure deletes them at once."""
READER_FEATURES = {"timestampNtz"}
WRITER_FEATURES = {*READER_FEATURES, "appendOnly", "invariants"}
"""Features of the Delta protocol that ckm's tables may use."""
NEWER = "the table is in a newer or another form of Delta than this version of ckm reads"
NEWER_HINT = "update ckm; if another program wrote the table, move it out of the store"
DAMAGED_FILE = (
    "run it again if the store was changed meanwhile; else ckm check --verify lists every damaged file; "
    "restore them from a backup, or move the store away and load all files anew"
)
DAMAGED_LOG = (
    "delete its checkpoints (*.checkpoint.parquet and _last_checkpoint), which only repeat the other entries; "
    "if that does not help, restore the table from a backup"
)
VACUUM_FILE = "_ckm_vacuumed"
"""File whose modification time is that of the last vacuum."""
VACUUM_EVERY = 3600
"""Seconds between vacuums. A vacuum lists every file, so one per commit would become more expensive with each commit.
"""


class StoredTable:
    """A Delta table in ``folder``, which may not exist yet.

    An instance is a snapshot: after :meth:`commit` it shows the new version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    @property
    def exists(self) -> bool:
        """Whether the table has been created."""
        return self._delta is not None

    @property
    def version(self) -> int:
        """Version of this snapshot; -1 before the table exists."""
        return -1 if self._delta is None else int(self._delta.version())

    def scan(self) -> pl.LazyFrame:
        """Return the rows of this snapshot as a lazy frame."""
        if self._delta is None:
            raise FileNotFoundError(self.folder)
        self.require(self.files)
        paths = [unquote(path) for path in self._actions["path"]]
        remember((self.folder / path for path in paths), DAMAGED_FILE)
        if self.is_plain:
            return scan_files([self.folder / path for path in paths], self.schema)
        return pl.scan_delta(self._delta)  # which finds no file if the folder's name needs escaping in a URL

    @property
    def is_plain(self) -> bool:
        """Whether all data files are in the table's folder and no column is a partition; the table must exist."""
        assert self._delta is not None
        return not self._delta.metadata().partition_columns and not any("://" in path for path in self._actions["path"])

    def require(self, files: Iterable[DataFile]) -> None:
        """Raise an error if a data file of the table is missing, truncated or not a file.

        Raises
        ------
        DamagedStoreError
            Names the file.
        """
        for file in files:
            path = self.folder / unquote(file.name)
            try:
                about = os.stat(path)  # noqa: PTH116  # thousands of files
            except OSError as error:
                gone = isinstance(error, FileNotFoundError) and not path.is_symlink()
                why = "the data file is missing" if gone else f"the data file cannot be read: {error.strerror}"
                raise DamagedStoreError(path, why, hint=DAMAGED_FILE) from None
            if not stat.S_ISREG(about.st_mode):
                raise DamagedStoreError(path, "this is not a file", hint=DAMAGED_FILE)
            if about.st_size != file.size:
                why = f"the data file has {about.st_size:,} bytes, not the {file.size:,} that were written"
                raise DamagedStoreError(path, why, hint=DAMAGED_FILE)

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of every data file that a commit added, as file name to digest.

        Files that later commits removed are included. The digest is an empty text if the commit has none.
        """
        found: dict[str, str] = {}
        for actions in entries(self.folder) if created(self.folder) else ():
            [info] = [action["commitInfo"] for action in actions if "commitInfo" in action][:1] or [{}]
            recorded = json.loads(info.get(COMMIT_KEY, "{}")).get("digests", {})
            names = (action["add"]["path"] for action in actions if "add" in action)
            found.update({name: recorded.get(name) or found.get(name, "") for name in map(unquote, names)})
        return found

    @cached_property
    def schema(self) -> pl.Schema:
        """Columns and types; empty before the table exists."""
        if self._delta is None:
            return pl.Schema()
        return pl.Schema(self._delta.schema().to_arrow())

    @cached_property
    def files(self) -> list[DataFile]:
        """The data files of this snapshot, sorted by name."""
        return _data_files(self._actions)

    def files_with(self, column: str, value: int) -> list[DataFile]:
        """Return the files that may contain ``value`` in ``column``, sorted by name.

        The log must have the minimum and maximum of the column in each file; without them the result is empty.
        """
        low, high = f"min.{column}", f"max.{column}"
        actions = self._actions
        if low not in actions.columns:
            return []
        return _data_files(actions.filter(pl.lit(value).is_between(pl.col(low), pl.col(high))))

    def rows_by(self, column: str) -> dict[int, int]:
        """Return the number of rows for each value of ``column``, which is constant within each file."""
        if f"min.{column}" not in self._actions.columns:
            return {}
        rows = self._actions.group_by(f"min.{column}").agg(pl.col("num_records").sum())
        return dict(rows.iter_rows())

    def mark(self, app_id: str) -> int:
        """Return the transaction version of ``app_id`` in the last commit that has one (its mark); 0 if none has."""
        if self._delta is None:
            return 0
        if app_id not in self._marks:  # each call reads the whole log segment
            self._marks[app_id] = self._delta.transaction_version(app_id) or 0
        return self._marks[app_id]

    def history(self, key: str = LOAD_KEY, containing: str = "") -> list[dict[str, Any]]:
        """Return the values of ``key`` in commits, oldest first, with ``version`` and ``timestamp`` (ms).

        With ``containing`` (an id), commits without it may be omitted.
        """
        return [
            {**commit[key], "version": commit["version"], "timestamp": commit["timestamp"]}
            for commit in commits(self.folder, self.version, containing)
            if key in commit
        ]

    def last(self, key: str) -> dict[str, Any] | None:
        """Return the value of ``key`` in the last commit that has the key; None if no commit has it."""
        return next((commit[key] for commit in reversed_commits(self.folder, self.version) if key in commit), None)

    def commit(
        self,
        *,
        schema: pl.Schema,
        add: Iterable[DataFile] = (),
        remove: Iterable[str] = (),
        load: Mapping[str, Any] | None = None,
        run: Mapping[str, Any] | None = None,
        marks: Mapping[str, int] | None = None,
        facts: Mapping[str, Any] | None = None,
        same_rows: bool = False,
    ) -> None:
        """Commit a change of the table: its added and removed files, and a description for the log.

        Parameters
        ----------
        schema
            Columns of the added files; missing columns are first added to the table.
        add, remove
            Added files, and names of removed files.
        load, run
            Facts of the load or of the run, stored in the log under :data:`LOAD_KEY` and :data:`RUN_KEY`.
        marks
            Application id to transaction version (see :meth:`mark`), which makes a load idempotent.
        facts
            Further facts of the commit by key; keys begin with ``ckm_``.
        same_rows
            Whether the added files contain the rows of the removed ones, so that readers of changes can skip the
            commit.
        """
        delta = self._ready(schema)
        metadata = {LOAD_KEY: load, RUN_KEY: run, **(facts or {})}
        metadata = {key: value for key, value in metadata.items() if value is not None}
        add, remove = list(add), list(remove)
        metadata[COMMIT_KEY] = {
            "add": len(add),
            "remove": len(remove),
            "txn": len(marks or {}),
            "digests": {file.name: file.digest for file in add if file.digest},
        }
        adds = [
            AddAction(file.name, file.size, {}, _modified(self.folder / file.name), not same_rows, file.statistics)
            for file in add
        ]
        now = time.time_ns() // 1_000_000
        removes = [RemoveAction(name, not same_rows, now, partition_values={}) for name in remove]
        delta.create_write_transaction(
            [*adds, *removes],
            "append",
            delta.schema(),
            commit_properties=CommitProperties(
                custom_metadata={key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()} or None,
                app_transactions=[Transaction(app_id, version) for app_id, version in (marks or {}).items()],
            ),
        )
        self.refresh()
        extend(self.folder, self.version)

    def refresh(self) -> None:
        """Read the newest version of the table."""
        if self._delta is None:
            self._forget_snapshot()
        else:
            self._delta.update_incremental()
            self._forget_files()

    def vacuum(self, *, keep_hours: int = KEEP_REMOVED_HOURS) -> None:
        """Delete files that were removed from the table more than ``keep_hours`` ago."""
        if self._delta is not None:
            path = log_path(self.folder)
            if path == self.folder:
                self._writable().vacuum(retention_hours=keep_hours, enforce_retention_duration=False, dry_run=False)
            else:
                self._vacuum_beside(path, keep_hours)
            self._forget_snapshot()

    def checkpoint(self) -> None:
        """Write a checkpoint, which makes opening a long log fast."""
        self._forget_snapshot()
        if self._delta is not None:
            self._writable().create_checkpoint()

    def tidy(self) -> None:
        """Vacuum the table, unless that was done within the last hour."""
        marker = self.folder / VACUUM_FILE
        now = time.time()
        if not marker.exists() or not 0 <= now - marker.stat().st_mtime < VACUUM_EVERY:
            self.vacuum()
            if self.exists:
                marker.touch()

    def _vacuum_beside(self, path: Path, keep_hours: int) -> None:
        """Vacuum a table that deltalake opens by another path than its folder (:func:`log_path`).

        ``path`` gets an empty file for each data file; deltalake lists the expired ones, and ckm deletes these from the
        folder of the table.
        """
        assert self._delta is not None
        names = [file.name for file in self.folder.glob("*.parquet")]
        try:
            for name in names:
                (path / name).touch()
            for name in self._delta.vacuum(retention_hours=keep_hours, enforce_retention_duration=False, dry_run=True):
                (self.folder / name).unlink(missing_ok=True)
        finally:
            for name in names:
                (path / name).unlink(missing_ok=True)

    @cached_property
    def _actions(self) -> pl.DataFrame:
        """The add actions of the log for the data files of this snapshot, one row per file."""
        if self._delta is None:
            return pl.DataFrame()
        # pa.table and pa.schema would import pandas where it is installed, in a quarter of a second
        return pl.DataFrame(self._delta.get_add_actions(flatten=True))

    @cached_property
    def _delta(self) -> DeltaTable | None:
        if not created(self.folder):
            return None
        try:
            delta = DeltaTable(log_path(self.folder))
            protocol = delta.protocol()
            unknown = {*(protocol.reader_features or ())} - READER_FEATURES
            unknown |= {*(protocol.writer_features or ())} - WRITER_FEATURES
        except (DeltaError, DeltaProtocolError, OSError, ValueError) as error:
            if "nsupported" in str(error):
                raise DamagedStoreError(self.folder, NEWER, hint=NEWER_HINT) from error
            raise DamagedStoreError(self.folder / LOG_FOLDER, "the log is damaged", hint=DAMAGED_LOG) from error
        if unknown or protocol.min_reader_version not in (1, 3) or protocol.min_writer_version not in (1, 2, 7):
            raise DamagedStoreError(self.folder, NEWER, hint=NEWER_HINT)
        return delta

    def _forget_snapshot(self) -> None:
        self.__dict__.pop("_delta", None)
        self._forget_files()

    @cached_property
    def _marks(self) -> dict[str, int]:
        return {}

    def _forget_files(self) -> None:
        for name in ("files", "schema", "_actions", "_marks"):
            self.__dict__.pop(name, None)

    def _ready(self, schema: pl.Schema) -> DeltaTable:
        """Create the table, or add missing columns of ``schema`` to it."""
        if self._delta is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            options = storage_options(self.folder)
            path = log_path(self.folder)
            DeltaTable.create(path, schema=_arrow(schema), configuration=CONFIGURATION, storage_options=options)
            self._forget_snapshot()
        new = pl.Schema({name: dtype for name, dtype in schema.items() if name not in self.schema})
        if new:
            self._writable().alter.add_columns(DeltaSchema.from_arrow(_arrow(new)).fields)
            self._forget_snapshot()
        return self._writable()

    def _writable(self) -> DeltaTable:
        """Return the table opened for a commit."""
        assert self._delta is not None
        options = storage_options(self.folder)
        return DeltaTable(log_path(self.folder), storage_options=options) if options else self._delta


def created(folder: Path) -> bool:
    """Return whether ``folder`` contains a table; a log without a commit remains if the first commit was interrupted.

    Raises
    ------
    DamagedStoreError
        The log cannot be read or is incomplete.
    """
    return bool(versions(folder))


def aligned(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return ``frame`` with exactly the columns of ``schema``, in the order of ``schema``; missing columns are null."""
    there = set(frame.columns)
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in there]
    return frame.with_columns(missing).select(list(schema))


def _arrow(schema: pl.Schema) -> pa.Schema:
    return pl.DataFrame(schema=schema).to_arrow().schema


def _modified(path: Path) -> int:
    return int(path.stat().st_mtime * 1000)


def _data_files(actions: pl.DataFrame) -> list[DataFile]:
    return sorted((_data_file(row) for row in actions.iter_rows(named=True)), key=lambda file: file.name)


def _data_file(action: dict[str, Any]) -> DataFile:
    """Return the data file that an add action of the log describes; ``action`` is flattened by deltalake."""
    bounds: dict[str, dict[str, Any]] = {"min": {}, "max": {}}
    for name, value in action.items():
        kind, _, column = name.partition(".")
        if kind in bounds and value is not None:
            bounds[kind][column] = value.isoformat() if hasattr(value, "isoformat") else value
    facts = {"numRecords": action["num_records"], "minValues": bounds["min"], "maxValues": bounds["max"]}
    return DataFile(
        action["path"],
        action["num_records"],
        action["size_bytes"],
        json.dumps(facts, ensure_ascii=False),
        modified=action["modification_time"],
    )
