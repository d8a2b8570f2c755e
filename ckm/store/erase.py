"""Erasure of a customer: all rows in all tables, and the files that contained them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.config import LEDGER_FOLDER
from ckm.errors import UsageError
from ckm.io.parquet_file import read_file
from ckm.store import runs
from ckm.store.damage import table_folders
from ckm.store.data_files import CLUSTER_COLUMN, STATISTICS, DataFile
from ckm.store.delta import StoredTable
from ckm.store.quarantine_search import names_customer
from ckm.store.side_tables import QUARANTINE
from ckm.store.staging import drop_from_files

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.store.staging import Positions


def erase_customer(root: Path, customer_id: str) -> dict[str, int]:
    """Remove a customer's rows from every table with customer ids; return the number of rows by table.

    Requires the lock. The tables include the run history. Old files are deleted at once, so that no earlier version can
    be read. The minimum and maximum customer id of each file stay in the log (except for runs, whose logs have none).
    The cached customer ledger is deleted as a whole. An interrupted erasure is completed by running it again.
    """
    _forget_ledger(root / LEDGER_FOLDER)
    erased = {}
    for folder in table_folders(root):
        table = StoredTable(folder)
        if CLUSTER_COLUMN in table.schema:
            erased[table.name] = _erase_from(table, customer_id)
            table.vacuum(keep_hours=0)
    return erased


def _forget_ledger(folder: Path) -> None:
    """Delete the cached ledger, which contains customer ids."""
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be deleted: {error.strerror}; it contains customer ids, and no customer was erased",
            hint="change its permissions, and erase again",
        ) from error


def _erase_from(table: StoredTable, customer_id: str) -> int:
    drops = {
        file.name: [positions]
        for file in table.files
        if table.name == QUARANTINE or file.may_hold(CLUSTER_COLUMN, customer_id)
        if len(positions := _rows_of(table, file, customer_id))
    }
    if drops:
        statistics = runs.STATISTICS if runs.is_runs(table.name) else STATISTICS
        _, rewritten = drop_from_files(table.folder, table.files, drops, f"erase-{table.version:08d}", statistics)
        table.commit(schema=table.schema, add=rewritten, remove=list(drops))
    return sum(len(positions) for [positions] in drops.values())


def _rows_of(table: StoredTable, file: DataFile, customer_id: str) -> Positions:
    theirs = pl.col(CLUSTER_COLUMN) == customer_id
    columns = [CLUSTER_COLUMN] + (["raw"] if table.name == QUARANTINE else [])
    frame = read_file(table.folder / file.name, columns)
    found = frame.select(theirs.fill_null(value=False)).to_series()
    if table.name == QUARANTINE:  # a quarantined record may contain the id in any place
        found |= names_customer(frame["raw"], customer_id)
    return np.flatnonzero(found.to_numpy())
