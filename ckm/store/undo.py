"""Undo of one load: its rows are removed, and the rows that they had replaced return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.store import side_tables
from ckm.store.data_files import DataFile, DataFileWriter, rows_of_loads
from ckm.store.delta import StoredTable, aligned
from ckm.store.loads import history
from ckm.store.order_undo import earlier_states, rows_to_drop
from ckm.store.row_identity import Identity
from ckm.store.side_tables import QUARANTINE, REPLACED, REPLACED_BY
from ckm.store.staging import drop_from_files

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.store.loads import LoadFacts
    from ckm.store.row_identity import Hashes
    from ckm.store.staging import Positions


def undo_load(root: Path, table: StoredTable, load: LoadFacts, undo: LoadFacts, marks: dict[str, int]) -> int:
    """Remove the rows of ``load`` from ``table`` in one commit marked ``undo``; return the number of rows removed.

    A row of ``load`` that a later load has replaced is no longer in the table and stays replaced. The row that the
    row of ``load`` had replaced is then stored as replaced by the later load (see :func:`forget`).
    """
    table.require(table.files)
    drops = {file.name: [positions] for file in table.files if len(positions := _rows_of(table, file, load.load_id))}
    leaving = sum(len(positions) for [positions] in drops.values())
    if load.by_order:
        dated = earlier_states(table, StoredTable(root / f"{table.name}{REPLACED}"), load, drops)
        for name, positions in dated.leaving.items():
            drops.setdefault(name, []).append(positions)
        returning = dated.entering
    else:
        returning = _returning(root, table, load)
    writer = DataFileWriter(table.folder, undo.load_id)
    writer.write(returning)
    _, rewritten = drop_from_files(table.folder, table.files, drops, f"{undo.load_id}-u")
    table.commit(
        schema=table.schema,
        add=[*writer.close(), *rewritten],
        remove=list(drops),
        load=undo.to_dict(),
        marks=marks,
    )
    return leaving


def forget(root: Path, table: str, load_id: str, prefix: str) -> None:
    """Remove quarantined and replaced rows of an undone load from the side tables; can be repeated."""
    side_tables.remove(StoredTable(root / QUARANTINE), pl.col("load_id") == load_id, f"{prefix}-q")
    side = StoredTable(root / f"{table}{REPLACED}")
    if not side.exists:
        return
    if load_facts(root, table, load_id).by_order:
        gone = rows_to_drop(StoredTable(root / table), side, load_id)
        side_tables.remove_rows(side, ["order_id", "load_id"], gone, f"{prefix}-f")
        return
    rows = side.scan().collect()
    mine, lost = rows.filter(pl.col(REPLACED_BY) == load_id), rows.filter(pl.col("load_id") == load_id)
    if mine.is_empty() and lost.is_empty():
        return
    facts = load_facts(root, table, load_id)
    inherited = _inherited(mine, lost, Identity(facts.key, facts.content))
    side_tables.append(side, inherited, f"{prefix}-i")
    side_tables.remove(side, (pl.col(REPLACED_BY) == load_id) | (pl.col("load_id") == load_id), f"{prefix}-f")


def load_facts(root: Path, table: str, load_id: str) -> LoadFacts:
    """Return the facts of the load ``load_id`` into ``table``."""
    return next(load.facts for load in history([StoredTable(root / table)]) if load.facts.load_id == load_id)


def _rows_of(table: StoredTable, file: DataFile, load_id: str) -> Positions:
    if not file.may_hold("load_id", load_id):
        return np.empty(0, dtype=np.int64)
    return rows_of_loads(table.folder / file.name, {load_id})


def _returning(root: Path, table: StoredTable, load: LoadFacts) -> pl.DataFrame:
    """Return the rows that the load replaced, if the row that replaced them is still in the table."""
    side = StoredTable(root / f"{table.name}{REPLACED}")
    empty = pl.DataFrame(schema=table.schema)
    if not side.exists:
        return empty
    mine = side.scan().filter(pl.col(REPLACED_BY) == load.load_id).collect()
    lost = side.scan().filter(pl.col("load_id") == load.load_id).collect()
    identity = Identity(load.key, load.content)
    open_ones = mine.filter(~_in(identity.of(mine), identity.of(lost))) if len(mine) else mine
    return aligned(open_ones, table.schema)


def _inherited(mine: pl.DataFrame, lost: pl.DataFrame, identity: Identity) -> pl.DataFrame:
    """Return the rows that the undone load replaced and whose new version a later load replaced in turn.

    They are marked as replaced by that later load.

    ``mine`` are the rows that the undone load replaced; ``lost`` are its own rows that later loads replaced.
    """
    if mine.is_empty() or lost.is_empty():
        return mine.clear()
    later = lost.select(pl.Series(" hash", identity.of(lost)), pl.col(REPLACED_BY).alias(" later"))
    both = mine.with_columns(pl.Series(" hash", identity.of(mine))).join(later, on=" hash", how="inner")
    return both.with_columns(pl.col(" later").alias(REPLACED_BY)).select(mine.columns)


def _in(hashes: Hashes, others: Hashes) -> pl.Series:
    return pl.Series(hashes).is_in(pl.Series(others).implode())
