"""One Delta table: its schema, its files, and the commit that changes them."""

from __future__ import annotations

import json
import os
import stat
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake import Schema as DeltaSchema
from deltalake.exceptions import DeltaError, DeltaProtocolError
from deltalake.transaction import AddAction, RemoveAction

from ckm.scanned import remember
from ckm.store.data_files import DataFile
from ckm.store.log import COMMIT_KEY, LOG_FOLDER, DamagedStoreError, entries, versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["LOG_FOLDER", "Table", "aligned", "created"]

LOAD_KEY = "ckm_load"
"""Where a commit keeps the facts of the load that it lands."""
RUN_KEY = "ckm_run"
"""Where a commit keeps the facts of the run of an analysis that it lands."""
CONFIGURATION = {
    # The history of loads lives in the log: it is never cleaned away.
    "delta.enableExpiredLogCleanup": "false",
    "delta.checkpointInterval": "50",
}
KEEP_REMOVED_HOURS = 24
"""How long files of older versions stay for readers that still hold them; erasing a customer does not wait."""
READER_FEATURES = {"timestampNtz"}
WRITER_FEATURES = {*READER_FEATURES, "appendOnly", "invariants"}
"""Of the Delta protocol: what tables of ckm may use, and what this code reads and writes."""
NEWER = "the table is in a newer or another form of Delta than this version of ckm reads"
NEWER_HINT = "update ckm; if another program wrote the table, move it out of the store"
DAMAGED_FILE = (
    "ckm check --verify lists every damaged file; restore them from a backup, "
    "or move the store away and load all files anew"
)


