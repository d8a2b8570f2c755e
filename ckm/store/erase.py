"""Erasure of customers: all their rows in all tables, the files that contained them, and their ids in the logs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from ckm.config import LEDGER_FOLDER
from ckm.errors import UsageError
from ckm.io.parquet_file import scan_files
from ckm.store import runs
from ckm.store.damage import table_folders
from ckm.store.data_files import CLUSTER_COLUMN, STATISTICS, DataFile, DataFileWriter, read_rows
from ckm.store.delta import StoredTable, aligned
from ckm.store.log_statistics import forget_old_bounds
from ckm.store.quarantine_search import names_customer
from ckm.store.side_tables import QUARANTINE
from ckm.store.staging import drop_from_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from ckm.store.staging import Positions

    Found = Callable[[str, pl.DataFrame], None]
    RowReplacement = Callable[[str, pl.DataFrame], pl.DataFrame]

SOURCE_FILE = "source_file"
PARENT = "parent_id"
"""Column with the id of another customer; it becomes null if that customer is erased."""
RELATED = "related_id"
"""Column with the id of another customer; the row is removed if that customer is erased, because it is about both."""


class CustomerRows(Protocol):
    """Recognises the rows of the customers to erase."""

    @property
    def ids(self) -> Collection[str]:
        """The ids of the customers."""
        ...

    def contact_columns(self, names: Iterable[str]) -> list[str]:
        """Return the columns, besides ``customer_id``, by which a row can belong to the customers."""
        ...

    def rows(self, frame: pl.DataFrame) -> pl.Series:
        """Return whether each row belongs to the customers, by ``customer_id`` and the contact columns."""
        ...

    def records(self, raw: pl.Series) -> pl.Series:
        """Return whether each quarantined record contains an id or a contact of the customers."""
        ...


@dataclass(frozen=True)
class _ById:
    """Recognises the rows of customers by id only."""

    ids: Collection[str]

    def contact_columns(self, names: Iterable[str]) -> list[str]:
        return []

    def rows(self, frame: pl.DataFrame) -> pl.Series:
        return frame[CLUSTER_COLUMN].is_in(list(self.ids)).fill_null(value=False)

    def records(self, raw: pl.Series) -> pl.Series:
        found = [names_customer(raw, each) for each in self.ids]
        return pl.select(pl.any_horizontal(found)).to_series() if found else pl.Series(dtype=pl.Boolean)


def erase_customer(root: Path, customer_id: str) -> dict[str, int]:
    """Remove a customer by id; see :func:`erase_customers`."""
    return erase_customers(root, _ById((customer_id,)))


def erase_customers(
    root: Path,
    customers: CustomerRows,
    found: Found = lambda table, lineage: None,
    replacement: RowReplacement | None = None,
) -> dict[str, int]:
    """Remove customers' rows from every table with customer ids; return the number of rows by table.

    Requires the lock. The tables include the run history. Old files are deleted at once, so that no earlier version can
    be read, and the bounds of text columns of deleted files are removed from the log. ``parent_id`` of other customers
    becomes null where it names an erased one. The cached customer ledger is
    deleted as a whole. An interrupted erasure is completed by running it again.

    Parameters
    ----------
    root
        Folder of the store.
    customers
        The rows to remove.
    found
        Called before a table is changed, with its name and the lineage of the rows to remove (column ``source_file``
        if the table has it); also with ``TABLE.parent_id`` and rows whose parent is erased.
    replacement
        Called with the name of a table and the rows to remove from it; returns the rows to write instead of them,
        without the persons.
    """
    forget_ledger(root / LEDGER_FOLDER)
    erased = {}
    for folder in table_folders(root):
        table = StoredTable(folder)
        if CLUSTER_COLUMN in table.schema:
            erased[table.name] = _erase_from(table, customers, found, replacement)
            table.vacuum(keep_hours=0)
            forget_old_bounds(table)
    return erased


def forget_ledger(folder: Path) -> None:
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


def _erase_from(table: StoredTable, customers: CustomerRows, found: Found, replacement: RowReplacement | None) -> int:
    contacts = [*customers.contact_columns(table.schema), *(name for name in [RELATED] if name in table.schema)]
    everywhere = table.name == QUARANTINE or bool(contacts)
    drops: dict[str, list[Positions]] = {}
    lineage = []
    for file in table.files:
        if everywhere or any(file.may_hold(CLUSTER_COLUMN, each) for each in customers.ids):
            rows = _rows_of(table, file, customers, contacts)
            if len(rows):
                drops[file.name] = [rows["position"].cast(pl.Int64).to_numpy()]
                lineage.append(rows.drop("position"))
    if lineage:
        found(table.name, pl.concat(lineage, how="diagonal"))
    prefix = f"erase-{table.version:08d}"
    statistics = runs.STATISTICS if runs.is_runs(table.name) else STATISTICS
    add = []
    if replacement is not None and table.name != QUARANTINE:
        for number, (name, [positions]) in enumerate(drops.items()):  # a file of each, because a run has its own files
            instead = DataFileWriter(table.folder, f"{prefix}-kept-{number:04d}", statistics=statistics)
            instead.write(aligned(replacement(table.name, read_rows(table.folder / name, positions)), table.schema))
            add += instead.close()
    children = DataFileWriter(table.folder, f"{prefix}-children")
    if PARENT in table.schema:
        for rows in _without_erased_parents(table, customers, drops):
            found(f"{table.name}.{PARENT}", rows)
            children.write(rows)
    add += children.close()
    if drops:
        _, rewritten = drop_from_files(table.folder, table.files, drops, prefix, statistics)
        table.commit(schema=table.schema, add=[*add, *rewritten], remove=list(drops))
    return sum(len(rows) for rows in lineage)


def _without_erased_parents(
    table: StoredTable, customers: CustomerRows, drops: dict[str, list[Positions]]
) -> Iterator[pl.DataFrame]:
    """Yield rows of other customers whose parent is erased, with null as parent; add their positions to ``drops``."""
    for file in table.files:
        parents = _column_values(table, file, [PARENT])[PARENT]
        positions = parents.is_in(list(customers.ids)).fill_null(value=False).arg_true().cast(pl.Int64).to_numpy()
        positions = np.setdiff1d(positions, np.concatenate(drops.get(file.name, [positions[:0]])))
        if len(positions):
            drops.setdefault(file.name, []).append(positions)
            rows = read_rows(table.folder / file.name, positions)
            yield aligned(rows.with_columns(pl.lit(None, pl.String).alias(PARENT)), table.schema)


def _rows_of(table: StoredTable, file: DataFile, customers: CustomerRows, contacts: list[str]) -> pl.DataFrame:
    """Return the positions of the rows to remove in one file, with their source file."""
    columns = [CLUSTER_COLUMN, *contacts, *(["raw"] if table.name == QUARANTINE else [])]
    frame = _column_values(table, file, columns)
    theirs = customers.rows(frame)
    if RELATED in columns:
        theirs |= frame[RELATED].is_in(list(customers.ids)).fill_null(value=False)
    if table.name == QUARANTINE:  # a quarantined record may contain the id in any place
        theirs |= customers.records(frame["raw"])
    rows = pl.DataFrame({"position": theirs.arg_true()})
    if len(rows) and SOURCE_FILE in table.schema:
        rows = rows.with_columns(_column_values(table, file, [SOURCE_FILE])[SOURCE_FILE][rows["position"]])
    return rows


def _column_values(table: StoredTable, file: DataFile, columns: list[str]) -> pl.DataFrame:
    """Return columns of one file; a column that the table got later is null."""
    return scan_files([table.folder / file.name], pl.Schema({each: table.schema[each] for each in columns})).collect()
