"""Records to link: of a workspace, of a file, or of a table in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._link.records import ID, records_of_file, records_of_tables
from ckm.config import Workspace, find_workspace, open_workspace
from ckm.identities import FILE, read_identities
from ckm.io.mapping.synonyms import normalise

if TYPE_CHECKING:
    import os

ID_COLUMNS = ("customer_id", "unique_id", "record_id", "rec_id", "id")
"""Column names of a file's record id, in order of preference; without one the row number is the id."""


def records_of_source(source: str | os.PathLike[str] | pl.DataFrame | None) -> tuple[pl.DataFrame, Workspace | None]:
    """Return the records of a workspace, with it, or those of a file or a table."""
    if isinstance(source, pl.DataFrame):
        return _with_ids(source), None
    path = None if source is None else Path(source)
    if path is not None and not (path.is_dir() and find_workspace(path) == path.resolve()):
        return _with_ids(_rows_of_file(path)), None
    workspace = open_workspace(path)
    from ckm.dataset.declared_payments import payments_beside_orders

    payments = {*workspace.config.payments, *payments_beside_orders(workspace)}
    return records_of_tables(_tables(workspace), payments), workspace


def customer_ids(workspace: Workspace) -> frozenset[str]:
    """Return all customer ids of a workspace."""
    found = [frame.select(ID) for frame in _tables(workspace).values() if ID in frame.collect_schema()]
    if not found:
        return frozenset()
    return frozenset(pl.concat(found).drop_nulls().unique().collect(engine="streaming")[ID])


def unknown_ids(workspace: Workspace) -> int:
    """Return the number of ids in ``identities.csv`` that no table of the workspace has."""
    links = read_identities(workspace.root / FILE).links
    ids = {each for link in links for each in (link.left, link.right)}
    if not ids:
        return 0
    tables = [frame.select(ID) for frame in _tables(workspace).values() if ID in frame.collect_schema()]
    found = [frame.filter(pl.col(ID).is_in(sorted(ids))) for frame in tables]
    known = pl.concat(found).unique().collect(engine="streaming")[ID] if found else ()
    return len(ids - {*known})


def _tables(workspace: Workspace) -> dict[str, pl.LazyFrame]:
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    store = Store(workspace.store_dir)
    return {name: store.scan(name) for name in store.tables()}


def _rows_of_file(path: Path) -> pl.DataFrame:
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.read import open_source

    with open_source(path, Hints()) as opened:
        empty = opened.sample.clear()
        return pl.concat([empty, *(batch.records for batch in opened.batches())], how="diagonal_relaxed")


def _with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    by_name = {normalise(name): name for name in rows.columns}
    for name in ID_COLUMNS:
        column = by_name.get(normalise(name))
        if column is not None and rows[column].is_unique().all() and not rows[column].null_count():
            return records_of_file(rows, column).sort(ID)  # the order of the rows has no influence
    numbered = rows.with_row_index("ckm row", offset=1).with_columns(pl.col("ckm row").cast(pl.String))
    return records_of_file(numbered, "ckm row")