class Table:
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
        """Return the rows of this snapshot, lazily."""
        if self._delta is None:
            raise FileNotFoundError(self.folder)
        self.require(self.files)
        remember((self.folder / file.name for file in self.files), DAMAGED_FILE)
        return pl.scan_delta(self._delta)

    def require(self, files: Iterable[DataFile]) -> None:
        """Refuse to go on where one of the table's data files is missing, cut short or no file.

        Raises
        ------
        DamagedStoreError
            Names the file.
        """
        for file in files:
            path = self.folder / file.name
            try:
                about = os.stat(path)  # noqa: PTH116  # thousands of files
            except OSError as error:
                gone = isinstance(error, FileNotFoundError) and not path.is_symlink()
                why = "the data file is missing" if gone else f"the data file cannot be read: {error.strerror}"
                raise DamagedStoreError(path, why, hint=DAMAGED_FILE) from None
            if not stat.S_ISREG(about.st_mode):
                raise DamagedStoreError(path, "this is no file", hint=DAMAGED_FILE)
            if about.st_size != file.size:
                why = f"the data file has {about.st_size:,} bytes, not the {file.size:,} that were written"
                raise DamagedStoreError(path, why, hint=DAMAGED_FILE)

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of every data file that a commit names, by name; empty text where none was kept.

        Files that left the table since are among them.
        """
        found: dict[str, str] = {}
        for actions in entries(self.folder) if created(self.folder) else ():
            [info] = [action["commitInfo"] for action in actions if "commitInfo" in action][:1] or [{}]
            told = json.loads(info.get(COMMIT_KEY, "{}")).get("digests", {})
            names = (action["add"]["path"] for action in actions if "add" in action)
            found.update({name: told.get(name) or found.get(name, "") for name in map(unquote, names)})
        return found

    @cached_property
    def schema(self) -> pl.Schema:
        """Columns and types; empty before the table exists."""
        if self._delta is None:
            return pl.Schema()
        empty = pl.from_arrow(pa.schema(self._delta.schema().to_arrow()).empty_table())
        assert isinstance(empty, pl.DataFrame)
        return empty.schema

    @cached_property
    def files(self) -> list[DataFile]:
        """The data files of this snapshot, by name."""
        if self._delta is None:
            return []
        actions = pl.DataFrame(pl.from_arrow(pa.table(self._delta.get_add_actions(flatten=True))))
        if actions.is_empty():
            return []
        return sorted((_data_file(row) for row in actions.iter_rows(named=True)), key=lambda file: file.name)

    def mark(self, app_id: str) -> int:
        """Return the last version that application ``app_id`` committed with; 0 where it never did."""
        return 0 if self._delta is None else self._delta.transaction_version(app_id) or 0

    def history(self, key: str = LOAD_KEY) -> list[dict[str, Any]]:
        """Return what commits say under ``key``, oldest first, each with its ``version`` and ``timestamp`` (ms)."""
        if self._delta is None:
            return []
        told = self._delta.history()
        if len(told) <= self.version:
            raise DamagedStoreError(self.folder / LOG_FOLDER, "an entry of the log is cut short or damaged")
        commits = [commit for commit in told if key in commit]
        found = [
            {**json.loads(commit[key]), "version": commit["version"], "timestamp": commit["timestamp"]}
            for commit in commits
        ]
        return sorted(found, key=lambda facts: facts["version"])

    def commit(
        self,
        *,
        schema: pl.Schema,
        add: Iterable[DataFile] = (),
        remove: Iterable[str] = (),
        load: Mapping[str, Any] | None = None,
        run: Mapping[str, Any] | None = None,
        marks: Mapping[str, int] | None = None,
    ) -> None:
        """Change the table in one step: files in, files out, and what the load or run says of itself.

        Parameters
        ----------
        schema
            Columns of the added files. Columns that the table lacks are added to it first.
        add, remove
            Files that enter, and names of files that leave.
        load, run
            Facts of the load or of the run, kept in the log under :data:`LOAD_KEY` and :data:`RUN_KEY`.
        marks
            Application id to version: what makes a load idempotent.
        """
        delta = self._ready(schema)
        told = {key: facts for key, facts in ((LOAD_KEY, load), (RUN_KEY, run)) if facts is not None}
        add, remove = list(add), list(remove)
        told[COMMIT_KEY] = {
            "add": len(add),
            "remove": len(remove),
            "txn": len(marks or {}),
            "digests": {file.name: file.digest for file in add if file.digest},
        }
        adds = [
            AddAction(file.name, file.size, {}, _modified(self.folder / file.name), True, file.statistics)
            for file in add
        ]
        now = time.time_ns() // 1_000_000
        removes = [RemoveAction(name, True, now, partition_values={}) for name in remove]
        delta.create_write_transaction(
            [*adds, *removes],
            "append",
            delta.schema(),
            commit_properties=CommitProperties(
                custom_metadata={key: json.dumps(facts, ensure_ascii=False) for key, facts in told.items()} or None,
                app_transactions=[Transaction(app_id, version) for app_id, version in (marks or {}).items()],
            ),
        )
        self._forget_snapshot()

    def vacuum(self, *, keep_hours: int = KEEP_REMOVED_HOURS) -> None:
        """Delete files that left the table more than ``keep_hours`` ago."""
        if self._delta is not None:
            self._delta.vacuum(retention_hours=keep_hours, enforce_retention_duration=False, dry_run=False)
            self._forget_snapshot()

    @cached_property
    def _delta(self) -> DeltaTable | None:
        if not created(self.folder):
            return None
        try:
            delta = DeltaTable(self.folder)
            protocol = delta.protocol()
            unknown = {*(protocol.reader_features or ())} - READER_FEATURES
            unknown |= {*(protocol.writer_features or ())} - WRITER_FEATURES
        except (DeltaError, DeltaProtocolError, OSError, ValueError) as error:
            if "nsupported" in str(error):
                raise DamagedStoreError(self.folder, NEWER, hint=NEWER_HINT) from error
            raise DamagedStoreError(self.folder / LOG_FOLDER, "the log is damaged") from error
        if unknown or protocol.min_reader_version not in (1, 3) or protocol.min_writer_version not in (1, 2, 7):
            raise DamagedStoreError(self.folder, NEWER, hint=NEWER_HINT)
        return delta

    def _forget_snapshot(self) -> None:
        for name in ("_delta", "files", "schema"):
            self.__dict__.pop(name, None)

    def _ready(self, schema: pl.Schema) -> DeltaTable:
        """Create the table or widen it, so that files of ``schema`` fit."""
        if self._delta is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            DeltaTable.create(self.folder, schema=_arrow(schema), configuration=CONFIGURATION)
            self._forget_snapshot()
        new = pl.Schema({name: dtype for name, dtype in schema.items() if name not in self.schema})
        assert self._delta is not None
        if new:
            self._delta.alter.add_columns(DeltaSchema.from_arrow(_arrow(new)).fields)
            self._forget_snapshot()
            assert self._delta is not None
        return self._delta


def created(folder: Path) -> bool:
    """Whether ``folder`` holds a table; a log without a commit is what a process killed at the first one left.

    Raises
    ------
    DamagedStoreError
        The log cannot be read or is not whole.
    """
    return bool(versions(folder))


def aligned(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return ``frame`` with exactly the columns of ``schema``, in its order; the missing ones are null."""
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(list(schema))


def _arrow(schema: pl.Schema) -> pa.Schema:
    return pl.DataFrame(schema=schema).to_arrow().schema


def _modified(path: Path) -> int:
    return int(path.stat().st_mtime * 1000)


def _data_file(action: dict[str, Any]) -> DataFile:
    """Rebuild a file's facts from a flattened add action."""
    bounds: dict[str, dict[str, Any]] = {"min": {}, "max": {}}
    for name, value in action.items():
        kind, _, column = name.partition(".")
        if kind in bounds and value is not None:
            bounds[kind][column] = value.isoformat() if hasattr(value, "isoformat") else value
    facts = {"numRecords": action["num_records"], "minValues": bounds["min"], "maxValues": bounds["max"]}
    return DataFile(action["path"], action["num_records"], action["size_bytes"], json.dumps(facts, ensure_ascii=False))
