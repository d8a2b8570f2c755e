"""Removal of rows that are older than their retention, with the old files and the bounds in the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.config import LEDGER_FOLDER
from ckm.io.parquet_file import scan_files
from ckm.store import runs
from ckm.store.data_files import STATISTICS
from ckm.store.delta import StoredTable
from ckm.store.erase import forget_ledger
from ckm.store.log_statistics import forget_old_bounds
from ckm.store.staging import drop_from_files

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.store.staging import Positions

POSITION = "ckm:position"


def remove_expired(root: Path, name: str, expired: pl.Expr) -> int:
    """Remove the rows of a table that meet a condition, in one commit; return their number.

    Requires the lock. Old files are deleted at once. If it is interrupted, running it again completes it. The cached
    customer ledger is deleted as a whole.

    Parameters
    ----------
    root
        Folder of the store.
    name
        Name of the table.
    expired
        Condition on columns of the table; null is false.
    """
    forget_ledger(root / LEDGER_FOLDER)
    table = StoredTable(root / name)
    columns = list(dict.fromkeys(expired.meta.root_names()))
    schema = pl.Schema({each: table.schema[each] for each in columns})
    drops: dict[str, list[Positions]] = {}
    for file in table.files:
        rows = scan_files([table.folder / file.name], schema).with_row_index(POSITION).filter(expired)
        positions = rows.select(pl.col(POSITION).cast(pl.Int64)).collect().to_series().to_numpy()
        if len(positions):
            drops[file.name] = [positions]
    if drops:
        statistics = runs.STATISTICS if runs.is_runs(name) else STATISTICS
        prefix = f"expired-{table.version:08d}"
        _, rewritten = drop_from_files(table.folder, table.files, drops, prefix, statistics)
        table.commit(schema=table.schema, add=rewritten, remove=list(drops))
    table.vacuum(keep_hours=0)
    forget_old_bounds(table)
    return sum(len(positions) for [positions] in drops.values())
